import process from "node:process";
import { type BenchRow, rounded } from "./report.ts";

/** One part of a benchmark of parts, which can run alone. */
export interface CustodyPart {
  readonly what: string;
  run(): Promise<readonly BenchRow[]>;
}

/** A row with what it is held against; figures are rounded, and what is not given is null. */
export function row(
  metric: string,
  value: number,
  unit: string,
  against: { readonly goal?: number; readonly peer?: number; readonly limit?: number; readonly note?: string } = {},
): BenchRow {
  const { goal = null, peer, limit, note } = against;
  const figure = (of: number | undefined) => (of === undefined ? null : rounded(of));
  return {
    ...{ metric, value: rounded(value), unit, goal, peer: figure(peer), limit: figure(limit) },
    ...(note === undefined ? {} : { note }),
  };
}

export function say(text: string): void {
  process.stderr.write(`custody: ${text}\n`);
}
