import { type Edition, encodeFrame, type Frame, word } from "../../../drivers/jt808/frame.ts";
import { encodeLocation, type LocationFacts } from "../../../drivers/jt808/location.ts";

export const PHONE = "013912345678";
export const NOON_MS = Date.UTC(2026, 10, 21, 4, 0, 0);

export function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, "hex"));
}

export function frameOf(messageId: number, body: Uint8Array, more: Partial<Frame> = {}): Uint8Array {
  const { edition = "2013" as Edition, phone = PHONE, serial = 7, part } = more;
  return encodeFrame({ messageId, edition, phone, serial, body, ...(part && { part }) });
}

export function locationBody(facts: Partial<LocationFacts> = {}): Uint8Array {
  const place = { latitudeDeg: 39.912, longitudeDeg: 116.456, speedMps: 10, bearingDeg: 90 };
  return encodeLocation({ alarmBits: 0, ...place, atMs: NOON_MS, ...facts });
}

export function batchBody(type: number, bodies: readonly Uint8Array[]): Uint8Array {
  const items = bodies.flatMap((body) => [...word(body.length), ...body]);
  return Uint8Array.from([...word(bodies.length), type, ...items]);
}

/** One byte of a frame replaced, e.g. the status of a location. */
export function withBytes(body: Uint8Array, at: number, bytes: readonly number[]): Uint8Array {
  const changed = Uint8Array.from(body);
  changed.set(bytes, at);
  return changed;
}
