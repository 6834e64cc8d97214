import type uPlot from "uplot";

export interface Limit {
  readonly db: number;
  readonly label: string;
  /** A limit raises; a clear level is where quiet begins. */
  readonly kind: "limit" | "clear";
}

export interface LevelChartProps {
  readonly label: string;
  /** UTC milliseconds and dB; `null` is a second without a value and stays a gap. */
  readonly atMs: readonly number[];
  readonly levelsDb: readonly (number | null)[];
  readonly limits: readonly Limit[];
  readonly timeZone: string | undefined;
  readonly height?: number;
  /** Width of the drawing in time; without it, all that there is. */
  readonly spanMs?: number;
  /** Instants to mark, e.g. the moment at which an alarm was raised. */
  readonly marks?: readonly { readonly atMs: number; readonly label: string }[];
}

export const dataOf = ({ atMs, levelsDb }: LevelChartProps): uPlot.AlignedData => [
  atMs.map((ms) => ms / 1000),
  [...levelsDb],
];
