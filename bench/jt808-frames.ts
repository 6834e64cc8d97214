import { Jt808Capture } from "../drivers/jt808/capture.ts";
import { encodeFrame } from "../drivers/jt808/frame.ts";
import { encodeLocation } from "../drivers/jt808/location.ts";
import type { BenchRow } from "./report.ts";
import { rounded } from "./report.ts";

const FRAMES = 100_000;
const CHUNK_BYTES = 16_384;

/** Locations decoded a second, beside the cost of merely cutting the same bytes at their marks. */
export function frameRows(): BenchRow[] {
  const bytes = Buffer.concat(
    Array.from({ length: FRAMES }, (_, index) => {
      const facts = {
        latitudeDeg: 39.9 + index * 1e-6,
        longitudeDeg: 116.4,
        speedMps: 9,
        bearingDeg: 90,
        alarmBits: 0,
      };
      const body = encodeLocation({ ...facts, atMs: 1_795_000_000_000 + index * 1000 });
      return encodeFrame({ messageId: 0x0200, edition: "2013", phone: "013912345678", serial: index & 0xffff, body });
    }),
  );
  decode(bytes.subarray(0, bytes.length / 10));
  const decoded = perSecond(() => decode(bytes));
  const cut = perSecond(() => cutAtMarks(bytes));
  const note = "whole locations of 2013 in chunks of 16 KiB; limit: only cutting them at their marks";
  const values = { value: rounded(decoded), unit: "frames/s", goal: null, peer: null, limit: rounded(cut) };
  return [{ metric: "jt808-frames", ...values, note }];
}

function perSecond(act: () => number): number {
  const startMs = performance.now();
  const count = act();
  if (count !== FRAMES) throw new Error(`${count} frames instead of ${FRAMES}`);
  return (count * 1000) / (performance.now() - startMs);
}

function decode(bytes: Uint8Array): number {
  const capture = new Jt808Capture();
  let count = 0;
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES)
    count += capture.push(bytes.subarray(at, at + CHUNK_BYTES)).length;
  return count;
}

function cutAtMarks(bytes: Uint8Array): number {
  let marks = 0;
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    const chunk = bytes.subarray(at, at + CHUNK_BYTES);
    for (let mark = chunk.indexOf(0x7e); mark >= 0; mark = chunk.indexOf(0x7e, mark + 1)) marks += 1;
  }
  return marks / 2;
}
