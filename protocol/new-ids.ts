import { randomBytes } from "node:crypto";
import type { AlarmId, RunId } from "./ids.ts";

/** A UUIDv7: 48 bits of UTC in ms, the rest random. @source RFC 9562 §5.7 */
export function newAlarmId(nowMs: number): AlarmId {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Math.max(0, Math.floor(nowMs)), 0, 6);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** 16 random bytes, base64url: for runs, sessions, epochs and bridges. Never derived from a clock or a counter. */
export function newRunId(): RunId {
  return randomBytes(16).toString("base64url");
}
