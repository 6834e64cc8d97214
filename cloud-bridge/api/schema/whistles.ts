import { type Static, Type } from "typebox";

const UnitId = Type.String({ minLength: 1, maxLength: 64 });
const Text = Type.String({ minLength: 1, maxLength: 2000 });
const Millis = Type.Integer({ minimum: 0 });
const Rating = Type.Object({
  rating: Type.Integer({ minimum: 1, maximum: 5 }),
  by: Type.String(),
  text: Type.Optional(Type.String()),
});

export const WhistleState = Type.Union([
  Type.Literal("filed"),
  Type.Literal("rejected"),
  Type.Literal("started"),
  Type.Literal("handled"),
  Type.Literal("returned"),
  Type.Literal("withdrawn"),
  Type.Literal("archived"),
]);

/** 吹哨: a street or community calls 1 to n departments to a case; `POST /whistles`, with `Idempotency-Key`. */
export const NewWhistle = Type.Object({
  caseId: Type.String({ maxLength: 64 }),
  /** A kind of the catalogue in force. */
  kind: Type.String({ maxLength: 64 }),
  fromUnitId: UnitId,
  unitIds: Type.Array(UnitId, { minItems: 1, maxItems: 50 }),
  /** One of `unitIds`. */
  leadUnitId: UnitId,
  text: Text,
});
export type NewWhistle = Static<typeof NewWhistle>;

/** 报到: one department's part. */
export const WhistleLegView = Type.Object({
  id: Type.String(),
  unitId: Type.String(),
  isLead: Type.Boolean(),
  state: Type.Union([
    Type.Literal("waiting"),
    Type.Literal("called"),
    Type.Literal("received"),
    Type.Literal("on-scene"),
    Type.Literal("handled"),
    Type.Literal("returned"),
    Type.Literal("withdrawn"),
  ]),
  dueSceneAtMs: Type.Optional(Millis),
  dueHandleAtMs: Type.Optional(Millis),
  receivedAtMs: Type.Optional(Millis),
  receivedBy: Type.Optional(Type.String()),
  onSceneAtMs: Type.Optional(Millis),
  onSceneBy: Type.Optional(Type.String()),
  endedAtMs: Type.Optional(Millis),
  endedBy: Type.Optional(Type.String()),
  result: Type.Optional(Type.String()),
  isSceneOverdue: Type.Boolean(),
  isHandleOverdue: Type.Boolean(),
  /** Of the department, by who whistled; and the other way round. */
  ratingOfUnit: Type.Optional(Rating),
  ratingOfCaller: Type.Optional(Rating),
});
export type WhistleLegView = Static<typeof WhistleLegView>;

export const WhistleView = Type.Object({
  id: Type.String(),
  fileNumber: Type.String(),
  caseId: Type.String(),
  kind: Type.String(),
  catalogue: Type.String(),
  catalogueVersion: Type.String(),
  fromUnitId: Type.String(),
  leadUnitId: Type.String(),
  /** Mutual aid across streets, or across districts. */
  aid: Type.Optional(Type.Union([Type.Literal("street"), Type.Literal("district")])),
  text: Type.String(),
  state: WhistleState,
  blownBy: Type.String(),
  blownAtMs: Millis,
  reviewedBy: Type.Optional(Type.String()),
  reviewedAtMs: Type.Optional(Millis),
  opinion: Type.Optional(Type.String()),
  startedAtMs: Type.Optional(Millis),
  endedAtMs: Type.Optional(Millis),
  /** The lead's first. */
  legs: Type.Array(WhistleLegView),
});
export type WhistleView = Static<typeof WhistleView>;

/** `POST /whistles/{id}/acts`, with `Idempotency-Key`. */
export const WhistleAct = Type.Union([
  /** By the district's grid centre. */
  Type.Object({ act: Type.Literal("review"), isApproved: Type.Boolean(), opinion: Type.Optional(Text) }),
  /** One more department. */
  Type.Object({ act: Type.Literal("call"), unitId: UnitId }),
  Type.Object({ act: Type.Literal("lead"), unitId: UnitId }),
  Type.Object({ act: Type.Literal("withdraw"), cause: Text }),
  Type.Object({ act: Type.Literal("archive") }),
]);
export type WhistleAct = Static<typeof WhistleAct>;

/** `POST /whistle-legs/{id}/acts`, with `Idempotency-Key`. */
export const WhistleLegAct = Type.Union([
  Type.Object({ act: Type.Literal("receive") }),
  Type.Object({ act: Type.Literal("on-scene") }),
  Type.Object({
    act: Type.Literal("handled"),
    result: Text,
    /** Evidence of the case that shows it. */
    evidence: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { maxItems: 100 })),
  }),
  Type.Object({ act: Type.Literal("return"), cause: Text }),
  Type.Object({
    act: Type.Literal("rate"),
    /** `unit`: who whistled rates the department; `caller`: the department rates who whistled. */
    of: Type.Union([Type.Literal("unit"), Type.Literal("caller")]),
    rating: Type.Integer({ minimum: 1, maximum: 5 }),
    text: Type.Optional(Text),
  }),
]);
export type WhistleLegAct = Static<typeof WhistleLegAct>;

/** Work at a node, a device of it, or a site: what is raised there meanwhile is recorded, and nobody is sent. */
export const NewInhibition = Type.Object({
  node: Type.Optional(Type.String({ maxLength: 64 })),
  device: Type.Optional(Type.String({ maxLength: 64 })),
  siteId: Type.Optional(Type.String({ maxLength: 64 })),
  cause: Type.String({ minLength: 1, maxLength: 500 }),
  fromMs: Millis,
  toMs: Millis,
});
export type NewInhibition = Static<typeof NewInhibition>;

export const InhibitionView = Type.Object({
  ...NewInhibition.properties,
  id: Type.String(),
  createdBy: Type.String(),
  createdAtMs: Millis,
  endedAtMs: Type.Optional(Millis),
  endedBy: Type.Optional(Type.String()),
});
export type InhibitionView = Static<typeof InhibitionView>;
