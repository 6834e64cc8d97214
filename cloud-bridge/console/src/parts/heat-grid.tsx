import type { HighsView } from "../../../api/schema/analysis.ts";
import { analysisText as a } from "../text/packs/analysis.ts";
import { NONE, orNone, whole } from "./analysis-words.ts";

type High = HighsView["times"][number];
export type Measure = "count" | "rate";

const DAYS = [1, 2, 3, 4, 5, 6, 7] as const;
const HOURS = Array.from({ length: 24 }, (_, hour) => hour);
const CELL = 24;
const GAP = 2;
const LEFT = 40;
const TOP = 18;
/** Five steps: more shades than that are not told apart. */
const STEPS = 5;

export const figureOf = (high: High, measure: Measure): number | null =>
  measure === "count" ? high.cases : high.per100Hours;

/** 0 is nothing, 5 the most of this grid. */
export function stepOf(value: number | null, most: number): number {
  if (value === null || value <= 0 || most <= 0) return 0;
  return Math.max(1, Math.ceil((value / most) * STEPS));
}

export interface HeatGridProps {
  readonly times: HighsView["times"];
  readonly timeZone: string;
  readonly measure: Measure;
}

/** Hour × weekday: each cell is coloured by its step and carries its figure, so that no colour has to be read. */
export function HeatGrid({ times, timeZone, measure }: HeatGridProps) {
  const found = new Map(times.map((high) => [`${high.weekday} ${high.hour}`, high]));
  const most = Math.max(0, ...times.map((high) => figureOf(high, measure) ?? 0));
  const width = LEFT + HOURS.length * (CELL + GAP);
  const height = TOP + DAYS.length * (CELL + GAP);
  return (
    <figure class="heat">
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={a("highs.heat", { zone: timeZone })} data-heat>
        {HOURS.filter((hour) => hour % 3 === 0).map((hour) => (
          <text key={hour} class="heat-name" x={LEFT + hour * (CELL + GAP)} y={TOP - 6}>
            {`${hour}:00`}
          </text>
        ))}
        {DAYS.map((day) => (
          <g key={day} transform={`translate(0 ${TOP + (day - 1) * (CELL + GAP)})`}>
            <text class="heat-name" x={LEFT - 8} y={CELL / 2 + 4} text-anchor="end">
              {a(`day.${day}`)}
            </text>
            {HOURS.map((hour) => (
              <HeatCell
                key={hour}
                x={LEFT + hour * (CELL + GAP)}
                day={day}
                hour={hour}
                high={found.get(`${day} ${hour}`)}
                measure={measure}
                most={most}
              />
            ))}
          </g>
        ))}
      </svg>
      <figcaption class="quiet">
        {a("highs.heat", { zone: timeZone })} · {a("heat.less")}
        <svg class="heat-key" width={STEPS * 18} height="12" viewBox={`0 0 ${STEPS * 18} 12`} aria-hidden="true">
          {Array.from({ length: STEPS }, (_, i) => (
            <rect key={`step ${i + 1}`} class={`heat-cell step-${i + 1}`} x={i * 18} width="16" height="12" />
          ))}
        </svg>
        {a("heat.more")}
      </figcaption>
    </figure>
  );
}

interface HeatCellProps {
  readonly x: number;
  readonly day: (typeof DAYS)[number];
  readonly hour: number;
  readonly high: High | undefined;
  readonly measure: Measure;
  readonly most: number;
}

function HeatCell({ x, day, hour, high, measure, most }: HeatCellProps) {
  const value = high === undefined ? 0 : figureOf(high, measure);
  const step = stepOf(value, most);
  const words = a("heat.cell", {
    day: a(`day.${day}`),
    hour,
    n: whole(high?.cases ?? 0),
    before: whole(high?.casesBefore ?? 0),
    hours: orNone(high?.observedHours ?? 0),
    rate: orNone(high?.per100Hours ?? null),
  });
  return (
    <g transform={`translate(${x} 0)`}>
      <rect class={`heat-cell step-${step}`} width={CELL} height={CELL} rx="2">
        <title>{words}</title>
      </rect>
      {value === null && (
        <text class="heat-value" x={CELL / 2} y={CELL / 2 + 4} text-anchor="middle">
          {NONE}
        </text>
      )}
      {step > 0 && value !== null && (
        <text class={`heat-value step-${step}`} x={CELL / 2} y={CELL / 2 + 4} text-anchor="middle">
          {measure === "count" ? whole(value) : orNone(value, value < 10 ? 1 : 0)}
        </text>
      )}
    </g>
  );
}
