import { createHash } from "node:crypto";

/** Id of one alarm's way, or of a case without an alarm, in the form of W3C Trace Context: 16 bytes, lower-case hex. */
const TRACE_ID = /^(?!0{32})[0-9a-f]{32}$/;

/**
 * What every log line, view and header about an alarm names it by: its own id without the hyphens. Nothing is sent or stored
 * for it, and each record that was ever written has one.
 * @param id an alarmId, or the id of a case that no alarm opened
 */
export function traceOf(id: string): string {
  return id.replaceAll("-", "");
}

export function isTrace(value: unknown): value is string {
  return typeof value === "string" && TRACE_ID.test(value);
}

/** One step of the way, for the receiver of a request to name as its parent: the same step always has the same. */
export function spanOf(trace: string, step: string): string {
  return createHash("sha256").update(`${trace}/${step}`).digest("hex").slice(0, 16);
}

/** @source W3C Trace Context (Recommendation 2021-11-23) §3.2: version 00, sampled, since what it names is in the logs */
export function traceparent(trace: string, span: string): string {
  return `00-${trace}-${span}-01`;
}
