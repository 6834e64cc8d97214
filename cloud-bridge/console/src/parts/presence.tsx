import type { Accounting, NodeView, Presence } from "../../../api/schema/fleet.ts";
import { nowMs } from "../clock.ts";
import { ageSinceTold } from "../state/fleet.ts";
import { formatAge, formatNumber } from "../text/format.ts";
import { locale, t } from "../text/locale.ts";
import { Icon, type IconName } from "./icon.tsx";

type Device = Presence["devices"][number];

/** A heartbeat comes every 60 s; two missed ones are worth a colour. */
const HEARTBEAT_LATE_MS = 150_000;
const FRESH_MS = 10_000;

export const DEVICE_LOOK: Readonly<Record<Device["state"], { readonly icon: IconName; readonly mood: string }>> = {
  online: { icon: "connected", mood: "is-good" },
  starting: { icon: "starting", mood: "is-dim" },
  silent: { icon: "silent", mood: "is-warning" },
  offline: { icon: "disconnected", mood: "is-bad" },
  stopped: { icon: "stopped", mood: "is-dim" },
  parked: { icon: "parked", mood: "is-dim" },
};

/** Three facts side by side; none is derived from another, and none is hidden by another. */
export function PresenceFacts({ node }: { readonly node: NodeView }) {
  // Ages grow between two tellings of the bridge: reading the clock here draws them anew each second.
  nowMs.value;
  const grownMs = ageSinceTold(node.id);
  const { transport, heartbeatAgeMs, parkedSinceMs, devices } = node.presence;
  const isParked = parkedSinceMs !== undefined;
  const away = transport === "never" || isParked ? "is-dim" : "is-bad";
  const transportMood = transport === "connected" ? "is-good" : away;
  const heartbeatMs = heartbeatAgeMs === undefined ? undefined : heartbeatAgeMs + grownMs;
  const isLate = heartbeatMs === undefined || heartbeatMs > HEARTBEAT_LATE_MS;
  const fine = devices.filter(({ state }) => state === "online").length;
  const resting = devices.filter(({ state }) => state === "parked").length;
  const isFine = devices.length > 0 && fine + resting === devices.length;
  return (
    <dl class="facts">
      <div class={transportMood}>
        <dt>{t("presence.transport")}</dt>
        <dd>
          <Icon name={isParked ? "parked" : transport === "connected" ? "connected" : "disconnected"} size={13} />
          {isParked
            ? t("presence.parked", { time: formatAge(locale.value, nowMs.value - parkedSinceMs) })
            : t(`transport.${transport}`)}
        </dd>
      </div>
      <div class={isParked ? "is-dim" : isLate ? "is-warning" : "is-good"}>
        <dt>{t("presence.heartbeat")}</dt>
        <dd>
          <Icon name="heartbeat" size={13} />
          {heartbeatMs === undefined
            ? t("presence.none")
            : t("presence.ago", { time: formatAge(locale.value, heartbeatMs) })}
        </dd>
      </div>
      <div class={isFine ? "is-good" : "is-warning"}>
        <dt>{t("presence.devices")}</dt>
        <dd>
          <Icon name="sensor" size={13} />
          {t("presence.devices-online", { n: fine, of: devices.length })}
        </dd>
      </div>
    </dl>
  );
}

export function DeviceChips({ node }: { readonly node: NodeView }) {
  nowMs.value;
  return (
    <ul class="device-chips">
      {node.presence.devices.map((device) => (
        <li key={device.device} class={DEVICE_LOOK[device.state].mood} title={device.hint ?? device.message ?? ""}>
          <Icon name={DEVICE_LOOK[device.state].icon} size={12} />
          <span>{device.device}</span>
          <small>
            {device.state === "online" ? freshness(device, ageSinceTold(node.id)) : t(`device.${device.state}`)}
          </small>
        </li>
      ))}
    </ul>
  );
}

/** A device that measures each second is fresh or it is not; seconds that only follow the page's own clock say nothing. */
export function freshness({ freshnessMs }: Device, grownMs: number): string {
  if (freshnessMs === undefined) return t("presence.none");
  const ms = freshnessMs + grownMs;
  return ms < FRESH_MS ? t("presence.fresh") : t("presence.ago", { time: formatAge(locale.value, ms) });
}

/** Every record is stored, declared, outstanding or unexplained. */
export function AccountingLine({ total }: { readonly total: Accounting }) {
  const n = (value: number): string => formatNumber(locale.value, value);
  const share = total.expected === 0 ? 1 : total.stored / total.expected;
  return (
    <p class={`accounting${total.unexplained > 0 ? " is-bad" : ""}`}>
      <span class="accounting-words">
        {t("accounting.line", {
          stored: n(total.stored),
          expected: n(total.expected),
          outstanding: n(total.outstanding),
          unexplained: n(total.unexplained),
        })}
        {total.declared > 0 && ` · ${t("accounting.declared", { n: n(total.declared) })}`}
        {total.quarantined > 0 && ` · ${t("accounting.quarantined", { n: n(total.quarantined) })}`}
      </span>
      <meter class="accounting-meter" min={0} max={1} value={share} aria-label={t("accounting.share")} />
    </p>
  );
}
