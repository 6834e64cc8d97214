import { useEffect, useState } from "preact/hooks";
import "../styles/nodes.css";
import type { JournalView } from "../../../api/schema/fleet.ts";
import { nowMs } from "../clock.ts";
import { Custody } from "../parts/custody.tsx";
import { Faults } from "../parts/faults.tsx";
import { Icon } from "../parts/icon.tsx";
import { later } from "../parts/later.tsx";
import { LiveLevels } from "../parts/live-levels.tsx";
import { DEVICE_LOOK, freshness, PresenceFacts } from "../parts/presence.tsx";
import { ProblemNote } from "../parts/problem.tsx";
import { loadSites, siteName, sites } from "../state/desk.ts";
import { ageSinceTold, loadNode, nodes } from "../state/fleet.ts";
import { formatAge } from "../text/format.ts";
import { locale, t } from "../text/locale.ts";

const NodeCameras = later(async () => (await import("../parts/node-cameras.tsx")).NodeCameras);

const REFRESH_MS = 10_000;
const OLD_MS = 10 * 60_000;
const SOON_H = 14 * 24;
/** Drivers whose readings are 1-s sound levels. */
const isMeter = (driver: string | undefined, device: string): boolean =>
  driver === undefined ? /noise|meter/.test(device) : /noise|cem|svantek|pce/.test(driver);

export function NodePage({ id }: { readonly id: string }) {
  const [error, setError] = useState<unknown>();
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
                {t("node.clock", { quality: t(`time-quality.${node.timeQuality as "gnss" | "ntp" | "rtc" | "none"}`) })}
              </span>
            )}
          </header>
          <PresenceFacts node={node} />
          <Faults node={node} />
          {meters.map(({ device }) => (
            <LiveLevels key={device} node={node.id} device={device} timeZone={timeZone} />
          ))}
          {node.presence.devices.some(({ driver }) => driver === "camera") && <NodeCameras nodes={[node.id]} />}
          <div class="node-columns">
            <section class="panel" aria-label={t("node.devices")}>
              <h3>{t("node.devices")}</h3>
              <DevicesTable id={id} />
            </section>
            <section class="panel" aria-label={t("node.custody")}>
              <h3>{t("node.custody")}</h3>
              {(node.unsentRecords ?? 0) > 0 && <p class="hint">{t("node.unsent", { n: node.unsentRecords ?? 0 })}</p>}
              {node.journal && <JournalHints journal={node.journal} />}
              <Custody key={id} node={id} timeZone={timeZone} />
            </section>
          </div>
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
      {full === true && <p class="hint is-bad">{t("node.journal-full")}</p>}
      {alarmStoreFull === true && <p class="hint is-bad">{t("node.alarms-full")}</p>}
      {oldestUnsentMs > OLD_MS && (
        <p class="hint">{t("node.oldest-unsent", { time: formatAge(locale.value, oldestUnsentMs) })}</p>
      )}
      {hoursToFull !== undefined && hoursToFull < SOON_H && (
        <p class="hint">{t("node.hours-to-full", { n: Math.floor(hoursToFull) })}</p>
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
          <th scope="col">{t("node.device")}</th>
          <th scope="col">{t("node.driver")}</th>
          <th scope="col">{t("node.state")}</th>
          <th scope="col">{t("node.last-reading")}</th>
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
