import { DriverError } from "../errors.ts";

/** A report that is older than this was kept by the terminal while it had no network. */
const KEPT_AFTER_MS = 10 * 60_000;
const AHEAD_MS = 5 * 60_000;
/** No terminal keeps its reports so long: its clock is wrong. */
const OLDEST_MS = 90 * 86_400_000;

/** How a report came: by itself, with others, or kept from a stretch without network. */
export type ReportKind = "live" | "batch" | "backfill";

/**
 * @param terminalAtMs what the terminal says; undefined where that is no date
 * @returns when the report is about, and the terminal's own time where it can be; no time for a kept report that belongs
 * nowhere; a fault where the terminal's clock was not used
 */
export function reportTime(
  terminalAtMs: number | undefined,
  kind: ReportKind,
  nowMs: number,
): { readonly time?: { readonly atMs: number; readonly fixAtMs?: number }; readonly fault?: DriverError } {
  const isSane = terminalAtMs !== undefined && terminalAtMs <= nowMs + AHEAD_MS && terminalAtMs >= nowMs - OLDEST_MS;
  if (!isSane) {
    const fault = clockFault(terminalAtMs);
    return kind === "backfill" ? { fault } : { time: { atMs: nowMs }, fault };
  }
  const isNow = terminalAtMs > nowMs || (kind === "live" && nowMs - terminalAtMs <= KEPT_AFTER_MS);
  return { time: { atMs: isNow ? nowMs : terminalAtMs, fixAtMs: terminalAtMs } };
}

function clockFault(terminalAtMs: number | undefined): DriverError {
  const says = terminalAtMs === undefined ? "no date" : new Date(terminalAtMs).toISOString();
  return new DriverError("JT808_CLOCK", `a terminal says ${says}`, {
    retry: "backoff",
    hint: "Its clock is wrong, or this node's is. Live positions are used at the time they came, kept ones are not.",
  });
}
