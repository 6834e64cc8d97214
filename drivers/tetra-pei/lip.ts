import { DriverError } from "../errors.ts";
import { BitReader } from "./bit-reader.ts";

/** Reasons for sending that mean something here. @source TS 100 392-18-1, reason for sending */
export const LIP_EMERGENCY = 2;

/** Where a handset was, as its report says. */
export interface LipPlace {
  readonly latitudeDeg: number;
  readonly longitudeDeg: number;
  readonly altitudeM?: number;
  readonly accuracyM?: number;
}

/** Day of the month and UTC time of day; the report has neither month nor year. */
export interface LipTime {
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/** One location report. */
export interface LipReport {
  /** Absent: the handset has no fix. */
  readonly place?: LipPlace;
  readonly speedMps?: number;
  readonly bearingDeg?: number;
  /** The fix is no older than this; absent: the report does not say. */
  readonly maxAgeMs?: number;
  readonly time?: LipTime;
  readonly reason?: number;
}

const PDU_ID = 0x0a;
const LONG_REPORT = 3;
const MAX_AGE_MS: readonly (number | undefined)[] = [5_000, 300_000, 1_800_000, undefined];
const UNKNOWN_SPEED = 127;
const FAR_OFF_ERROR = 6;
const UNKNOWN_ERROR = 7;

/**
 * Reads a location report: short, or long with any location shape and velocity type of the standard.
 * @param bytes the PDU from its protocol identifier 0x0A on
 * @param bitCount its announced length, which may end within a byte
 * @returns undefined for a LIP message that is no report, such as a request or an acknowledgement
 * @throws DriverError LIP_TRUNCATED, LIP_UNSUPPORTED, LIP_INVALID
 * @source ETSI TS 100 392-18-1, clauses 6.2 and 6.3
 */
export function decodeLip(bytes: Uint8Array, bitCount = bytes.length * 8): LipReport | undefined {
  const bits = new BitReader(bytes, bitCount);
  if (bits.take(8) !== PDU_ID) throw unsupported("it does not begin with protocol identifier 0A");
  const type = needed(bits.take(2));
  if (type === 0) return shortReport(bits);
  if (type !== 1) throw unsupported(`PDU type ${type}`);
  return needed(bits.take(4)) === LONG_REPORT ? longReport(bits) : undefined;
}

function shortReport(bits: BitReader): LipReport {
  const maxAgeMs = MAX_AGE_MS[needed(bits.take(2))];
  const point = takePoint(bits);
  const error = needed(bits.take(3));
  const speedMps = speed(needed(bits.take(7)));
  const bearingDeg = needed(bits.take(4)) * 22.5;
  return report({ ...point, ...positionError(error) }, error, speedMps, bearingDeg, { maxAgeMs }, reasonOf(bits));
}

function longReport(bits: BitReader): LipReport {
  const timeType = needed(bits.take(2));
  if (timeType === 3) throw unsupported("time type 3");
  const maxAgeMs = timeType === 1 ? MAX_AGE_MS[needed(bits.take(2))] : undefined;
  const [time, badTime] = timeType === 2 ? timeOfPosition(bits) : [];
  const { place, error } = takeShape(bits);
  const { speedMps, bearingDeg } = takeVelocity(bits);
  bits.take(1);
  const reason = reasonOf(bits);
  // A handset whose clock is not set calls for help all the same; its place then counts as one of unknown age.
  if (badTime !== undefined && reason !== LIP_EMERGENCY) throw invalid(badTime);
  return report(place, error, speedMps, bearingDeg, { maxAgeMs, time }, reason);
}

/** Zero degrees by zero degrees is how receivers without a fix fill the fields. */
function report(
  place: LipPlace | undefined,
  error: number,
  speedMps: number | undefined,
  bearingDeg: number | undefined,
  when: { readonly maxAgeMs?: number | undefined; readonly time?: LipTime | undefined },
  reason: number | undefined,
): LipReport {
  const hasFix =
    place !== undefined && (place.latitudeDeg !== 0 || place.longitudeDeg !== 0) && error !== FAR_OFF_ERROR;
  const isMoving = hasFix && speedMps !== 0;
  return {
    ...(hasFix && { place }),
    ...(hasFix && speedMps !== undefined && { speedMps }),
    ...(isMoving && bearingDeg !== undefined && { bearingDeg }),
    ...(when.maxAgeMs !== undefined && { maxAgeMs: when.maxAgeMs }),
    ...(when.time !== undefined && { time: when.time }),
    ...(reason !== undefined && { reason }),
  };
}

function takePoint(bits: BitReader): LipPlace {
  const longitude = needed(bits.takeSigned(25));
  const latitude = needed(bits.takeSigned(24));
  return { latitudeDeg: (latitude * 180) / 2 ** 24, longitudeDeg: (longitude * 360) / 2 ** 25 };
}

/** `error` is the position error code where the shape has one, else 0. */
function takeShape(bits: BitReader): { readonly place: LipPlace | undefined; readonly error: number } {
  const shape = needed(bits.take(4));
  if (shape === 0) return { place: undefined, error: 0 };
  if (shape > 10) throw unsupported(`location shape ${shape}`);
  const point = takePoint(bits);
  switch (shape) {
    case 2:
      return { place: { ...point, accuracyM: uncertaintyM(needed(bits.take(6))) }, error: 0 };
    case 3:
      return { place: { ...point, accuracyM: ellipseM(bits) }, error: 0 };
    case 4:
      return { place: { ...point, ...altitude(bits) }, error: 0 };
    case 5:
    case 7: {
      const accuracyM = uncertaintyM(needed(bits.take(6)));
      const place = { ...point, accuracyM, ...altitude(bits) };
      if (shape === 7) needed(bits.take(3));
      return { place, error: 0 };
    }
    case 6:
    case 8: {
      const accuracyM = ellipseM(bits, false);
      const up = altitude(bits);
      needed(bits.take(shape === 8 ? 6 : 3));
      return { place: { ...point, accuracyM, ...up }, error: 0 };
    }
    case 9:
      // An arc: the place is its centre, not the handset's. Its radii and angles are passed over.
      for (const count of [16, 16, 8, 8, 3]) needed(bits.take(count));
      return { place: undefined, error: 0 };
    case 10: {
      const error = needed(bits.take(3));
      return { place: { ...point, ...positionError(error) }, error };
    }
    default:
      return { place: point, error: 0 };
  }
}

function takeVelocity(bits: BitReader): {
  readonly speedMps: number | undefined;
  readonly bearingDeg: number | undefined;
} {
  const type = needed(bits.take(3));
  if (type === 0) return { speedMps: undefined, bearingDeg: undefined };
  const speedMps = speed(needed(bits.take(7)));
  if (type === 2 || type === 4 || type > 5) needed(bits.take(3));
  if (type === 3 || type === 4 || type === 7) needed(bits.take(8));
  if (type === 4 || type === 7) needed(bits.take(3));
  const bearingDeg = type >= 5 ? needed(bits.take(8)) * (360 / 256) : undefined;
  if (type > 5) needed(bits.take(3));
  return { speedMps, bearingDeg };
}

/** @returns the time, or what is wrong with it */
function timeOfPosition(bits: BitReader): readonly [LipTime] | readonly [undefined, string] {
  const [day = 0, hour = 0, minute = 0, second = 0] = [5, 5, 6, 6].map((count) => needed(bits.take(count)));
  if (day === 0) return [undefined, "day 0"];
  if (hour > 23 || minute > 59 || second > 59) return [undefined, `time of day ${hour}:${minute}:${second}`];
  return [{ day, hour, minute, second }];
}

/** A report that ends before its additional data has none. */
function reasonOf(bits: BitReader): number | undefined {
  return bits.take(1) === 0 ? bits.take(8) : undefined;
}

/** @returns 0 to 28 km/h by 1, then 16 · 1.038^(K−13) km/h, in m/s; undefined where it is not known */
function speed(code: number): number | undefined {
  if (code === UNKNOWN_SPEED) return undefined;
  const kilometresPerHour = code <= 28 ? code : 16 * 1.038 ** (code - 13);
  return Math.round((kilometresPerHour / 3.6) * 1000) / 1000;
}

function positionError(code: number): { readonly accuracyM?: number } {
  return code >= FAR_OFF_ERROR || code === UNKNOWN_ERROR ? {} : { accuracyM: 2 * 10 ** code };
}

function uncertaintyM(code: number): number {
  return Math.round((2 * 1.2 ** (code + 5) - 4) * 100) / 100;
}

/** @returns half of the longer axis */
function ellipseM(bits: BitReader, hasConfidence = true): number {
  const major = needed(bits.take(6));
  for (const count of [6, 8]) needed(bits.take(count));
  if (hasConfidence) needed(bits.take(3));
  return uncertaintyM(major);
}

/** Metres above the ellipsoid; a reference of the operator's own says nothing to others. */
function altitude(bits: BitReader): { readonly altitudeM?: number } {
  const isOwnReference = needed(bits.take(1)) === 1;
  const code = needed(bits.take(11));
  if (isOwnReference || code === 0) return {};
  if (code <= 1201) return { altitudeM: code - 201 };
  return { altitudeM: code <= 1926 ? 1000 + 2 * (code - 1201) : 2450 + 75 * (code - 1926) };
}

function needed(value: number | undefined): number {
  if (value !== undefined) return value;
  throw new DriverError("LIP_TRUNCATED", "the location report ends before its fields do", {
    retry: "backoff",
    hint: "Bytes were lost on the way, or the announced length in bits is wrong.",
  });
}

function unsupported(what: string): DriverError {
  return new DriverError("LIP_UNSUPPORTED", `a location message that is not understood: ${what}`, {
    retry: "backoff",
    hint: "Set the handsets to short or long location reports of TS 100 392-18-1.",
  });
}

function invalid(what: string): DriverError {
  return new DriverError("LIP_INVALID", `the location report says ${what}`, {
    retry: "backoff",
    hint: "Bytes were damaged on the way; the report is not believed.",
  });
}
