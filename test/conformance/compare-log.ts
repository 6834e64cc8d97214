import { nmeaCapture } from "../../drivers/gps-nmea/capture.ts";
import { gpsdCapture } from "../../drivers/gpsd/capture.ts";

/** One epoch with a fix, as ours or gpsd gave it. */
export interface Place {
  readonly latitudeDeg: number;
  readonly longitudeDeg: number;
  readonly utcMs?: number;
}

export interface LogVerdict {
  readonly ours: number;
  readonly theirs: number;
  /** Positions of ours that gpsd does not have. */
  readonly invented: readonly Place[];
  /** Positions of gpsd that we do not have. */
  readonly missed: readonly Place[];
  /** Positions that both have, with another time of day or another date. */
  readonly otherTime: readonly Place[];
  /** Positions that no sentence of the log says, at that place and time of day: nothing excuses one. */
  readonly unsaid: readonly Place[];
  readonly faults: readonly string[];
}

const DAY_MS = 86_400_000;
const ROLLOVER_MS = 1024 * 7 * DAY_MS;
const CENTURY_DAYS = 36_525;
/** 0.2 m: one unit of the fourth decimal of a minute, by which the RMC and GGA of one epoch differ. */
const SAME_DEG = 2e-6;

/**
 * Compares what our decoder makes of a receiver's log with gpsd's own record of it (its .chk: the same sentences, with the
 * reports that they brought about in between).
 */
export function compareLog(log: Uint8Array, check: string): LogVerdict {
  const decoder = nmeaCapture.decoder();
  const items = [...decoder.push(log), ...decoder.end()];
  const ours = items.flatMap((item) => ("reading" in item ? placeOf(item.reading) : []));
  const faults = items.flatMap((item) => ("fault" in item ? item.fault.code : []));
  const theirs = reportsOf(check);
  const byPlace = new Map<string, Place[]>();
  for (const place of theirs) {
    const key = cellOf(place);
    byPlace.set(key, [...(byPlace.get(key) ?? []), place]);
  }
  const found = (place: Place) =>
    near(place)
      .flatMap((key) => byPlace.get(key) ?? [])
      .filter((one) => isSame(one, place));
  // gpsd reports an epoch when the next one begins: it is silent about the last of a log.
  const comparable = ours.slice(0, -1);
  const invented = comparable.filter((place) => found(place).length === 0);
  const otherTime = comparable.filter((place) => {
    const same = found(place);
    const timed = same.filter((one) => one.utcMs !== undefined);
    return timed.length > 0 && place.utcMs !== undefined && !timed.some((one) => isSameTime(one, place));
  });
  const known = new Map<string, Place[]>();
  for (const place of ours) known.set(cellOf(place), [...(known.get(cellOf(place)) ?? []), place]);
  const missed = theirs.filter((place) => {
    const beside = near(place).flatMap((key) => known.get(key) ?? []);
    return !beside.some((one) => isSame(one, place));
  });
  const said = saidIn(log);
  const unsaid = ours.filter(
    (place) =>
      !said.has(saidKey(place, place.utcMs ?? "any")) &&
      (place.utcMs === undefined || !said.has(saidKey(place, "none"))),
  );
  return { ours: ours.length, theirs: theirs.length, invented, missed, otherTime, unsaid, faults };
}

/** What the sentences of a log say, read with nothing of our decoder: a place with its time of day, or without one. */
function saidIn(log: Uint8Array): Set<string> {
  const said = new Set<string>();
  for (const [, type = "", body = ""] of Buffer.from(log)
    .toString("latin1")
    .matchAll(/\$[A-Z]{2}(RMC|GGA|GNS|GLL),([^*$\r\n]*)\*/g)) {
    const fields = body.split(",");
    const at = { RMC: 2, GGA: 1, GNS: 1, GLL: 0 }[type] ?? 0;
    const [lat = "", northSouth, lon = "", eastWest] = fields.slice(at, at + 4);
    const time = fields[type === "GLL" ? 4 : 0] ?? "";
    if (lat === "" || lon === "") continue;
    const degrees = (text: string, digits: number) => Number(text.slice(0, digits)) + Number(text.slice(digits)) / 60;
    const latitudeDeg = degrees(lat, 2) * (northSouth === "S" ? -1 : 1);
    const longitudeDeg = degrees(lon, 3) * (eastWest === "W" ? -1 : 1);
    const seconds = Number(time.slice(0, 2)) * 3600 + Number(time.slice(2, 4)) * 60 + Number(time.slice(4));
    const place = { latitudeDeg, longitudeDeg };
    said.add(saidKey(place, "any"));
    said.add(saidKey(place, time === "" ? "none" : Math.trunc(seconds * 1000 + 1e-3)));
  }
  return said;
}

/** @param when UTC or time of day, ms; "none": the sentence has no time; "any": at some time */
function saidKey({ latitudeDeg, longitudeDeg }: Place, when: number | "none" | "any"): string {
  const timeOfDayMs = typeof when === "number" ? ((when % DAY_MS) + DAY_MS) % DAY_MS : when;
  return `${latitudeDeg.toFixed(7)} ${longitudeDeg.toFixed(7)} ${timeOfDayMs}`;
}

function reportsOf(check: string): Place[] {
  return check.split("\n").flatMap((line) => {
    if (!line.startsWith('{"class":"TPV"')) return [];
    const { mode, lat, lon, time }: { mode: number; lat?: number; lon?: number; time?: string } = JSON.parse(line);
    if (mode < 2 || lat === undefined || lon === undefined) return [];
    return { latitudeDeg: lat, longitudeDeg: lon, ...(time !== undefined && { utcMs: Date.parse(time) }) };
  });
}

/** Our own reader of gpsd's JSON, over the reports of a .chk. @returns what it faults */
export function gpsdFaults(check: string): string[] {
  const decoder = gpsdCapture.decoder();
  const lines = check.split("\n").filter((line) => line.startsWith('{"class":"'));
  const items = [...decoder.push(Buffer.from(`${lines.join("\n")}\n`)), ...decoder.end()];
  return items.flatMap((item) => ("fault" in item ? `${item.fault.code} ${item.fault.message}` : []));
}

function placeOf(reading: object): Place[] {
  if (!("latitudeDeg" in reading) || !("longitudeDeg" in reading)) return [];
  const utcMs = "fixAtMs" in reading ? { utcMs: Number(reading.fixAtMs) } : {};
  return [{ latitudeDeg: Number(reading.latitudeDeg), longitudeDeg: Number(reading.longitudeDeg), ...utcMs }];
}

function cellOf({ latitudeDeg, longitudeDeg }: Place): string {
  return `${Math.round(latitudeDeg * 1e5)},${Math.round(longitudeDeg * 1e5)}`;
}

/** The cell of a place and those beside it. */
function near({ latitudeDeg, longitudeDeg }: Place): string[] {
  const lat = Math.round(latitudeDeg * 1e5);
  const lon = Math.round(longitudeDeg * 1e5);
  return [-1, 0, 1].flatMap((y) => [-1, 0, 1].map((x) => `${lat + y},${lon + x}`));
}

function isSame(a: Place, b: Place): boolean {
  return Math.abs(a.latitudeDeg - b.latitudeDeg) <= SAME_DEG && Math.abs(a.longitudeDeg - b.longitudeDeg) <= SAME_DEG;
}

/** gpsd guesses rollovers and centuries, we do not: whole ones count as the same date. */
function isSameTime(a: Place, b: Place): boolean {
  if (a.utcMs === undefined || b.utcMs === undefined) return a.utcMs === b.utcMs;
  const offMs = a.utcMs - b.utcMs;
  if (Math.abs(offMs - Math.round(offMs / ROLLOVER_MS) * ROLLOVER_MS) <= 10) return true;
  return Math.abs(Math.abs(offMs) - CENTURY_DAYS * DAY_MS) <= 2 * DAY_MS;
}
