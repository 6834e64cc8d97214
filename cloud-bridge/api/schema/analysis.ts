import { type Static, Type } from "typebox";
import { AtMs } from "../../../protocol/ids.ts";
import { FoundBy } from "./casework.ts";

const Count = Type.Integer({ minimum: 0 });
const Hours = Type.Number({ minimum: 0 });
const Maybe = Type.Union([Type.Number(), Type.Null()]);
const Family = Type.Union([
  Type.Literal("noise"),
  Type.Literal("vision"),
  Type.Literal("emergency"),
  Type.Literal("report"),
  Type.Literal("fault"),
]);

/** What every figure is asked with: cases opened from `fromMs` up to `toMs`; at most 366 days. */
export const AnalysisQuery = Type.Object({
  fromMs: AtMs,
  toMs: AtMs,
  family: Type.Optional(Family),
  category: Type.Optional(Type.String({ maxLength: 64 })),
  siteId: Type.Optional(Type.String({ maxLength: 64 })),
  foundBy: Type.Optional(Type.Union([FoundBy, Type.Literal("unknown")])),
  /** The unit and all below it. */
  unitId: Type.Optional(Type.String({ maxLength: 64 })),
});
export type AnalysisQuery = Static<typeof AnalysisQuery>;

const Span = Type.Object({ fromMs: AtMs, toMs: AtMs });

const Spread = Type.Object({ n: Count, p50Ms: Maybe, p90Ms: Maybe, longestMs: Maybe });
const Share = Type.Object({ n: Count, of: Count, share: Maybe });

export const ResponseFiguresView = Type.Object({
  cases: Count,
  openNow: Count,
  openedToAssigned: Spread,
  assignedToTakenUp: Spread,
  openedToOnScene: Spread,
  openedToClosed: Spread,
  /** 响应率 */
  responded: Share,
  endedInTime: Share,
  /** Closed and proven, of those that ended as real. */
  verified: Share,
  /** 解决率 */
  solved: Share,
  /** 满意率 */
  satisfied: Share,
  reopened: Count,
  supervised: Count,
});

export const GroupBy = Type.Union([
  Type.Literal("unit"),
  Type.Literal("category"),
  Type.Literal("foundBy"),
  Type.Literal("site"),
]);

export const ResponseQuery = Type.Object({
  ...AnalysisQuery.properties,
  groupBy: Type.Optional(GroupBy),
  /** A mark of so many of 5, and more, counts as satisfied. */
  satisfiedFrom: Type.Optional(Type.Integer({ minimum: 1, maximum: 5 })),
});

export const ResponseView = Type.Object({
  period: Span,
  figures: ResponseFiguresView,
  /** The same length just before. */
  before: ResponseFiguresView,
  /** By unit, `""` is no unit: none is set for the site, and the place lies on nobody's ground. */
  groups: Type.Optional(Type.Array(Type.Object({ key: Type.String(), figures: ResponseFiguresView }))),
  /** By unit: the sites of those cases, so that somebody gives them a unit or draws its ground. */
  sitesWithoutUnit: Type.Optional(Type.Array(Type.String())),
});
export type ResponseView = Static<typeof ResponseView>;

export const OutcomesView = Type.Object({
  period: Span,
  outcomes: Type.Array(
    Type.Object({
      foundBy: Type.String(),
      cases: Count,
      open: Count,
      verified: Count,
      unverified: Count,
      falseAlarms: Count,
      selfCleared: Count,
      penalties: Count,
      finesCny: Type.Number({ minimum: 0 }),
      grounds: Type.Array(Type.Object({ ground: Type.String(), cases: Count })),
    }),
  ),
});
export type OutcomesView = Static<typeof OutcomesView>;

const CellDeg = Type.Number({ minimum: 0.0005, maximum: 1 });
const LeastHours = Type.Number({ minimum: 0, maximum: 8784 });

export const HighsQuery = Type.Object({
  ...AnalysisQuery.properties,
  /** Side of a cell, degrees; 0.005 is about 550 m from south to north. */
  cellDeg: Type.Optional(CellDeg),
  /** Rates need so many observed hours. */
  leastHours: Type.Optional(LeastHours),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
});

const High = {
  cases: Count,
  casesBefore: Count,
  byMachine: Count,
  observedHours: Hours,
  per100Hours: Maybe,
};

/** 三高: high-incidence places, times and kinds, beside the same length just before. */
export const HighsView = Type.Object({
  period: Span,
  before: Span,
  timeZone: Type.String(),
  cellDeg: CellDeg,
  cases: Count,
  casesBefore: Count,
  withoutPlace: Count,
  /** Hours of meters that stood at no known place; they are in no place's rate. */
  unplacedHours: Hours,
  places: Type.Array(
    Type.Object({ cell: Type.String(), latitudeDeg: Type.Number(), longitudeDeg: Type.Number(), ...High }),
  ),
  times: Type.Array(
    Type.Object({
      weekday: Type.Integer({ minimum: 1, maximum: 7 }),
      hour: Type.Integer({ minimum: 0, maximum: 23 }),
      ...High,
    }),
  ),
  kinds: Type.Array(Type.Object({ kind: Type.String(), cases: Count, casesBefore: Count })),
});
export type HighsView = Static<typeof HighsView>;

export const WarningsQuery = Type.Object({
  ...AnalysisQuery.properties,
  by: Type.Optional(Type.Union([Type.Literal("place"), Type.Literal("kind"), Type.Literal("site")])),
  cellDeg: Type.Optional(CellDeg),
  /** Periods of the same length before it that say what is usual. */
  baselinePeriods: Type.Optional(Type.Integer({ minimum: 4, maximum: 52 })),
  yellow: Type.Optional(Type.Number({ minimum: 0, maximum: 100 })),
  orange: Type.Optional(Type.Number({ minimum: 0, maximum: 100 })),
  red: Type.Optional(Type.Number({ minimum: 0, maximum: 100 })),
  leastCases: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
});

/** 三色预警 */
export const WarningsView = Type.Object({
  period: Span,
  baselinePeriods: Count,
  warnings: Type.Array(
    Type.Object({
      key: Type.String(),
      cases: Count,
      usual: Type.Number(),
      spreads: Type.Number(),
      colour: Type.Optional(Type.Union([Type.Literal("red"), Type.Literal("orange"), Type.Literal("yellow")])),
    }),
  ),
});
export type WarningsView = Static<typeof WarningsView>;

export const MovesQuery = Type.Object({
  fromMs: AtMs,
  toMs: AtMs,
  unitId: Type.Optional(Type.String({ maxLength: 64 })),
  cellDeg: Type.Optional(CellDeg),
  /** A meter hears so far, metres. */
  reachM: Type.Optional(Type.Number({ minimum: 10, maximum: 10_000 })),
  leastHours: Type.Optional(LeastHours),
});

/** Where meters should move next: places where people report noise that no meter hears, and meters that hear little. */
export const MovesView = Type.Object({
  period: Span,
  to: Type.Array(
    Type.Object({
      cell: Type.String(),
      latitudeDeg: Type.Number(),
      longitudeDeg: Type.Number(),
      cases: Count,
      nearestMeterM: Maybe,
    }),
  ),
  from: Type.Array(
    Type.Object({
      node: Type.String(),
      device: Type.String(),
      siteId: Type.Optional(Type.String()),
      observedHours: Hours,
      cases: Count,
      per100Hours: Maybe,
    }),
  ),
});
export type MovesView = Static<typeof MovesView>;

export const HoursQuery = Type.Object({
  device: Type.String({ maxLength: 64 }),
  subject: Type.Optional(Type.String({ maxLength: 64 })),
  fromMs: AtMs,
  toMs: AtMs,
});

/** Hours of one meter: LAeq over the valid seconds of each, dB(A) re 20 µPa. */
export const HoursView = Type.Object({
  hours: Type.Array(
    Type.Object({
      hourMs: AtMs,
      seconds: Type.Number({ minimum: 0 }),
      validSeconds: Type.Number({ minimum: 0 }),
      laeqDb: Maybe,
      lamaxDb: Maybe,
    }),
  ),
});
export type HoursView = Static<typeof HoursView>;
