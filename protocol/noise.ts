import { type Static, Type } from "typebox";
import { AtMs, RunId, Seq, UpMs } from "./ids.ts";

/**
 * What a 1-s level is. `LAeq1s`: integrated by the meter over one second. `LAF` and `LAS`: a Fast or Slow level sampled
 * once a second; a finding from those says *estimated*.
 */
export const NoiseQuantity = Type.Union([Type.Literal("LAeq1s"), Type.Literal("LAF"), Type.Literal("LAS")]);
export type NoiseQuantity = Static<typeof NoiseQuantity>;

/**
 * Why a level is not taken at face value. `no-data`, `out-of-range`, `overload`, `under-range`, `fault` make it invalid;
 * `weather`, `calibration`, `maintenance` exclude it from findings; none of them ever changes the value.
 */
export const LevelFlag = Type.Union([
  Type.Literal("no-data"),
  Type.Literal("out-of-range"),
  Type.Literal("overload"),
  Type.Literal("under-range"),
  Type.Literal("fault"),
  Type.Literal("weather"),
  Type.Literal("calibration"),
  Type.Literal("maintenance"),
]);
export type LevelFlag = Static<typeof LevelFlag>;

/** Flags that make a level invalid: it takes part in no average and never counts as quiet. */
export const INVALIDATING_FLAGS: readonly LevelFlag[] = ["no-data", "out-of-range", "overload", "under-range", "fault"];

/** No record covers more: a minute, a station's period, or an hour of minutes whose levels were given up. */
export const LONGEST_SERIES_S = 3600;

/**
 * Statistics of a series of 1-s levels, over its valid seconds only.
 * @source DOMAIN: LAeq = 10 lg(mean(10^(0.1 Li))); LN = level exceeded N % of the time
 */
export const LevelStatistics = Type.Object({
  /** Seconds in the window. */
  n: Type.Integer({ minimum: 0, maximum: LONGEST_SERIES_S }),
  /** Seconds with a valid level. */
  valid: Type.Integer({ minimum: 0, maximum: LONGEST_SERIES_S }),
  /** dB(A) re 20 µPa; null when no second is valid. So are all below. */
  laeqDb: Type.Union([Type.Number(), Type.Null()]),
  lamaxDb: Type.Union([Type.Number(), Type.Null()]),
  laminDb: Type.Union([Type.Number(), Type.Null()]),
  l5Db: Type.Union([Type.Number(), Type.Null()]),
  l10Db: Type.Union([Type.Number(), Type.Null()]),
  l50Db: Type.Union([Type.Number(), Type.Null()]),
  l90Db: Type.Union([Type.Number(), Type.Null()]),
  l95Db: Type.Union([Type.Number(), Type.Null()]),
  sdDb: Type.Union([Type.Number(), Type.Null()]),
  selDb: Type.Union([Type.Number(), Type.Null()]),
});
export type LevelStatistics = Static<typeof LevelStatistics>;

/**
 * 1-s levels, packed: each second's level in 0.1 dB as the zigzag-varint of its difference to the last present one
 * (the first to 0), base64. A second without a value is absent from `levels` and lies in a `gaps` span.
 */
export const LevelSeries = Type.Object({
  /** UTC of the first second. */
  fromMs: AtMs,
  /** Seconds covered, gaps included. */
  seconds: Type.Integer({ minimum: 1, maximum: LONGEST_SERIES_S }),
  levels: Type.String({ maxLength: 12_000 }),
  /** Spans [offset of first second, count] without a value. */
  gaps: Type.Array(Type.Tuple([Type.Integer({ minimum: 0 }), Type.Integer({ minimum: 1 })])),
  /** Spans [offset of first second, count, flag]. */
  flags: Type.Array(Type.Tuple([Type.Integer({ minimum: 0 }), Type.Integer({ minimum: 1 }), LevelFlag])),
});
export type LevelSeries = Static<typeof LevelSeries>;

const MaybeDb = Type.Union([Type.Number(), Type.Null()]);

/**
 * Statistics of one minute whose levels were given up, in a row: offset of its first second from the series' `fromMs`, seconds
 * (its `n`), valid seconds, then in dB: LAeq, LAmax, LAmin, L5, L10, L50, L90, L95, standard deviation; null as in
 * LevelStatistics. SEL is LAeq + 10 lg(valid).
 */
export const MinuteRow = Type.Tuple([
  Type.Integer({ minimum: 0, maximum: LONGEST_SERIES_S }),
  Type.Integer({ minimum: 1, maximum: LONGEST_SERIES_S }),
  Type.Integer({ minimum: 0, maximum: LONGEST_SERIES_S }),
  MaybeDb,
  MaybeDb,
  MaybeDb,
  MaybeDb,
  MaybeDb,
  MaybeDb,
  MaybeDb,
  MaybeDb,
  MaybeDb,
]);
export type MinuteRow = Static<typeof MinuteRow>;

/**
 * Where minutes came from whose records were given up to make room. `seq`, `upMs` and `atMs` are those of the newest of them, in that
 * run: with its `time` records the bridge corrects them. The record's own `atMs` is the same; its `upMs` is of its own run.
 */
export const StandsFor = Type.Object({ run: RunId, seq: Seq, upMs: UpMs, atMs: AtMs });
export type StandsFor = Static<typeof StandsFor>;

/**
 * Body of a `noise` record: one minute of one meter, beginning at a whole UTC minute (the first after a start may begin
 * later). With `statisticsBy: station` it is a period of the station's own: the series has no level and one gap over all,
 * `n` is its length in seconds, and `valid` the same or 0, since a station says no more of its seconds.
 */
export const NoiseBody = Type.Object({
  quantity: NoiseQuantity,
  series: LevelSeries,
  statistics: LevelStatistics,
  /** Absent: the node, from the levels of the series. */
  statisticsBy: Type.Optional(Type.Literal("station")),
  /** Sent again from the station's memory. */
  isBackfill: Type.Optional(Type.Boolean()),
  /**
   * The node had to give up the levels to make room: up to an hour of minutes in one record, each with its statistics. The
   * series has no level and one gap over all; `statistics` is of all together, its percentiles null.
   */
  minutes: Type.Optional(Type.Array(MinuteRow, { minItems: 1, maxItems: 60 })),
  /** Comes with `minutes`: these records are declared as shed, this one has a seq of its own. */
  standsFor: Type.Optional(StandsFor),
});
export type NoiseBody = Static<typeof NoiseBody>;
