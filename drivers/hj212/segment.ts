import { DriverError } from "../errors.ts";
import type { Deviation } from "./deviations.ts";
import { ciphered, isCiphered } from "./framing.ts";

export type Edition = 2005 | 2017 | 2025;

/** One `name=value` of the data area. */
export interface Field {
  readonly name: string;
  readonly value: string;
}

/** A data segment, read. */
export interface Message {
  /** Request number: the time at which the sender made the message; absent in old frames. */
  readonly qn?: string;
  /** System code (ST): 22 air, 23 acoustic environment, 39 site dust, 91 system. */
  readonly system: string;
  /** Command number (CN). */
  readonly command: number;
  readonly password: string;
  /** Number of the station (MN). */
  readonly mn: string;
  readonly edition: Edition;
  readonly needsAnswer: boolean;
  /** This is packet `index` of `count`, counted from 1. */
  readonly packet?: { readonly count: number; readonly index: number };
  /** RF=1: sent again from the station's memory. */
  readonly isBackfill: boolean;
  readonly fields: readonly Field[];
  readonly deviations: readonly Deviation[];
}

const EDITIONS: readonly Edition[] = [2005, 2017, 2025];
const MAX_FIELDS = 1000;
const MN_CHARACTERS: Readonly<Record<Edition, number>> = { 2005: 14, 2017: 24, 2025: 24 };
const strictUtf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * @param segment bytes between the length and the checksum
 * @throws DriverError HJ212_ENCRYPTED, HJ212_FIELD, HJ212_EDITION
 * @source HJ 212-2017, 6.3.3: structure of the data segment
 */
export function parseSegment(segment: Uint8Array): Message {
  if (isCiphered(segment)) throw ciphered();
  const text = textOf(segment);
  const parts = /^(.*?);? *CP=&&(.*)&&$/s.exec(text);
  if (parts === null) throw fieldFault("there is no data area CP=&&…&&");
  const deviations = new Set<Deviation>();
  const head = headFields(parts[1] ?? "", deviations);
  const flag = flagOf(head.get("Flag"), deviations);
  const edition = EDITIONS[flag >> 2];
  if (edition === undefined) throw unknownEdition(flag);
  const qn = head.get("QN");
  if (qn === undefined) deviations.add("no-qn");
  else if (!/^\d{14,20}[A-Z]{0,4}$/.test(qn)) throw fieldFault(`QN is "${shown(qn)}", no time`);
  else if (!/^\d{17}$/.test(qn)) deviations.add("odd-qn");
  const mn = required(head, "MN", /^[0-9A-Za-z_-]{4,32}$/);
  if (mn.length !== MN_CHARACTERS[edition]) deviations.add("odd-mn");
  const packet = packetOf(head, (flag & 2) !== 0, deviations);
  const fields = areaFields(parts[2] ?? "", deviations);
  return {
    ...(qn !== undefined && { qn }),
    system: required(head, "ST", /^[0-9A-Za-z]{2}$/),
    command: Number(required(head, "CN", /^\d{4}$/)),
    password: head.get("PW") ?? "",
    mn,
    edition,
    needsAnswer: (flag & 1) !== 0,
    ...(packet && { packet }),
    isBackfill: head.get("RF") === "1",
    fields,
    deviations: [...deviations],
  };
}

function textOf(segment: Uint8Array): string {
  let text: string;
  try {
    text = strictUtf8.decode(segment);
  } catch {
    throw fieldFault("the data segment is no text");
  }
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) < 0x20) throw fieldFault("a control character stands in the data segment");
  }
  return text;
}

function headFields(text: string, deviations: Set<Deviation>): Map<string, string> {
  const head = new Map<string, string>();
  for (const part of text.split(";")) {
    const trimmed = trimmedOf(part, deviations);
    if (trimmed === "") continue;
    const at = trimmed.indexOf("=");
    if (at < 1) throw fieldFault(`"${shown(trimmed)}" is no name=value`);
    const name = trimmed.slice(0, at);
    if (head.has(name)) throw fieldFault(`${shown(name)} comes twice`);
    head.set(name, trimmed.slice(at + 1));
  }
  return head;
}

function areaFields(text: string, deviations: Set<Deviation>): Field[] {
  const fields: Field[] = [];
  const groups = text.split(";");
  if (groups.length > 1 && groups.at(-1)?.trim() === "") {
    deviations.add("trailing-semicolon");
    groups.pop();
  }
  for (const part of groups.flatMap((group) => group.split(","))) {
    const trimmed = trimmedOf(part, deviations);
    if (trimmed === "" && text === "") continue;
    const at = trimmed.indexOf("=");
    if (at < 1) throw fieldFault(`"${shown(trimmed)}" is no name=value in the data area`);
    fields.push({ name: trimmed.slice(0, at), value: trimmed.slice(at + 1) });
    if (fields.length > MAX_FIELDS) throw fieldFault(`more than ${MAX_FIELDS} values in one frame`);
  }
  return fields;
}

function flagOf(text: string | undefined, deviations: Set<Deviation>): number {
  if (text === undefined) {
    deviations.add("no-flag");
    return 0;
  }
  const flag = /^\d{1,3}$/.test(text) ? Number(text) : 256;
  if (flag > 255) throw fieldFault(`Flag is "${shown(text)}", no number up to 255`);
  return flag;
}

function packetOf(
  head: ReadonlyMap<string, string>,
  isAnnounced: boolean,
  deviations: Set<Deviation>,
): Message["packet"] {
  const [countText, indexText] = [head.get("PNUM"), head.get("PNO")];
  if (countText === undefined && indexText === undefined) {
    if (isAnnounced) deviations.add("flag-without-pnum");
    return undefined;
  }
  const [count, index] = [countText, indexText].map((text) => (/^\d{1,4}$/.test(text ?? "") ? Number(text) : 0));
  if (count === undefined || index === undefined || index < 1 || index > count) {
    throw fieldFault(`packet ${shown(indexText ?? "?")} of ${shown(countText ?? "?")}`);
  }
  return count === 1 ? undefined : { count, index };
}

function required(head: ReadonlyMap<string, string>, name: string, form: RegExp): string {
  const value = head.get(name);
  if (value !== undefined && form.test(value)) return value;
  throw fieldFault(value === undefined ? `there is no ${name}` : `${name} is "${shown(value)}"`);
}

function trimmedOf(text: string, deviations: Set<Deviation>): string {
  const trimmed = text.trim();
  if (trimmed !== text) deviations.add("space");
  return trimmed;
}

function shown(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

function fieldFault(seen: string): DriverError {
  return new DriverError("HJ212_FIELD", seen, {
    retry: "backoff",
    hint: "The frame is not HJ 212 as the standard has it; nothing of it is used. Show it to the station's maker.",
  });
}

function unknownEdition(flag: number): DriverError {
  return new DriverError("HJ212_EDITION", `Flag ${flag} names edition ${flag >> 2}, which is not known`, {
    retry: "backoff",
    hint: "0, 1 and 2 are HJ/T 212-2005, HJ 212-2017 and HJ 212-2025. Set the station to one of them.",
  });
}
