import { type Static, Type } from "typebox";
import { HealthState } from "../../../protocol/bodies.ts";
import { DeviceId, NodeId, TimeQuality } from "../../../protocol/ids.ts";
import { LevelSeries, LevelStatistics, NoiseQuantity } from "../../../protocol/noise.ts";
import { SeqRange } from "../../../protocol/session.ts";
import { PageQuery } from "./common.ts";

/** Presence is three separate facts; none is derived from another. */
export const Presence = Type.Object({
  /** The MQTT connection, as the retained `state` says. */
  transport: Type.Union([Type.Literal("connected"), Type.Literal("disconnected"), Type.Literal("never")]),
  /** Age of the newest `health` record by the bridge's clock. */
  heartbeatAgeMs: Type.Optional(Type.Integer({ minimum: 0 })),
  /** A vehicle whose ignition is off, as its newest health said: it may be quiet, or switched off. */
  parkedSinceMs: Type.Optional(Type.Integer({ minimum: 0 })),
  /** Per device: its state as the node says, and the age of its newest reading. */
  devices: Type.Array(
    Type.Object({
      device: Type.String(),
      driver: Type.Optional(Type.String()),
      state: HealthState,
      freshnessMs: Type.Optional(Type.Integer({ minimum: 0 })),
      code: Type.Optional(Type.String()),
      message: Type.Optional(Type.String()),
      hint: Type.Optional(Type.String()),
    }),
  ),
});
export type Presence = Static<typeof Presence>;

const Count = Type.Integer({ minimum: 0 });

/** Of the declared: `quota` given up for room, `expired` no longer held, `corrupt` spoiled on the card, `undecodable`. */
export const ShedCounts = Type.Object({ quota: Count, expired: Count, corrupt: Count, undecodable: Count });

/**
 * Every seq is stored, declared, outstanding, or unexplained, which is also called lost: a gap in a run that the node's
 * hello no longer lists. `expected` = the sum of the runs' heads.
 */
export const Accounting = Type.Object({
  expected: Type.Integer({ minimum: 0 }),
  stored: Type.Integer({ minimum: 0 }),
  declared: Type.Integer({ minimum: 0 }),
  outstanding: Type.Integer({ minimum: 0 }),
  unexplained: Type.Integer({ minimum: 0 }),
  quarantined: Type.Integer({ minimum: 0 }),
  shed: ShedCounts,
});
export type Accounting = Static<typeof Accounting>;

export const RunAccounting = Type.Object({
  run: Type.String(),
  head: Type.Integer({ minimum: 0 }),
  firstReceivedMs: Type.Integer({ minimum: 0 }),
  lastReceivedMs: Type.Integer({ minimum: 0 }),
  /** Corrected where that is known. */
  startedAtMs: Type.Optional(Type.Integer({ minimum: 0 })),
  listed: Type.Boolean(),
  /** How its times are known: by which source its `time` records corrected them, and how often that clock was set. */
  clock: Type.Object({ quality: TimeQuality, jumps: Count }),
  counts: Type.Omit(Accounting, ["quarantined"]),
  /** The first hundred of each; `rangeCount` says how many there are, and `…/accounting/{run}` gives all, with times. */
  stored: Type.Array(SeqRange),
  declared: Type.Array(SeqRange),
  outstanding: Type.Array(SeqRange),
  unexplained: Type.Array(SeqRange),
  rangeCount: Count,
  /** The run at a glance, oldest left, each letter the worst of its part: u unexplained, o outstanding, d declared, s stored. */
  strip: Type.String({ pattern: "^[uods]*$" }),
});
export type RunAccounting = Static<typeof RunAccounting>;

export const AccountingQuery = Type.Object({
  ...PageQuery.properties,
  /** `open`: only runs with a seq that is neither stored nor declared, and the one that runs now. */
  which: Type.Optional(Type.Union([Type.Literal("all"), Type.Literal("open")])),
});

/** Runs, newest first. `settled` sums up those of which every seq is stored or declared. */
export const NodeAccounting = Type.Object({
  node: NodeId,
  total: Accounting,
  settled: Type.Object({ runs: Count, stored: Count, declared: Count }),
  runs: Type.Array(RunAccounting),
  next: Type.Optional(Type.String()),
});
export type NodeAccounting = Static<typeof NodeAccounting>;

const RangeState = Type.Union([
  Type.Literal("stored"),
  Type.Literal("outstanding"),
  Type.Literal("unexplained"),
  Type.Literal("declared"),
  Type.Literal("quota"),
  Type.Literal("expired"),
  Type.Literal("corrupt"),
  Type.Literal("undecodable"),
]);
/** `upMs` counts from the run's start; `utcMs` is corrected, and absent where nobody could tell. */
const SeqTime = Type.Object({ seq: Count, upMs: Type.Number(), utcMs: Type.Optional(Type.Number()) });

/** Of a stored range the times of its first and last record; of any other those of the records on either side. */
export const RunRange = Type.Object({
  state: RangeState,
  from: Count,
  to: Count,
  fromTime: Type.Optional(SeqTime),
  toTime: Type.Optional(SeqTime),
});
export type RunRange = Static<typeof RunRange>;

export const RunRangesQuery = Type.Object({
  ...PageQuery.properties,
  /** Leaves out what is stored. */
  gaps: Type.Optional(Type.Boolean()),
});
/** How the node's journal stood when its newest `health` was made. */
export const JournalView = Type.Object({
  sizeBytes: Type.Integer({ minimum: 0 }),
  oldestUnsentMs: Type.Optional(Type.Integer({ minimum: 0 })),
  hoursToFull: Type.Optional(Type.Number({ minimum: 0 })),
  laneDepth: Type.Array(Type.Integer({ minimum: 0 })),
  reserveHeld: Type.Optional(Type.Boolean()),
  full: Type.Optional(Type.Boolean()),
  alarmStoreFull: Type.Optional(Type.Boolean()),
});
export type JournalView = Static<typeof JournalView>;

export const NodeView = Type.Object({
  id: NodeId,
  siteId: Type.Optional(Type.String()),
  /** In lists: names of its site and of whose it is, by its site or by the crew whose car it is. */
  siteName: Type.Optional(Type.String()),
  unitId: Type.Optional(Type.String()),
  unitName: Type.Optional(Type.String()),
  version: Type.Optional(Type.String()),
  configSha256: Type.Optional(Type.String()),
  timeQuality: Type.Optional(Type.String()),
  pairedAtMs: Type.Optional(Type.Integer()),
  revokedAtMs: Type.Optional(Type.Integer()),
  position: Type.Optional(
    Type.Object({ latitudeDeg: Type.Number(), longitudeDeg: Type.Number(), atMs: Type.Integer() }),
  ),
  presence: Presence,
  accounting: Accounting,
  unsentRecords: Type.Optional(Type.Integer({ minimum: 0 })),
  /** Of a metered line, as the newest health said: bytes of the day so far, and its budget. */
  dayBytes: Type.Optional(Type.Integer({ minimum: 0 })),
  dailyBytes: Type.Optional(Type.Integer({ minimum: 0 })),
  /** From a record's publish to its receipt, smoothed, as the newest health said. */
  rttMs: Type.Optional(Type.Number({ minimum: 0 })),
  journal: Type.Optional(JournalView),
  faults: Type.Array(
    Type.Object({
      rule: Type.String(),
      device: Type.Optional(Type.String()),
      sinceMs: Type.Integer(),
      detail: Type.Optional(Type.String()),
    }),
  ),
});
export type NodeView = Static<typeof NodeView>;

/** Answer to `POST /nodes`: what to paste on the box. The token works once and for one hour. */
export const NodeToken = Type.Object({
  node: NodeId,
  token: Type.String(),
  expiresAtMs: Type.Integer(),
  /** `shao enroll URL TOKEN`; the token carries the CA's fingerprint. */
  command: Type.String(),
});
export type NodeToken = Static<typeof NodeToken>;

export const Enroll = Type.Object({ token: Type.String({ maxLength: 256 }), csrPem: Type.String({ maxLength: 8192 }) });
export const Enrolled = Type.Object({
  node: NodeId,
  bridge: Type.String(),
  certificatePem: Type.String(),
  caPem: Type.String(),
  mqttUrl: Type.String(),
  /** Ed25519 public key that signs commands, SPKI PEM. */
  commandKeyPem: Type.String(),
});
export type Enrolled = Static<typeof Enrolled>;

/** A lease of 60 s on 1-s levels; they come as transient `live` events on the SSE stream of `client`. Renew before it ends. */
export const LiveLease = Type.Object({
  client: Type.String({ maxLength: 64 }),
  device: Type.String({ maxLength: 64 }),
});

export const LevelsQuery = Type.Object({
  device: Type.String({ maxLength: 64 }),
  /** Id of a station or terminal behind the device; absent: the device itself. */
  subject: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  fromMs: Type.Integer({ minimum: 0 }),
  toMs: Type.Integer({ minimum: 0 }),
});
/** Minutes as they were stored, oldest first; decode with protocol/level-series. `periods` are statistics without levels: a station's own, or minutes whose levels the node gave up. */
export const Levels = Type.Object({
  quantity: Type.Optional(NoiseQuantity),
  minutes: Type.Array(Type.Object({ series: LevelSeries, laeqDb: Type.Union([Type.Number(), Type.Null()]) })),
  periods: Type.Optional(
    Type.Array(
      Type.Object({
        fromMs: Type.Integer(),
        toMs: Type.Integer(),
        statistics: LevelStatistics,
        flags: Type.Array(Type.String()),
      }),
    ),
  ),
});
export type Levels = Static<typeof Levels>;

export const Site = Type.Object({
  id: Type.String({ pattern: "^[a-z0-9][a-z0-9-]{0,62}$" }),
  name: Type.String({ minLength: 1, maxLength: 200 }),
  timeZone: Type.String({ maxLength: 64 }),
  latitudeDeg: Type.Optional(Type.Number({ minimum: -90, maximum: 90 })),
  longitudeDeg: Type.Optional(Type.Number({ minimum: -180, maximum: 180 })),
  /** Geofence for on-scene, metres; default 150. */
  radiusM: Type.Optional(Type.Number({ minimum: 10, maximum: 5000 })),
  unitId: Type.Optional(Type.String()),
});
export type Site = Static<typeof Site>;

/** `device` left out: the node itself with every device of it. */
export const NewBinding = Type.Object({
  node: NodeId,
  device: Type.Optional(DeviceId),
  siteId: Type.String({ maxLength: 64 }),
  /** From then on; now where left out. What was before stays where it was. */
  fromMs: Type.Optional(Type.Integer({ minimum: 0 })),
});

/** A device at a site from/to: history, limits and evidence follow the binding of their time. */
export const DeviceView = Type.Object({
  node: NodeId,
  device: Type.String(),
  driver: Type.Optional(Type.String()),
  siteId: Type.Optional(Type.String()),
  fromMs: Type.Integer(),
  toMs: Type.Optional(Type.Integer()),
  state: Type.Optional(HealthState),
});
