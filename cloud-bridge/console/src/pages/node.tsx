import { useEffect, useState } from "preact/hooks";
import "../styles/nodes.css";
import "../styles/node.css";
import type { CommandView } from "../../../api/schema/commands.ts";
import type { JournalView } from "../../../api/schema/fleet.ts";
import { nowMs } from "../clock.ts";
import { Custody } from "../parts/custody.tsx";
import { Faults } from "../parts/faults.tsx";
import { Icon } from "../parts/icon.tsx";
import { later } from "../parts/later.tsx";
import { LiveLevels } from "../parts/live-levels.tsx";
import { NodeAudit } from "../parts/node-audit.tsx";
import { NodeBindings } from "../parts/node-bindings.tsx";
import { NodeCommands } from "../parts/node-commands.tsx";
import { NodeHealth } from "../parts/node-health.tsx";
import { NodeLogs } from "../parts/node-logs.tsx";
import { DEVICE_LOOK, freshness, PresenceFacts } from "../parts/presence.tsx";
import { ProblemNote } from "../parts/problem.tsx";
import { loadSites, siteName, sites } from "../state/desk.ts";
import { ageSinceTold, loadNode, nodes } from "../state/fleet.ts";
import { may } from "../state/session.ts";
import { formatAge } from "../text/format.ts";
import { locale, t } from "../text/locale.ts";
import { nodeText as n } from "../text/packs/node.ts";

const NodeCameras = later(async () => (await import("../parts/node-cameras.tsx")).NodeCameras);
const NodeConfig = later(async () => (await import("../parts/node-config.tsx")).NodeConfig);

const REFRESH_MS = 10_000;
const OLD_MS = 10 * 60_000;
const SOON_H = 14 * 24;
/** Drivers whose readings are 1-s sound levels. */
const isMeter = (driver: string | undefined, device: string): boolean =>
  driver === undefined ? /noise|meter/.test(device) : /noise|cem|svantek|pce/.test(driver);

export function NodePage({ id }: { readonly id: string }) {
  const [error, setError] = useState<unknown>();
  const [orders, setOrders] = useState<readonly CommandView[]>([]);
  useEffect(() => {
    const load = (): void => {
      loadNode(id).then(() => setError(undefined), setError);
    };
    load();
    void loadSites().catch(() => {});
    const timer = setInterval(load, REFRESH_MS);
    return () => clearInterval(timer);
  }, [id]);
  const node = nodes.value.get(id);
  const timeZone = node?.siteId === undefined ? undefined : sites.value.get(node.siteId)?.timeZone;
  const meters = node?.presence.devices.filter(({ driver, device }) => isMeter(driver, device)) ?? [];
  return (
    <div class="page">
      <a class="back is-shown" href="/nodes">
        <Icon name="back" size={14} /> {t("nodes.title")}
      </a>
      <ProblemNote error={error} />
      {node && (
        <>
          <header class="page-head">
            <h1>{node.id}</h1>
            <span class="quiet">
              {[siteName(node.siteId), node.version].filter((word) => word !== undefined).join(" · ")}
            </span>
            {node.timeQuality !== undefined && (
              <span class={`tag${node.timeQuality === "none" ? " is-warning" : ""}`}>
                {n("node.clock", { quality: t(`time-quality.${node.timeQuality as "gnss" | "ntp" | "rtc" | "none"}`) })}
              </span>
            )}
          </header>
          <PresenceFacts node={node} />
          <Faults node={node} />
          {may("actOnCases") || may("addNodes") ? (
            <NodeCommands node={node} timeZone={timeZone} onKnown={setOrders} />
          ) : null}
          {meters.map(({ device }) => (
            <LiveLevels key={device} node={node.id} device={device} timeZone={timeZone} />
          ))}
          {node.presence.devices.some(({ driver }) => driver === "camera") && <NodeCameras nodes={[node.id]} />}
          <div class="node-columns">
            <section class="panel" aria-label={n("node.devices")}>
              <h3>{n("node.devices")}</h3>
              <DevicesTable id={id} />
            </section>
            <section class="panel" aria-label={n("node.custody")}>
              <h3>{n("node.custody")}</h3>
              {(node.unsentRecords ?? 0) > 0 && <p class="hint">{n("node.unsent", { n: node.unsentRecords ?? 0 })}</p>}
              {node.journal && <JournalHints journal={node.journal} />}
              <Custody key={id} node={id} timeZone={timeZone} />
            </section>
          </div>
          <NodeHealth node={id} timeZone={timeZone} />
          <NodeBindings node={id} timeZone={timeZone} />
          {may("seeAudit") && <NodeConfig key={id} node={id} timeZone={timeZone} />}
          {may("addNodes") && <NodeLogs key={id} node={id} timeZone={timeZone} orders={orders} />}
          {may("seeAudit") && <NodeAudit key={id} node={id} timeZone={timeZone} />}
        </>
      )}
    </div>
  );
}

/** Only what somebody should act on: a journal far from full is not worth a line. */
function JournalHints({ journal }: { readonly journal: JournalView }) {
  const { hoursToFull, oldestUnsentMs = 0, full, alarmStoreFull } = journal;
  return (
    <>
      {full === true && <p class="hint is-bad">{n("node.journal-full")}</p>}
      {alarmStoreFull === true && <p class="hint is-bad">{n("node.alarms-full")}</p>}
      {oldestUnsentMs > OLD_MS && (
        <p class="hint">{n("node.oldest-unsent", { time: formatAge(locale.value, oldestUnsentMs) })}</p>
      )}
      {hoursToFull !== undefined && hoursToFull < SOON_H && (
        <p class="hint">{n("node.hours-to-full", { n: Math.floor(hoursToFull) })}</p>
      )}
    </>
  );
}

function DevicesTable({ id }: { readonly id: string }) {
  nowMs.value;
  const devices = nodes.value.get(id)?.presence.devices ?? [];
  return (
    <table class="table">
      <thead>
        <tr>
          <th scope="col">{n("node.device")}</th>
          <th scope="col">{n("node.driver")}</th>
          <th scope="col">{n("node.state")}</th>
          <th scope="col">{n("node.last-reading")}</th>
        </tr>
      </thead>
      <tbody>
        {devices.map((device) => (
          <tr key={device.device}>
            <th scope="row">{device.device}</th>
            <td>{device.driver}</td>
            <td class={DEVICE_LOOK[device.state].mood}>
              <Icon name={DEVICE_LOOK[device.state].icon} size={13} /> {t(`device.${device.state}`)}
              {device.hint !== undefined && <p class="hint">{device.hint}</p>}
            </td>
            <td>{freshness(device, ageSinceTold(id))}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
