import { useEffect, useMemo, useState } from "preact/hooks";
import type { CaseDetail } from "../../../api/schema/desk.ts";
import { type Levels, loadLevels } from "../state/levels.ts";
import { formatTime } from "../text/format.ts";
import { locale, t } from "../text/locale.ts";
import { later } from "./later.tsx";
import { LevelChart } from "./level-chart.tsx";
import type { Limit } from "./level-data.ts";

const BEFORE_MS = 5 * 60_000;
const LONGEST_MS = 60 * 60_000;
const REFRESH_MS = 20_000;
const LIVE_KEY = "v";

export interface CaseLevelsProps {
  readonly detail: CaseDetail;
  readonly timeZone: string | undefined;
}

const LiveLevels = later(async () => (await import("./live-levels.tsx")).LiveLevels);

/**
 * What the meter heard around the alarm, from the minutes that the bridge has stored; live when somebody asks for it, since
 * each second then comes over the line of the node.
 */
export function CaseLevels({ detail, timeZone }: CaseLevelsProps) {
  const [levels, setLevels] = useState<Levels>();
  const [isLive, setLive] = useState(false);
  const alarm = detail.alarms.find(({ body }) => body.family === "noise");
  const node = alarm?.node;
  const device = alarm?.device;
  const subject = alarm?.subject?.id;
  const raisedAtMs = alarm?.raisedAtMs;
  const { updatedAtMs, closedAtMs } = detail.case;
  useEffect(() => {
    if (node === undefined || device === undefined || raisedAtMs === undefined) return;
    const asked = new AbortController();
    const load = (): void => {
      const toMs = Math.min((closedAtMs ?? Date.now()) + 60_000, raisedAtMs + LONGEST_MS);
      loadLevels(node, { device, subject }, raisedAtMs - BEFORE_MS, toMs, asked.signal).then(setLevels, () => {});
    };
    load();
    const timer = closedAtMs === undefined ? setInterval(load, REFRESH_MS) : undefined;
    return () => {
      clearInterval(timer);
      asked.abort();
    };
  }, [node, device, subject, raisedAtMs, updatedAtMs, closedAtMs]);
  const limits = useMemo(() => limitsOf(alarm?.body.limits ?? {}), [alarm?.body.limits, locale.value]);
  if (!alarm) return null;
  const canBeLive = closedAtMs === undefined && alarm.subject === undefined && alarm.node !== "@bridge";
  if (isLive && canBeLive) {
    return (
      <div class="case-live">
        <LiveLevels node={alarm.node} device={alarm.device} timeZone={timeZone} />
        <button type="button" class="button is-small" onClick={() => setLive(false)} data-live="off">
          {t("levels.back")}
        </button>
      </div>
    );
  }
  if (!levels || (levels.atMs.length === 0 && !canBeLive)) return null;
  return (
    <section class="panel" aria-label={t("levels.title")}>
      <h3>
        {t("levels.title")}
        <span class="quiet">
          {alarm.node} · {alarm.device}
          {alarm.body.estimated === true && ` · ${t("levels.estimated")}`}
        </span>
        {canBeLive && (
          <button type="button" class="button is-small" onClick={() => setLive(true)} data-live="on">
            {t("live.show.live")} <kbd>{LIVE_KEY}</kbd>
          </button>
        )}
      </h3>
      <LevelChart
        label={t("levels.chart-label", { time: formatTime(locale.value, alarm.raisedAtMs, timeZone) })}
        atMs={levels.atMs}
        levelsDb={levels.levelsDb}
        limits={limits}
        marks={[{ atMs: alarm.raisedAtMs, label: t("levels.raised") }]}
        timeZone={timeZone}
        height={170}
      />
    </section>
  );
}

export function limitsOf(limits: Readonly<Record<string, number>>): Limit[] {
  const shown: Limit[] = [];
  const raiseDb = limits["raiseDb"] ?? limits["limitDb"];
  const clearDb = limits["clearDb"];
  if (raiseDb !== undefined) shown.push({ db: raiseDb, label: t("levels.limit", { n: raiseDb }), kind: "limit" });
  if (clearDb !== undefined) shown.push({ db: clearDb, label: t("levels.clear", { n: clearDb }), kind: "clear" });
  return shown;
}
