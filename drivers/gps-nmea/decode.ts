import type { FixKind } from "../../protocol/bodies.ts";
import { DriverError } from "../errors.ts";
import type { Sentence } from "./sentence.ts";

/** What one sentence says about its epoch. Absent: it says nothing about it. */
export interface SentenceFacts {
  /** Milliseconds since UTC midnight; sentences of one epoch agree in it. */
  readonly timeOfDayMs?: number;
  readonly date?: { readonly year: number; readonly month: number; readonly day: number; readonly hasCentury: boolean };
  readonly fix?: FixState;
  readonly latitudeDeg?: number;
  readonly longitudeDeg?: number;
  readonly altitudeM?: number;
  readonly speedMps?: number;
  readonly bearingDeg?: number;
  /** Radius that holds about two fixes of three, as the receiver itself estimates it. */
  readonly errorM?: number;
  /** Horizontal dilution of precision: how badly the satellites stand, not how far off the place is. */
  readonly hdop?: number;
  /** Satellites that the fix uses; of GSA only those of one constellation. */
  readonly satellites?: number;
  /** Satellites of this talker's constellation above the horizon, and the strongest signal, dB-Hz. */
  readonly view?: { readonly satellites: number; readonly strongestDbHz: number };
}

/** What the receiver says its place is made of; only a FixKind is a place that counts. */
export type FixState = FixKind | "none" | "manual" | "simulated";

const MPS_PER_KNOT = 1852 / 3600;
const MPS_PER_KMH = 1 / 3.6;
/** Receivers write it for "unknown". */
const NO_HDOP = 99;
const MOST_SATELLITES = 200;

/**
 * @returns what the sentence says, or undefined for a type that says nothing of position or time
 * @throws DriverError NMEA_FIELD a field is not what its place demands
 * @source NMEA 0183: RMC GGA GNS GLL VTG ZDA GST GSA GSV
 */
export function decodeSentence({ type, talker, fields }: Sentence): SentenceFacts | undefined {
  if (talker === "P") return undefined;
  switch (type) {
    case "RMC":
      return rmc(fields);
    case "GGA":
      return gga(fields);
    case "GNS":
      return gns(fields);
    case "GLL":
      return gll(fields);
    case "VTG":
      return vtg(fields);
    case "ZDA":
      return zda(fields);
    case "GST":
      return gst(fields);
    case "GSA":
      return gsa(fields);
    case "GSV":
      return gsv(fields);
    default:
      return undefined;
  }
}

function rmc(fields: readonly string[]): SentenceFacts {
  const [time = "", status, lat = "", ns = "", lon = "", ew = "", speed = "", course = "", date = "", , , mode] =
    fields;
  const fix = status === "A" ? (modeFix(mode) ?? "gnss") : invalid(mode);
  const knots = optional(speed);
  return compact({
    timeOfDayMs: timeOfDay(time),
    date: shortDate(date),
    fix,
    ...place(fix, lat, ns, lon, ew),
    speedMps: knots === undefined ? undefined : nonNegative(knots * MPS_PER_KNOT),
    bearingDeg: bearing(course),
  });
}

function gga(fields: readonly string[]): SentenceFacts {
  const [time = "", lat = "", ns = "", lon = "", ew = "", quality = "", used = "", hdop = "", altitude = ""] = fields;
  const fix = qualityFix(quality);
  return compact({
    timeOfDayMs: timeOfDay(time),
    fix,
    ...place(fix, lat, ns, lon, ew),
    altitudeM: optional(altitude),
    satellites: satelliteCount(used),
    hdop: dilution(hdop),
  });
}

function gns(fields: readonly string[]): SentenceFacts {
  const [time = "", lat = "", ns = "", lon = "", ew = "", modes = "", used = "", hdop = "", altitude = ""] = fields;
  const best = [..."RFPDAEMSN"].find((mode) => modes.includes(mode));
  const fix = modeFix(best) ?? "none";
  return compact({
    timeOfDayMs: timeOfDay(time),
    fix,
    ...place(fix, lat, ns, lon, ew),
    altitudeM: optional(altitude),
    satellites: satelliteCount(used),
    hdop: dilution(hdop),
  });
}

function gll(fields: readonly string[]): SentenceFacts {
  const [lat = "", ns = "", lon = "", ew = "", time = "", status, mode] = fields;
  const fix = status === "A" ? (modeFix(mode) ?? "gnss") : invalid(mode);
  return compact({
    timeOfDayMs: timeOfDay(time),
    fix,
    ...place(fix, lat, ns, lon, ew),
  });
}

function vtg(fields: readonly string[]): SentenceFacts {
  const [course = "", , , , , , kmh = "", , mode] = fields;
  const speed = optional(kmh);
  if (modeFix(mode) === "none") return {};
  return compact({
    bearingDeg: bearing(course),
    speedMps: speed === undefined ? undefined : nonNegative(speed * MPS_PER_KMH),
  });
}

function zda(fields: readonly string[]): SentenceFacts {
  const [time = "", day = "", month = "", year = ""] = fields;
  if (day === "" || month === "" || year === "") return compact({ timeOfDayMs: timeOfDay(time) });
  if (!/^\d{4}$/.test(year)) throw fieldError("year", year);
  return compact({
    timeOfDayMs: timeOfDay(time),
    date: calendarDate(Number(year), integer("month", month), integer("day", day), true),
  });
}

function gst(fields: readonly string[]): SentenceFacts {
  const [time = "", , , , , latitudeError = "", longitudeError = ""] = fields;
  const north = optional(latitudeError);
  const east = optional(longitudeError);
  return compact({
    timeOfDayMs: timeOfDay(time),
    errorM: north === undefined || east === undefined ? undefined : nonNegative(Math.hypot(north, east)),
  });
}

/** The solution and its satellites; receivers of several constellations write one for each. */
function gsa(fields: readonly string[]): SentenceFacts {
  if (fields[1] === "1") return { fix: "none" };
  const used = fields.slice(2, 14).filter((id) => id !== "");
  return compact({ satellites: used.length, hdop: dilution(fields[15] ?? "") });
}

/** A page of the sky; the signal of a satellite that is not tracked is empty. */
function gsv([, , inView = "", ...satellites]: readonly string[]): SentenceFacts {
  const count = satelliteCount(inView);
  if (count === undefined) return {};
  const signals = satellites.flatMap((signal, index) =>
    index % 4 === 3 && /^\d{1,2}$/.test(signal) ? Number(signal) : 0,
  );
  return { view: { satellites: count, strongestDbHz: Math.max(0, ...signals) } };
}

/** A and P autonomous, D differential, R and F RTK, E dead reckoning. M typed in and S simulated are no fix of anything. */
function modeFix(mode: string | undefined): FixState | undefined {
  switch (mode) {
    case undefined:
    case "":
      return undefined;
    case "A":
    case "P":
      return "gnss";
    case "D":
      return "dgnss";
    case "R":
    case "F":
      return "rtk";
    case "E":
      return "estimated";
    case "M":
      return "manual";
    case "S":
      return "simulated";
    default:
      return "none";
  }
}

/** Whoever says V and simulates says so in the mode. */
function invalid(mode: string | undefined): FixState {
  return mode === "S" ? "simulated" : "none";
}

function qualityFix(quality: string): FixState {
  switch (quality) {
    case "1":
    case "3":
      return "gnss";
    case "2":
      return "dgnss";
    case "4":
    case "5":
      return "rtk";
    case "6":
      return "estimated";
    case "7":
      return "manual";
    case "8":
      return "simulated";
    default:
      return "none";
  }
}

/** What stands there without a fix is filled in: `8960.0000` is one maker's way to say nothing. */
function place(
  fix: FixState,
  lat: string,
  ns: string,
  lon: string,
  ew: string,
): { readonly latitudeDeg?: number; readonly longitudeDeg?: number } {
  if (fix === "none" || lat === "" || lon === "") return {};
  if ((ns !== "N" && ns !== "S") || (ew !== "E" && ew !== "W")) throw fieldError("hemisphere", `${ns}${ew}`);
  const latitudeDeg = degrees(lat, 2, 90) * (ns === "S" ? -1 : 1);
  const longitudeDeg = degrees(lon, 3, 180) * (ew === "W" ? -1 : 1);
  return { latitudeDeg, longitudeDeg };
}

/** ddmm.mmmm or dddmm.mmmm */
function degrees(text: string, degreeDigits: number, limit: number): number {
  const match = new RegExp(`^(\\d{${degreeDigits}})(\\d{2}(?:\\.\\d*)?)$`).exec(text);
  const minutes = Number(match?.[2]);
  const value = Number(match?.[1]) + minutes / 60;
  if (match === null || minutes >= 60 || value > limit) throw fieldError("angle", text);
  return Number(value.toFixed(9));
}

function timeOfDay(text: string): number | undefined {
  if (text === "") return undefined;
  const match = /^(\d{2})(\d{2})(\d{2})(?:\.(\d{0,6}))?$/.exec(text);
  const [, hour = "99", minute = "99", second = "99", fraction = ""] = match ?? [];
  // A leap second is written as 60.
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) throw fieldError("time", text);
  const milliseconds = Number(`${fraction}000`.slice(0, 3));
  return (Number(hour) * 3600 + Number(minute) * 60 + Number(second)) * 1000 + milliseconds;
}

/** ddmmyy: the century is not told; 80 to 99 are of the last one. */
function shortDate(text: string): SentenceFacts["date"] | undefined {
  if (text === "") return undefined;
  const [, day = "", month = "", year = ""] = /^(\d{2})(\d{2})(\d{2})$/.exec(text) ?? [];
  if (year === "") throw fieldError("date", text);
  return calendarDate(Number(year) + (Number(year) >= 80 ? 1900 : 2000), Number(month), Number(day), false);
}

function calendarDate(year: number, month: number, day: number, hasCentury: boolean): SentenceFacts["date"] {
  const back = new Date(Date.UTC(year, month - 1, day));
  if (back.getUTCMonth() !== month - 1 || back.getUTCDate() !== day)
    throw fieldError("date", `${year}-${month}-${day}`);
  return { year, month, day, hasCentury };
}

function bearing(text: string): number | undefined {
  const value = optional(text);
  if (value !== undefined && (value < 0 || value > 360)) throw fieldError("course", text);
  return value;
}

function dilution(text: string): number | undefined {
  const value = optional(text);
  return value === undefined || value >= NO_HDOP ? undefined : nonNegative(value);
}

function satelliteCount(text: string): number | undefined {
  if (text === "") return undefined;
  const count = integer("number of satellites", text);
  if (count > MOST_SATELLITES) throw fieldError("number of satellites", text);
  return count;
}

function nonNegative(value: number): number {
  if (value < 0) throw fieldError("number", String(value));
  return Number(value.toFixed(3));
}

function integer(name: string, text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw fieldError(name, text);
  return Number(text);
}

function optional(text: string): number | undefined {
  if (text === "") return undefined;
  if (!/^-?\d{1,9}(?:\.\d{0,9})?$/.test(text) && !/^-?\.\d{1,9}$/.test(text)) throw fieldError("number", text);
  return Number(text);
}

function fieldError(name: string, text: string): DriverError {
  return new DriverError("NMEA_FIELD", `"${text.slice(0, 24)}" is no ${name}`, {
    retry: "backoff",
    hint: "The receiver writes this field in a way of its own. Please send a capture.",
  });
}

/** Without the members that are undefined, as exact optional types demand. */
function compact(facts: { [K in keyof SentenceFacts]: SentenceFacts[K] | undefined }): SentenceFacts {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
}
