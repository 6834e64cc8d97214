import { signal } from "@preact/signals";
import { useEffect, useMemo, useState } from "preact/hooks";
import "../styles/nodes.css";
import { call } from "../api/client.ts";
import { onEvent, streamClient } from "../api/events.ts";
import { nowMs } from "../clock.ts";
import { isInvalid } from "../level-series.ts";
import { type Levels, loadLevels } from "../state/levels.ts";
import { formatLevel } from "../text/format.ts";
import { locale, t } from "../text/locale.ts";
import { LevelChart } from "./level-chart.tsx";
import { ProblemNote } from "./problem.tsx";

const HOUR_MS = 3_600_000;
const SHOWN_LIVE_MS = 5 * 60_000;
/** The lease is 60 s; renewing at 25 s outlives one lost request. */
const RENEW_MS = 25_000;
const RETRY_MS = 3000;
const STALE_MS = 5000;

export interface LiveLevelsProps {
  readonly node: string;
  readonly device: string;
  readonly timeZone: string | undefined;
}

type Show = "live" | "hour";

/** 1-s levels as they come, held by a lease as long as somebody looks; beside them the last hour as stored. */
export function LiveLevels({ node, device, timeZone }: LiveLevelsProps) {
  const [show, setShow] = useState<Show>("live");
  const [error, setError] = useState<unknown>();
  const [hour, setHour] = useState<Levels>({ atMs: [], levelsDb: [] });
  const live = useMemo(() => signal<Levels>({ atMs: [], levelsDb: [] }), [node, device]);
  const client = streamClient.value;

  useEffect(() => {
    if (client === undefined) return;
    let retry: ReturnType<typeof setTimeout> | undefined;
    const lease = (): void => {
      clearTimeout(retry);
      if (document.visibilityState === "hidden") return;
      call("POST", `/nodes/${encodeURIComponent(node)}/live`, { body: { client, device } }).then(
        () => setError(undefined),
        (cause: unknown) => {
          setError(cause);
          retry = setTimeout(lease, RETRY_MS);
        },
      );
    };
    lease();
    const timer = setInterval(lease, RENEW_MS);
    document.addEventListener("visibilitychange", lease);
    return () => {
      clearInterval(timer);
      clearTimeout(retry);
      document.removeEventListener("visibilitychange", lease);
    };
  }, [client, node, device]);

  useEffect(
    () =>
      onEvent("live", (event) => {
        if (event.node !== node || event.device !== device) return;
        const { atMs, levelDb, flags } = event.level;
        const from = live.value.atMs.findIndex((ms) => ms > atMs - SHOWN_LIVE_MS);
        const keep = from < 0 ? live.value.atMs.length : from;
        if (atMs <= (live.value.atMs.at(-1) ?? 0)) return;
        live.value = {
          atMs: [...live.value.atMs.slice(keep), atMs],
          levelsDb: [...live.value.levelsDb.slice(keep), isInvalid(flags) ? null : levelDb],
        };
      }),
    [node, device, live],
  );

  useEffect(() => {
    const asked = new AbortController();
    const load = (): void => {
      loadLevels(node, { device }, Date.now() - HOUR_MS, Date.now(), asked.signal).then(setHour, () => {});
    };
    load();
    const timer = setInterval(load, 60_000);
    return () => {
      clearInterval(timer);
      asked.abort();
    };
  }, [node, device]);

  const shown = show === "live" ? withTail(hour, live.value) : hour;
  return (
    <section class="panel live" aria-label={t("live.title", { device })} data-live-points={live.value.atMs.length}>
      <h3>
        {device}
        <CurrentLevel levels={live.value} />
        <span class="segments is-small" role="tablist" aria-label={t("live.show")}>
          {(["live", "hour"] as const).map((option) => (
            <button
              key={option}
              type="button"
              role="tab"
              class="segment"
              aria-selected={option === show}
              onClick={() => setShow(option)}
            >
              {t(`live.show.${option}`)}
            </button>
          ))}
        </span>
      </h3>
      <ProblemNote error={error} />
      <LevelChart
        label={t(`live.chart.${show}`, { device })}
        atMs={shown.atMs}
        levelsDb={shown.levelsDb}
        limits={[{ db: 70, label: t("levels.limit", { n: 70 }), kind: "limit" }]}
        timeZone={timeZone}
        {...(show === "live" ? { spanMs: SHOWN_LIVE_MS } : {})}
        height={200}
      />
      {show === "live" && shown.atMs.length === 0 && <p class="quiet">{t("live.waiting")}</p>}
      {show === "hour" && shown.atMs.length === 0 && <p class="quiet">{t("live.no-hour")}</p>}
    </section>
  );
}

/** The last stored minutes before the first live second, so that the drawing does not begin empty. */
function withTail(stored: Levels, live: Levels): Levels {
  const firstMs = live.atMs[0];
  if (firstMs === undefined) return live;
  const from = stored.atMs.findIndex((ms) => ms > firstMs - SHOWN_LIVE_MS);
  const to = stored.atMs.findIndex((ms) => ms >= firstMs - 500);
  if (from < 0) return live;
  const end = to < 0 ? stored.atMs.length : to;
  const tailMs = stored.atMs.slice(from, end);
  const lastMs = tailMs.at(-1);
  const isTorn = lastMs !== undefined && firstMs - lastMs > 2500;
  return {
    atMs: [...tailMs, ...(isTorn ? [lastMs + 1000] : []), ...live.atMs],
    levelsDb: [...stored.levelsDb.slice(from, end), ...(isTorn ? [null] : []), ...live.levelsDb],
  };
}

function CurrentLevel({ levels }: { readonly levels: Levels }) {
  const levelDb = levels.levelsDb.at(-1);
  const atMs = levels.atMs.at(-1);
  if (atMs === undefined) return null;
  const isStale = nowMs.value - atMs > STALE_MS;
  return (
    <span class={`live-now${isStale ? " is-stale" : ""}`}>
      {levelDb === null || levelDb === undefined ? "–" : formatLevel(locale.value, levelDb)}
      <small>{t("unit.dba")}</small>
    </span>
  );
}
