import { readFileSync } from "node:fs";
import { hj212Config } from "../../../drivers/hj212/config.ts";
import { crc212 } from "../../../drivers/hj212/crc.ts";
import { TOLERATED_BY_DEFAULT } from "../../../drivers/hj212/deviations.ts";
import { type FrameOrFault, FrameReader } from "../../../drivers/hj212/framing.ts";
import { defaultsOf } from "../../../protocol/document/check-document.ts";
import { receivedLines } from "../../fakes/trace.ts";

export const STANDARD = receivedLines("hj212/standard.trace");
export const LEVEL = STANDARD[2] ?? "";
export const MINUTES = STANDARD[4] ?? "";
export const DEFAULTS = defaultsOf(hj212Config);

/** A frame around a data segment, checksum and all. */
export function framed(segment: string): string {
  const bytes = Buffer.from(segment);
  const crc = crc212(bytes).toString(16).toUpperCase().padStart(4, "0");
  return `##${String(bytes.length).padStart(4, "0")}${segment}${crc}\r\n`;
}

/** Segments that were read, and codes of what was not, in order. */
export function read(chunks: readonly (string | Uint8Array)[], tolerate = TOLERATED_BY_DEFAULT): string[] {
  const reader = new FrameReader(tolerate);
  const found: FrameOrFault[] = chunks.flatMap((chunk) => reader.push(Buffer.from(chunk)));
  return [...found, ...reader.end()].map((item) =>
    "frame" in item ? Buffer.from(item.frame.segment).toString() : item.fault.code,
  );
}

export function segmentOf(frame: string): string {
  return frame.slice(6, frame.lastIndexOf("&&") + 2);
}

export const PUBLIC = readFileSync("test/traces/hj212/public-frames.trace", "utf8")
  .split("\n")
  .filter((line) => line.startsWith("< "))
  .map((line) => line.slice(2));
