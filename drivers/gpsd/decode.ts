import { type Static, type TSchema, Type } from "typebox";
import { Compile } from "typebox/compile";
import type { FixKind } from "../../protocol/bodies.ts";
import { DriverError } from "../errors.ts";

/** What one line of gpsd's JSON says, as far as a receiver needs it. */
export type GpsdReport =
  | { readonly kind: "version"; readonly release: string; readonly major: number; readonly minor: number }
  | { readonly kind: "devices"; readonly receivers: readonly GpsdReceiver[] }
  | { readonly kind: "receiver"; readonly receiver: GpsdReceiver }
  | { readonly kind: "fix"; readonly receiver: string; readonly fix: GpsdFix }
  | { readonly kind: "sky"; readonly receiver: string; readonly sky: GpsdSky }
  | { readonly kind: "refusal"; readonly message: string }
  /** Anything else: WATCH, TOFF, PPS, ATT, AIS … */
  | { readonly kind: "other" };

export interface GpsdReceiver {
  readonly path: string;
  /** Whether gpsd has it open; false once it was unplugged. */
  readonly isActive: boolean;
}

/** One TPV. */
export interface GpsdFix {
  readonly state: FixKind | "none" | "simulated";
  /** Present as soon as the receiver has a clock: without a fix it may be wrong. */
  readonly utcMs?: number;
  readonly latitudeDeg?: number;
  readonly longitudeDeg?: number;
  /** Above mean sea level; only of a fix in three dimensions. */
  readonly altitudeM?: number;
  readonly speedMps?: number;
  readonly bearingDeg?: number;
  readonly errorM?: number;
}

export interface GpsdSky {
  readonly used?: number;
  readonly inView?: number;
  readonly strongestDbHz?: number;
}

const MAX_DEPTH = 16;
const MOST_RECEIVERS = 64;

const Real = Type.Number({ minimum: -1e9, maximum: 1e9 });
const Path = Type.String({ maxLength: 256 });
const Version = Type.Object({
  release: Type.String({ maxLength: 128 }),
  proto_major: Type.Integer(),
  proto_minor: Type.Integer(),
});
const Device = Type.Object({
  path: Type.Optional(Path),
  // A time of its opening, or 0 once it is closed.
  activated: Type.Optional(Type.Union([Type.String({ maxLength: 64 }), Type.Number()])),
});
const Devices = Type.Object({ devices: Type.Array(Device, { maxItems: MOST_RECEIVERS }) });
const Tpv = Type.Object({
  device: Type.Optional(Path),
  mode: Type.Integer({ minimum: 0, maximum: 3 }),
  status: Type.Optional(Type.Integer({ minimum: 0, maximum: 255 })),
  time: Type.Optional(Type.String({ maxLength: 40 })),
  lat: Type.Optional(Type.Number({ minimum: -90, maximum: 90 })),
  lon: Type.Optional(Type.Number({ minimum: -180, maximum: 180 })),
  alt: Type.Optional(Real),
  altMSL: Type.Optional(Real),
  speed: Type.Optional(Type.Number({ minimum: 0, maximum: 1e6 })),
  track: Type.Optional(Type.Number({ minimum: 0, maximum: 360 })),
  eph: Type.Optional(Type.Number({ minimum: 0 })),
  epx: Type.Optional(Type.Number({ minimum: 0 })),
  epy: Type.Optional(Type.Number({ minimum: 0 })),
});
const Sky = Type.Object({
  device: Type.Optional(Path),
  uSat: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000 })),
  nSat: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000 })),
  satellites: Type.Optional(
    Type.Array(Type.Object({ ss: Type.Optional(Type.Number()), used: Type.Optional(Type.Boolean()) }), {
      maxItems: 1000,
    }),
  ),
});
const Refusal = Type.Object({ message: Type.Optional(Type.String({ maxLength: 65_536 })) });

const SCHEMAS = {
  VERSION: Compile(Version),
  DEVICES: Compile(Devices),
  DEVICE: Compile(Device),
  TPV: Compile(Tpv),
  SKY: Compile(Sky),
  ERROR: Compile(Refusal),
};

/**
 * @throws DriverError GPSD_FRAMING no JSON object with a class; GPSD_FIELD a member is not what its name demands
 * @source gpsd_json(5), protocol 3
 */
export function decodeLine(line: string): GpsdReport {
  const report = parse(line);
  switch (report["class"]) {
    case "VERSION": {
      const { release, proto_major: major, proto_minor: minor } = checked("VERSION", Version, report);
      return { kind: "version", release, major, minor };
    }
    case "DEVICES":
      return { kind: "devices", receivers: checked("DEVICES", Devices, report).devices.flatMap(receiverOf) };
    case "DEVICE": {
      const [receiver] = receiverOf(checked("DEVICE", Device, report));
      return receiver === undefined ? { kind: "other" } : { kind: "receiver", receiver };
    }
    case "TPV": {
      const tpv = checked("TPV", Tpv, report);
      return { kind: "fix", receiver: tpv.device ?? "", fix: fixOf(tpv) };
    }
    case "SKY": {
      const sky = checked("SKY", Sky, report);
      return { kind: "sky", receiver: sky.device ?? "", sky: skyOf(sky) };
    }
    case "ERROR":
      return { kind: "refusal", message: (checked("ERROR", Refusal, report).message ?? "").slice(0, 200) };
    default:
      return { kind: "other" };
  }
}

function parse(line: string): Readonly<Record<string, unknown>> {
  if (!isShallow(line)) throw framing(line, "nested too deep");
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw framing(line, "no JSON");
  }
  if (typeof value !== "object" || value === null || !("class" in value) || typeof value.class !== "string") {
    throw framing(line, "no object with a class");
  }
  return value as Readonly<Record<string, unknown>>;
}

/** Brackets in strings count too: no report has so many. */
function isShallow(line: string): boolean {
  let depth = 0;
  for (let at = 0; at < line.length; at++) {
    const code = line.charCodeAt(at);
    if (code === 0x5b || code === 0x7b) depth++;
    else if (code === 0x5d || code === 0x7d) depth--;
    if (depth > MAX_DEPTH) return false;
  }
  return true;
}

function checked<S extends TSchema>(name: keyof typeof SCHEMAS, _: S, report: unknown): Static<S> {
  const schema = SCHEMAS[name];
  if (schema.Check(report)) return report as Static<S>;
  const [first] = schema.Errors(report);
  const where = first === undefined ? "" : ` ${first.instancePath.slice(1)} ${first.message}`;
  throw new DriverError("GPSD_FIELD", `${name}:${where}`.slice(0, 200), {
    retry: "backoff",
    hint: "gpsd writes this member in a way of its own. Please send a capture (gpspipe -w) and its version.",
  });
}

function receiverOf({ path, activated }: Static<typeof Device>): GpsdReceiver[] {
  if (path === undefined) return [];
  return [{ path, isActive: typeof activated === "string" ? activated !== "" : (activated ?? 0) > 0 }];
}

function fixOf(tpv: Static<typeof Tpv>): GpsdFix {
  const { mode, lat, lon, altMSL, alt, speed, track, eph, epx, epy } = tpv;
  const utcMs = tpv.time === undefined ? undefined : utcOf(tpv.time);
  // `alt` is the old name; it means nothing without a fix in three dimensions.
  const altitudeM = mode === 3 ? (altMSL ?? alt) : undefined;
  const errorM = eph ?? (epx === undefined || epy === undefined ? undefined : Math.hypot(epx, epy));
  return {
    state: stateOf(mode, tpv.status),
    ...(utcMs !== undefined && { utcMs }),
    ...(lat !== undefined && lon !== undefined && { latitudeDeg: lat, longitudeDeg: lon }),
    ...(altitudeM !== undefined && { altitudeM }),
    ...(speed !== undefined && { speedMps: speed }),
    ...(track !== undefined && { bearingDeg: track }),
    ...(errorM !== undefined && { errorM: Number(errorM.toFixed(3)) }),
  };
}

/** 0 unknown, 1 normal, 2 DGPS, 3 RTK, 4 RTK floating, 5 dead reckoning, 6 with it, 7 surveyed, 8 simulated, 9 P(Y). */
function stateOf(mode: number, status: number | undefined): GpsdFix["state"] {
  if (status === 8) return "simulated";
  if (mode < 2) return "none";
  switch (status) {
    case 2:
      return "dgnss";
    case 3:
    case 4:
      return "rtk";
    case 5:
      return "estimated";
    default:
      return "gnss";
  }
}

function utcOf(text: string): number {
  const utcMs = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(utcMs)) {
    throw new DriverError("GPSD_FIELD", `TPV: "${text.slice(0, 40)}" is no time`, {
      retry: "backoff",
      hint: "gpsd writes this member in a way of its own. Please send a capture (gpspipe -w) and its version.",
    });
  }
  return utcMs;
}

function skyOf({ uSat, nSat, satellites }: Static<typeof Sky>): GpsdSky {
  const used = uSat ?? satellites?.filter((one) => one.used === true).length;
  const inView = nSat ?? satellites?.length;
  const signals = satellites?.flatMap(({ ss }) => ss ?? []);
  return {
    ...(used !== undefined && { used }),
    ...(inView !== undefined && { inView }),
    ...(signals !== undefined && signals.length > 0 && { strongestDbHz: Math.max(0, ...signals) }),
  };
}

function framing(line: string, what: string): DriverError {
  return new DriverError("GPSD_FRAMING", `"${line.slice(0, 40).replaceAll(/[^ -~]/g, ".")}" is ${what}`, {
    retry: "backoff",
    hint: "Check that gpsd listens at that address, and nothing else.",
  });
}
