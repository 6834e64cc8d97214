import { hasGoodCrc } from "../../drivers/bus/crc16.ts";

/** One question to one unit of a line, and all bytes that came before the next. */
export interface Exchange {
  readonly unit: number;
  readonly heard: Uint8Array;
  /** `spoilt`: bytes came, and were no answer. */
  readonly outcome: "answered" | "spoilt" | "silent";
}

export const WIRING_CODES = [
  "WIRING_SILENT",
  "WIRING_HELD",
  "WIRING_ECHO",
  "WIRING_ADDRESS_TWICE",
  "WIRING_NOISE",
  "WIRING_OTHER_MASTER",
] as const;

export type WiringCode = (typeof WIRING_CODES)[number];

/** What a line's bytes say of its wires. Words for it are the caller's: `wiring-text.ts`. */
export interface WiringFault {
  readonly code: WiringCode;
  readonly unit?: number;
  /** Of the questions to this unit or line, 0 to 1. */
  readonly spoiltShare?: number;
}

/** A byte now and then is what any long line has. */
const NOISY_SHARE = 0.03;
/** Of a handful of questions nothing can be said in shares. */
const LEAST_QUESTIONS = 5;
const READ_REQUEST_BYTES = 8;

/**
 * Reads the symptoms of RS-485 that is wired wrongly, as far as they show in bytes: which of two causes it is must often be
 * tried out, and the hint then names both.
 * @param exchanges questions at one setting of the line, in their order
 * @param unasked what was heard before anything was asked
 */
export function wiringFaults(
  exchanges: readonly Exchange[],
  unasked: Uint8Array = new Uint8Array(),
): readonly WiringFault[] {
  const faults: WiringFault[] = [];
  if (requestsIn(unasked) > 0) faults.push({ code: "WIRING_OTHER_MASTER" });
  const heard = exchanges.reduce((sum, exchange) => sum + exchange.heard.length, 0);
  const answered = exchanges.filter(({ outcome }) => outcome === "answered").length;
  if (answered === 0) return [...faults, ...ofNoAnswer(exchanges, heard)];
  for (const unit of new Set(exchanges.map((exchange) => exchange.unit))) {
    const fault = ofUnit(
      unit,
      exchanges.filter((exchange) => exchange.unit === unit),
    );
    if (fault !== undefined) faults.push(fault);
  }
  return faults;
}

function ofNoAnswer(exchanges: readonly Exchange[], heardBytes: number): readonly WiringFault[] {
  if (exchanges.length === 0) return [];
  if (heardBytes === 0) return [{ code: "WIRING_SILENT" }];
  const bytes = exchanges.flatMap(({ heard }) => [...heard]);
  const held = bytes.filter((byte) => byte === 0 || byte === 0xff).length;
  if (held >= bytes.length * 0.9) return [{ code: "WIRING_HELD" }];
  const echoed = exchanges.filter(({ heard, unit }) => heard[0] === unit && isRequest(heard, 0)).length;
  if (echoed > exchanges.length / 2) return [{ code: "WIRING_ECHO" }];
  // Where only one unit ever moves the line, somebody understood the question: the speed is right, and the answer was spoilt.
  const loud = new Set(exchanges.filter(({ heard }) => heard.length > 0).map(({ unit }) => unit));
  const [unit] = loud;
  if (unit !== undefined && loud.size === 1 && new Set(exchanges.map((each) => each.unit)).size > 1) {
    return [{ code: "WIRING_ADDRESS_TWICE", unit, spoiltShare: 1 }];
  }
  return [{ code: "WIRING_NOISE", spoiltShare: 1 }];
}

function ofUnit(unit: number, exchanges: readonly Exchange[]): WiringFault | undefined {
  const loud = exchanges.filter(({ heard }) => heard.length > 0);
  if (loud.some(({ heard }) => repliesIn(heard, unit) > 1)) return { code: "WIRING_ADDRESS_TWICE", unit };
  const spoilt = loud.filter(({ outcome }) => outcome === "spoilt").length;
  const answered = loud.filter(({ outcome }) => outcome === "answered").length;
  if (spoilt > 0 && answered === 0) return { code: "WIRING_ADDRESS_TWICE", unit, spoiltShare: 1 };
  const lost = exchanges.length - answered;
  if (answered === 0 || exchanges.length < LEAST_QUESTIONS || lost / exchanges.length < NOISY_SHARE) return undefined;
  return { code: "WIRING_NOISE", unit, spoiltShare: lost / exchanges.length };
}

/** Whole answers of that unit to one question: a bus has one for each. */
function repliesIn(bytes: Uint8Array, unit: number): number {
  let found = 0;
  for (let at = 0; at + 5 <= bytes.length; ) {
    const end = replyEnd(bytes, at, unit);
    if (end !== undefined) found += 1;
    at = end ?? at + 1;
  }
  return found;
}

function replyEnd(bytes: Uint8Array, at: number, unit: number): number | undefined {
  if (bytes[at] !== unit) return undefined;
  const functionCode = bytes[at + 1] ?? 0;
  const isRead = functionCode === 3 || functionCode === 4;
  if (!isRead && functionCode < 0x80) return undefined;
  const end = at + (isRead ? 5 + (bytes[at + 2] ?? 0) : 5);
  return end <= bytes.length && hasGoodCrc(bytes, at, end) ? end : undefined;
}

function requestsIn(bytes: Uint8Array): number {
  let found = 0;
  for (let at = 0; at + READ_REQUEST_BYTES <= bytes.length; at += 1) if (isRequest(bytes, at)) found += 1;
  return found;
}

function isRequest(bytes: Uint8Array, at: number): boolean {
  const functionCode = bytes[at + 1] ?? 0;
  const end = at + READ_REQUEST_BYTES;
  return functionCode >= 1 && functionCode <= 6 && end <= bytes.length && hasGoodCrc(bytes, at, end);
}
