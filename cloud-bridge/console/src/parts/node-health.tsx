import { useEffect, useState } from "preact/hooks";
import type { HealthPoint, HealthSeries } from "../../../api/schema/fleet-list.ts";
import { call } from "../api/client.ts";
import { formatDayTime, formatNumber } from "../text/format.ts";
import { locale } from "../text/locale.ts";
import { nodeText as n } from "../text/packs/node.ts";
import { Segments } from "./figures.tsx";
import { ProblemNote } from "./problem.tsx";

const HOUR_MS = 3_600_000;
const SPANS = { day: 24 * HOUR_MS, week: 7 * 24 * HOUR_MS } as const;
type Span = keyof typeof SPANS;
const REFRESH_MS = 60_000;
const WIDTH = 300;
const HEIGHT = 48;

interface Figure {
  readonly name: "cpu" | "rss" | "unsent" | "rtt" | "full" | "loop";
  readonly unit: string;
  readonly digits: number;
  readonly of: (point: HealthPoint) => number | undefined;
}
const FIGURES: readonly Figure[] = [
  { name: "cpu", unit: "%", digits: 1, of: ({ cpuPct }) => cpuPct },
  { name: "rss", unit: "MB", digits: 0, of: ({ rssBytes }) => rssBytes / 1e6 },
  { name: "unsent", unit: "", digits: 0, of: ({ unsentRecords }) => unsentRecords },
  { name: "rtt", unit: "ms", digits: 0, of: ({ rttMs }) => rttMs },
  { name: "full", unit: "h", digits: 0, of: ({ hoursToFull }) => hoursToFull },
  { name: "loop", unit: "ms", digits: 1, of: ({ eventLoopDelayP99Ms }) => eventLoopDelayP99Ms },
];

/** What the box said of itself, figure by figure. Where it said nothing the line is broken. */
export function NodeHealth({ node, timeZone }: { readonly node: string; readonly timeZone: string | undefined }) {
  const [span, setSpan] = useState<Span>("day");
  const [series, setSeries] = useState<HealthSeries & { readonly fromMs: number; readonly toMs: number }>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    const load = (): void => {
      const toMs = Date.now();
      const fromMs = toMs - SPANS[span];
      call<HealthSeries>("GET", `/nodes/${encodeURIComponent(node)}/health?fromMs=${fromMs}&toMs=${toMs}`).then(
        (found) => {
          setSeries({ ...found, fromMs, toMs });
          setError(undefined);
        },
        setError,
      );
    };
    load();
    const timer = setInterval(load, REFRESH_MS);
    return () => clearInterval(timer);
  }, [node, span]);
  const troubled = [...new Set(series?.points.flatMap((point) => point.troubled))];
  return (
    <section class="panel" aria-label={n("health")} data-health={series?.points.length ?? 0}>
      <h3>
        {n("health")}
        <Segments
          label={n("health")}
          options={(["day", "week"] as const).map((one) => ({ value: one, text: n(`health.${one}`) }))}
          value={span}
          onChange={setSpan}
        />
      </h3>
      <ProblemNote error={error} />
      {series?.points.length === 0 && <p class="quiet">{n("health.none")}</p>}
      {series !== undefined && series.points.length > 0 && (
        <div class="health-figures">
          {FIGURES.map((figure) => (
            <Sparkline key={figure.name} figure={figure} series={series} timeZone={timeZone} />
          ))}
        </div>
      )}
      {troubled.length > 0 && <p class="hint">{n("health.troubled", { devices: troubled.join(", ") })}</p>}
    </section>
  );
}

interface LineProps {
  readonly figure: Figure;
  readonly series: HealthSeries & { readonly fromMs: number; readonly toMs: number };
  readonly timeZone: string | undefined;
}

function Sparkline({ figure, series, timeZone }: LineProps) {
  const { name, unit, digits, of } = figure;
  const { points, stepMs, fromMs, toMs } = series;
  const known = points.flatMap((point) => {
    const value = of(point);
    return value === undefined ? [] : [{ atMs: point.atMs, value }];
  });
  const last = known.at(-1);
  if (last === undefined) return null;
  const least = Math.min(...known.map(({ value }) => value));
  const most = Math.max(...known.map(({ value }) => value));
  const word = (value: number): string => `${formatNumber(locale.value, value, digits)} ${unit}`.trim();
  const x = (atMs: number): number => ((atMs - fromMs) / (toMs - fromMs)) * WIDTH;
  const y = (value: number): number => HEIGHT - 3 - ((value - least) / (most - least || 1)) * (HEIGHT - 6);
  const path = known
    .map(({ atMs, value }, at) => {
      const isTorn = at === 0 || atMs - (known[at - 1]?.atMs ?? 0) > 2 * stepMs;
      return `${isTorn ? "M" : "L"}${x(atMs).toFixed(1)} ${y(value).toFixed(1)}${isTorn ? "h.1" : ""}`;
    })
    .join("");
  const range = n("health.range", { least: word(least), most: word(most) });
  const label = `${n(`health.${name}`)}: ${range}, ${formatDayTime(locale.value, last.atMs, timeZone)}: ${word(last.value)}`;
  return (
    <figure data-figure={name}>
      <figcaption>
        {n(`health.${name}`)} <b>{word(last.value)}</b> <small class="quiet">{range}</small>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
        <title>{label}</title>
        <path d={path} />
      </svg>
    </figure>
  );
}
