import { crc212 } from "./crc.ts";
import type { Edition } from "./segment.ts";

const EDITION_BITS: Readonly<Record<Edition, number>> = { 2005: 0, 2017: 4, 2025: 8 };

/** A data segment with its head, checksum and line end. @source HJ 212-2017, 6.3.2 */
export function composeFrame(segment: string): Uint8Array {
  const bytes = Buffer.from(segment);
  const length = String(bytes.length).padStart(4, "0");
  const crc = crc212(bytes).toString(16).toUpperCase().padStart(4, "0");
  return Buffer.concat([Buffer.from(`##${length}`), bytes, Buffer.from(`${crc}\r\n`)]);
}

export interface Head {
  readonly qn: string;
  readonly system: string;
  readonly command: number;
  readonly password: string;
  readonly mn: string;
  readonly edition: Edition;
  readonly needsAnswer?: boolean;
  readonly packet?: { readonly count: number; readonly index: number };
  readonly isBackfill?: boolean;
}

/** @param area what stands between the `&&` */
export function composeSegment(head: Head, area: string): string {
  const { qn, system, command, password, mn, edition, needsAnswer = false, packet, isBackfill = false } = head;
  const flag = EDITION_BITS[edition] + (packet === undefined ? 0 : 2) + (needsAnswer ? 1 : 0);
  const packets = packet === undefined ? "" : `;PNUM=${packet.count};PNO=${packet.index}`;
  const again = isBackfill ? ";RF=1" : "";
  return `QN=${qn};ST=${system};CN=${command};PW=${password};MN=${mn};Flag=${flag}${packets}${again};CP=&&${area}&&`;
}

/** System code of an answer. */
export const SYSTEM_INTERACTION = "91";
