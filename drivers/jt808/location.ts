import type { FixKind } from "../../protocol/bodies.ts";
import { DriverError } from "../errors.ts";
import { hasBit } from "./alarm-bits.ts";
import { readTime, timeBytes } from "./bcd.ts";
import { word } from "./frame.ts";

const FIXED_BYTES = 28;
const STATUS_FIX = 1;
const STATUS_SOUTH = 2;
const STATUS_WEST = 3;
const STATUS_ENCRYPTED = 5;
/** Above every road: terminals that have no altitude fill the field with ones. */
const HIGHEST_M = 10_000;
/** 1000 km/h, in tenths: terminals that know no speed fill the field with ones. */
const FASTEST_TENTHS_KMH = 10_000;

/** What one location says. */
export interface Location {
  readonly alarmBits: number;
  readonly statusBits: number;
  /** WGS-84; absent without a fix, and where the coordinates cannot be. */
  readonly position?: {
    readonly latitudeDeg: number;
    readonly longitudeDeg: number;
    readonly altitudeM?: number;
    readonly speedMps?: number;
    readonly bearingDeg?: number;
    readonly fix: FixKind;
  };
  /** UTC of the terminal, ms; absent where it is no date. */
  readonly terminalAtMs?: number;
  /** Additional items by their id; of an id that comes twice the last. */
  readonly items: ReadonlyMap<number, Uint8Array>;
  /** What of it was not used, and why. */
  readonly faults: readonly DriverError[];
}

/**
 * @param body of 0200, of 0201 behind its serial, or one item of 0704
 * @throws DriverError JT808_BODY where it is shorter than a location
 * @source JT/T 808-2013 and -2019, location report 0200
 */
export function decodeLocation(body: Uint8Array): Location {
  if (body.length < FIXED_BYTES) {
    throw fault("JT808_BODY", `a location of ${body.length} bytes instead of at least ${FIXED_BYTES}`);
  }
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const statusBits = view.getUint32(4);
  const faults: DriverError[] = [];
  const position = positionOf(view, statusBits, faults);
  const terminalAtMs = readTime(body.subarray(22, 28));
  // Without a fix many terminals have no clock.
  if (terminalAtMs === undefined && hasBit(statusBits, STATUS_FIX)) {
    faults.push(
      fault("JT808_TIME", `a terminal says that it is ${Buffer.from(body.subarray(22, 28)).toString("hex")}`),
    );
  }
  return {
    alarmBits: view.getUint32(0),
    statusBits,
    ...(position && { position }),
    ...(terminalAtMs !== undefined && { terminalAtMs }),
    items: readItems(body.subarray(FIXED_BYTES), faults),
    faults,
  };
}

export interface LocationFacts {
  readonly alarmBits: number;
  readonly latitudeDeg: number;
  readonly longitudeDeg: number;
  readonly altitudeM?: number;
  readonly speedMps: number;
  readonly bearingDeg: number;
  readonly atMs: number;
  readonly hasFix?: boolean;
}

/** The body of a location as a terminal writes it, with its mileage and satellites as items. */
export function encodeLocation(facts: LocationFacts): Uint8Array {
  const { alarmBits, latitudeDeg, longitudeDeg, altitudeM = 40, speedMps, bearingDeg, atMs, hasFix = true } = facts;
  const statusBits =
    1 |
    (hasFix ? 1 << STATUS_FIX : 0) |
    (latitudeDeg < 0 ? 1 << STATUS_SOUTH : 0) |
    (longitudeDeg < 0 ? 1 << STATUS_WEST : 0) |
    (0b11 << 18);
  const body = new Uint8Array(FIXED_BYTES);
  const view = new DataView(body.buffer);
  view.setUint32(0, alarmBits >>> 0);
  view.setUint32(4, statusBits >>> 0);
  view.setUint32(8, hasFix ? Math.round(Math.abs(latitudeDeg) * 1e6) : 0);
  view.setUint32(12, hasFix ? Math.round(Math.abs(longitudeDeg) * 1e6) : 0);
  body.set([...word(Math.round(altitudeM)), ...word(Math.round(speedMps * 36)), ...word(Math.round(bearingDeg))], 16);
  body.set(timeBytes(atMs), 22);
  return Uint8Array.from([...body, 0x01, 4, 0, 0, 0x30, 0x39, 0x30, 1, 24, 0x31, 1, hasFix ? 11 : 0]);
}

function positionOf(view: DataView, statusBits: number, faults: DriverError[]): Location["position"] {
  if (!hasBit(statusBits, STATUS_FIX)) return undefined;
  const latitudeDeg = (hasBit(statusBits, STATUS_SOUTH) ? -1 : 1) * (view.getUint32(8) / 1e6);
  const longitudeDeg = (hasBit(statusBits, STATUS_WEST) ? -1 : 1) * (view.getUint32(12) / 1e6);
  if (hasBit(statusBits, STATUS_ENCRYPTED)) {
    faults.push(
      fault("JT808_ENCRYPTED_POSITION", "a terminal says that its coordinates are encrypted", ENCRYPTED_HINT),
    );
    return undefined;
  }
  const isNowhere = latitudeDeg === 0 && longitudeDeg === 0;
  if (Math.abs(latitudeDeg) > 90 || Math.abs(longitudeDeg) > 180 || isNowhere) {
    const message = `a terminal with a fix says that it is at ${latitudeDeg}, ${longitudeDeg}`;
    faults.push(fault("JT808_COORDINATES", message));
    return undefined;
  }
  const altitudeM = view.getUint16(16);
  const tenthsKmh = view.getUint16(18);
  const bearingDeg = view.getUint16(20);
  return {
    latitudeDeg,
    longitudeDeg,
    ...(altitudeM <= HIGHEST_M && { altitudeM }),
    ...(tenthsKmh <= FASTEST_TENTHS_KMH && { speedMps: tenthsKmh / 36 }),
    ...(bearingDeg <= 360 && { bearingDeg }),
    fix: "gnss",
  };
}

function readItems(bytes: Uint8Array, faults: DriverError[]): ReadonlyMap<number, Uint8Array> {
  const items = new Map<number, Uint8Array>();
  let at = 0;
  while (at < bytes.length) {
    const id = bytes[at] ?? 0;
    // No item has this id: what follows is the maker's own, or filling.
    if (id === 0) break;
    const length = bytes[at + 1];
    const end = at + 2 + (length ?? 0);
    if (length === undefined || end > bytes.length) {
      faults.push(fault("JT808_ITEMS", `the additional items of a location end inside item ${id}`));
      break;
    }
    items.set(id, bytes.subarray(at + 2, end));
    at = end;
  }
  return items;
}

const ENCRYPTED_HINT =
  "Such coordinates are moved by hundreds of metres. Switch the terminal's coordinate plug-in off.";

function fault(
  code: string,
  message: string,
  hint = "Check the terminal's settings and antenna; its other reports are used.",
): DriverError {
  return new DriverError(code, message, { retry: "backoff", hint });
}
