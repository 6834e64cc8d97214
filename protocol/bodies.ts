import { type Static, Type } from "typebox";
import { AtMs, Count, DeviceId, Position, RunId, Seq, Sha256, Subject, TimeQuality, UpMs } from "./ids.ts";
import { NoiseQuantity } from "./noise.ts";
import { ReportedConfig } from "./twin.ts";

/** What the node says of itself with the first record of each run: enough for the bridge to show and bind it. */
export const StartBody = Type.Object({
  /** The run before, and the last of its seq that the node knows of. Absent at the very first start. */
  previous: Type.Optional(Type.Object({ run: RunId, lastSeq: Count })),
  reason: Type.Union([
    Type.Literal("first"),
    Type.Literal("clean"),
    Type.Literal("unclean"),
    Type.Literal("command"),
    Type.Literal("journal-set-aside"),
  ]),
  version: Type.String({ maxLength: 64 }),
  /** Of the bytes of the text that is in force. */
  configSha256: Sha256,
  /** Absent from nodes that take no config from the bridge. */
  config: Type.Optional(ReportedConfig),
  /** Ed25519, base64 of the SPKI DER: signs this node's evidence. */
  evidenceKey: Type.Optional(Type.String({ pattern: "^[A-Za-z0-9+/]{59}=$" })),
  site: Type.Optional(
    Type.Object({
      name: Type.String({ maxLength: 200 }),
      timeZone: Type.String({ maxLength: 64 }),
      latitudeDeg: Type.Optional(Type.Number()),
      longitudeDeg: Type.Optional(Type.Number()),
    }),
  ),
  devices: Type.Array(
    Type.Object({ id: DeviceId, driver: Type.String({ maxLength: 64 }), quantity: Type.Optional(NoiseQuantity) }),
    { maxItems: 200 },
  ),
});
export type StartBody = Static<typeof StartBody>;

/** Ties the run's monotonic clock to UTC. From it the bridge derives a corrected time; nothing is ever re-stamped. */
export const TimeBody = Type.Object({ upMs: UpMs, utcMs: AtMs, quality: TimeQuality });
export type TimeBody = Static<typeof TimeBody>;

/** One value of any quantity that is not a 1-s noise level: dust, weather, a station's period. */
export const MeasurementBody = Type.Object({
  quantity: Type.String({ maxLength: 64 }),
  unit: Type.String({ maxLength: 16 }),
  value: Type.Union([Type.Number(), Type.Null()]),
  fromMs: Type.Optional(AtMs),
  toMs: Type.Optional(AtMs),
  flag: Type.Optional(Type.String({ maxLength: 32 })),
  /** Sent again from the device's memory. */
  isBackfill: Type.Optional(Type.Boolean()),
});
export type MeasurementBody = Static<typeof MeasurementBody>;

export const FixKind = Type.Union([
  Type.Literal("gnss"),
  Type.Literal("dgnss"),
  Type.Literal("rtk"),
  Type.Literal("estimated"),
]);
export type FixKind = Static<typeof FixKind>;

/** One fix. Without a fix there is no position record. */
export const PositionBody = Type.Object({
  latitudeDeg: Type.Number({ minimum: -90, maximum: 90 }),
  longitudeDeg: Type.Number({ minimum: -180, maximum: 180 }),
  altitudeM: Type.Optional(Type.Number()),
  speedMps: Type.Optional(Type.Number({ minimum: 0 })),
  /** Course over ground, degrees clockwise from true north; absent when standing. */
  bearingDeg: Type.Optional(Type.Number({ minimum: 0, maximum: 360 })),
  fix: FixKind,
  /** Radius that holds about two fixes of three. */
  accuracyM: Type.Optional(Type.Number({ minimum: 0 })),
  /** How many the fix uses. */
  satellites: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000 })),
  /** What gave it: the talker of an NMEA sentence (GP, BD, GN …), or the path of the receiver behind gpsd. */
  source: Type.Optional(Type.String({ maxLength: 64 })),
  /** The receiver's own UTC of the fix. */
  fixAtMs: Type.Optional(AtMs),
});
export type PositionBody = Static<typeof PositionBody>;

/** Radio traffic: text, status, emergency. */
export const MessageBody = Type.Object({
  type: Type.Union([Type.Literal("text"), Type.Literal("status"), Type.Literal("emergency")]),
  text: Type.Optional(Type.String({ maxLength: 2000 })),
  statusCode: Type.Optional(Type.Integer({ minimum: 0, maximum: 65_535 })),
  to: Type.Optional(Subject),
  position: Type.Optional(Position),
});
export type MessageBody = Static<typeof MessageBody>;

export const HealthState = Type.Union([
  Type.Literal("starting"),
  Type.Literal("online"),
  Type.Literal("silent"),
  Type.Literal("offline"),
  Type.Literal("stopped"),
  Type.Literal("parked"),
]);
export type HealthState = Static<typeof HealthState>;

/** Health of one device or subject, sent when it changes and repeated as long as it is not `online` (folded). */
export const DeviceBody = Type.Object({
  state: HealthState,
  sinceMs: AtMs,
  code: Type.Optional(Type.String({ maxLength: 64 })),
  message: Type.Optional(Type.String({ maxLength: 500 })),
  hint: Type.Optional(Type.String({ maxLength: 500 })),
  retryInMs: Type.Optional(Type.Integer({ minimum: 0 })),
  repeated: Type.Optional(Type.Integer({ minimum: 0 })),
});
export type DeviceBody = Static<typeof DeviceBody>;

/** Health of the node, every 60 s. Units are in the key names. */
export const HealthBody = Type.Object({
  rssBytes: Type.Integer({ minimum: 0 }),
  cpuPct: Type.Number({ minimum: 0 }),
  journalBytes: Type.Integer({ minimum: 0 }),
  freeDiskBytes: Type.Optional(Type.Integer({ minimum: 0 })),
  unsentRecords: Type.Integer({ minimum: 0 }),
  /** Age of the oldest unsent record; where nobody knew the time when it was written, at least so much. */
  oldestUnsentMs: Type.Optional(Type.Integer({ minimum: 0 })),
  /** Until the journal must give up what was not sent, if nothing more is sent and records come as they did. */
  hoursToFull: Type.Optional(Type.Number({ minimum: 0 })),
  /** The space that only alarms may have is there. */
  reserveHeld: Type.Optional(Type.Boolean()),
  /** Nothing but alarms goes into the journal. */
  journalFull: Type.Optional(Type.Boolean()),
  /** Alarms have reached their share of the journal: each only as its newest revision, the oldest cleared ones folded. */
  alarmStoreFull: Type.Optional(Type.Boolean()),
  /** Records waiting by lane 0–4. */
  laneDepth: Type.Array(Type.Integer({ minimum: 0 }), { minItems: 5, maxItems: 5 }),
  rttMs: Type.Optional(Type.Number({ minimum: 0 })),
  /** Of a metered line: what its socket carried today, both ways, and what it may. */
  dayBytes: Type.Optional(Type.Integer({ minimum: 0 })),
  dailyBytes: Type.Optional(Type.Integer({ minimum: 1 })),
  /** Files of evidence in the node's custody, and of them what the bridge has not said to have. */
  evidenceBytes: Type.Optional(Type.Integer({ minimum: 0 })),
  unsentEvidenceFiles: Type.Optional(Type.Integer({ minimum: 0 })),
  unsentEvidenceBytes: Type.Optional(Type.Integer({ minimum: 0 })),
  missedPolls: Type.Integer({ minimum: 0 }),
  eventLoopDelayP99Ms: Type.Number({ minimum: 0 }),
  devices: Type.Record(Type.String(), HealthState),
  /** A vehicle whose ignition is off, and since when. It may go quiet without being silent. */
  parkedSinceMs: Type.Optional(AtMs),
  /** The next health comes within this time; 60 s where absent. */
  everyMs: Type.Optional(Type.Integer({ minimum: 1 })),
});
export type HealthBody = Static<typeof HealthBody>;

/** The one answer to a command. */
export const ResultBody = Type.Object({
  commandId: Type.String({ maxLength: 64 }),
  ok: Type.Boolean(),
  code: Type.Optional(Type.String({ maxLength: 64 })),
  message: Type.Optional(Type.String({ maxLength: 500 })),
  value: Type.Optional(Type.Unknown()),
});
export type ResultBody = Static<typeof ResultBody>;

/**
 * Declares seqs of any run of this node that will not come. The bridge counts them as declared until one arrives after all.
 * `expired`: the node no longer holds them. `quota`: given up to make room. `undecodable`: kept 30 days on the node.
 * `corrupt`: its bytes cannot be read any more.
 */
export const ShedBody = Type.Object({
  run: RunId,
  ranges: Type.Array(Type.Tuple([Seq, Seq]), { maxItems: 200 }),
  reason: Type.Union([
    Type.Literal("expired"),
    Type.Literal("quota"),
    Type.Literal("undecodable"),
    Type.Literal("corrupt"),
  ]),
  /** For `undecodable` and `corrupt`: what was lost, as far as the node knows. */
  kind: Type.Optional(Type.String({ maxLength: 32 })),
  sha256: Type.Optional(Sha256),
});
export type ShedBody = Static<typeof ShedBody>;
