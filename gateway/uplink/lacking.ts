import type { ShedBody } from "../../protocol/bodies.ts";
import { NO_RANGES, type Ranges, rangesFrom, subtract, union } from "../../protocol/ranges.ts";

/** Ranges in one `shed`: their digits must fit a body of lane 1. */
const RANGES_PER_SHED = 80;

/**
 * The declarations due for what the bridge asks for and the node no longer holds: each seq once, and not again while the
 * `shed` that names it is unreceipted.
 * @param lacking what of the asked ranges the journal lacks
 * @param unreceipted every `shed` of this node that has no receipt yet, of whichever run
 */
export function declarations(run: string, lacking: Ranges, unreceipted: readonly ShedBody[]): readonly ShedBody[] {
  const pending = unreceipted
    .filter((shed) => shed.run === run)
    .reduce<Ranges>((all, shed) => union(all, rangesFrom(shed.ranges)), NO_RANGES);
  const due = subtract(lacking, pending);
  const sheds: ShedBody[] = [];
  for (let at = 0; at < due.length; at += RANGES_PER_SHED) {
    sheds.push({ run, ranges: [...due.slice(at, at + RANGES_PER_SHED)], reason: "expired" });
  }
  return sheds;
}
