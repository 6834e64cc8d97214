import { type Static, Type } from "typebox";
import { AlarmBody, AlarmFamily } from "../../../protocol/alarm.ts";
import { NodeId, Subject } from "../../../protocol/ids.ts";
import { CaseFields, FieldActs, ReportView } from "./casework.ts";
import { GeoPoint } from "./common.ts";
import { WhistleView } from "./whistles.ts";

export const CaseState = Type.Union([
  Type.Literal("open"),
  Type.Literal("assigned"),
  Type.Literal("acknowledged"),
  Type.Literal("en-route"),
  Type.Literal("on-scene"),
  Type.Literal("resolved"),
  Type.Literal("verifying"),
  Type.Literal("closed"),
  Type.Literal("closed-unverified"),
  Type.Literal("suspended"),
  Type.Literal("false-alarm"),
  Type.Literal("self-cleared"),
  Type.Literal("merged"),
]);
export type CaseState = Static<typeof CaseState>;

/** Who did it: an account's name, a node, or the bridge itself (`system:<part>`). */
export const TimelineEntry = Type.Object({
  seq: Type.Integer({ minimum: 1 }),
  kind: Type.String({ maxLength: 64 }),
  actor: Type.String({ maxLength: 128 }),
  channel: Type.Union([
    Type.Literal("system"),
    Type.Literal("console"),
    Type.Literal("crew-page"),
    Type.Literal("sensor"),
    Type.Literal("gps"),
    Type.Literal("radio"),
    Type.Literal("vehicle-page"),
    Type.Literal("api"),
  ]),
  /** Time on the actor's device, where it had one. */
  deviceTimeMs: Type.Optional(Type.Integer()),
  serverTimeMs: Type.Integer(),
  position: Type.Optional(GeoPoint),
  cause: Type.Optional(Type.String({ maxLength: 500 })),
  detail: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  /** SHA-256 over the entry and the hash before it. */
  hash: Type.String(),
});
export type TimelineEntry = Static<typeof TimelineEntry>;

export const AlarmView = Type.Object({
  alarmId: Type.String(),
  /** By which the logs of both halves and every notice name it. */
  trace: Type.String(),
  /** `@bridge`: the bridge itself. */
  node: Type.Union([NodeId, Type.Literal("@bridge")]),
  device: Type.String(),
  subject: Type.Optional(Subject),
  siteId: Type.Optional(Type.String()),
  /** As the node stamped it. */
  body: AlarmBody,
  /** Corrected where the node's clock was not to be believed; `isTimeCorrected` says so. */
  raisedAtMs: Type.Integer(),
  stateAtMs: Type.Integer(),
  isTimeCorrected: Type.Boolean(),
  late: Type.Boolean(),
  superseded: Type.Boolean(),
  receivedAtMs: Type.Integer(),
  caseId: Type.Optional(Type.String()),
});
export type AlarmView = Static<typeof AlarmView>;

export const AssignmentState = Type.Union([
  Type.Literal("proposed"),
  Type.Literal("assigned"),
  Type.Literal("acknowledged"),
  Type.Literal("declined"),
  Type.Literal("en-route"),
  Type.Literal("on-scene"),
  Type.Literal("done"),
  Type.Literal("withdrawn"),
]);
export type AssignmentState = Static<typeof AssignmentState>;

export const Assignment = Type.Object({
  id: Type.String(),
  caseId: Type.String(),
  crewId: Type.String(),
  crewName: Type.String(),
  /** Absent: it leads, and moves the case. */
  role: Type.Optional(Type.Literal("back-up")),
  state: AssignmentState,
  /** Straight line × detour factor, or a routing engine. */
  distanceM: Type.Optional(Type.Number()),
  etaMs: Type.Optional(Type.Number()),
  assignedAtMs: Type.Integer(),
  notifiedAtMs: Type.Optional(Type.Integer()),
  acknowledgedAtMs: Type.Optional(Type.Integer()),
  onSceneAtMs: Type.Optional(Type.Integer()),
  /** How arrival is known: its button alone does not verify a closure. */
  onSceneBy: Type.Optional(
    Type.Array(Type.Union([Type.Literal("button"), Type.Literal("gps"), Type.Literal("radio")])),
  ),
});
export type Assignment = Static<typeof Assignment>;

/** One crew that was looked at for a case: taken or rejected, and why. Stored as it was at that moment. */
export const Candidate = Type.Object({
  crewId: Type.String(),
  crewName: Type.String(),
  eligible: Type.Boolean(),
  /** e.g. `on duty`, `fix 12 s old`, `busy with case …`, `off duty`, `no fresh fix` */
  reasons: Type.Array(Type.String()),
  distanceM: Type.Optional(Type.Number()),
  etaMs: Type.Optional(Type.Number()),
  position: Type.Optional(GeoPoint),
  fixAgeMs: Type.Optional(Type.Integer()),
  /** Whether two come who may act: `may-act`, `second-needed`, `evidence-only`, `unknown`. */
  authority: Type.Optional(
    Type.Object({
      verdict: Type.Union([
        Type.Literal("may-act"),
        Type.Literal("second-needed"),
        Type.Literal("evidence-only"),
        Type.Literal("unknown"),
      ]),
      category: Type.Optional(Type.String()),
      /** Names of those who hold it. */
      holders: Type.Array(Type.String()),
      /** How many come. */
      people: Type.Integer(),
    }),
  ),
});
export type Candidate = Static<typeof Candidate>;

export const CaseView = Type.Object({
  id: Type.String(),
  number: Type.Integer(),
  /** `report`: people said so, no sensor. */
  family: Type.Union([AlarmFamily, Type.Literal("report")]),
  nature: Type.Union([Type.Literal("condition"), Type.Literal("event")]),
  title: Type.String(),
  state: CaseState,
  late: Type.Boolean(),
  siteId: Type.Optional(Type.String()),
  siteName: Type.Optional(Type.String()),
  /** Units that have a part in it: who answers for the place, whose crew was sent, who was called. */
  unitIds: Type.Optional(Type.Array(Type.String())),
  /** Recorded and shown, nobody is sent by itself: a permit covers it. */
  isHeld: Type.Optional(Type.Boolean()),
  /** The site of a silent meter or node: nobody is listening. */
  unwatched: Type.Boolean(),
  position: Type.Optional(GeoPoint),
  openedAtMs: Type.Integer(),
  updatedAtMs: Type.Integer(),
  closedAtMs: Type.Optional(Type.Integer()),
  alarmIds: Type.Array(Type.String()),
  /** For noise: newest and highest level that its alarms reported. */
  levelDb: Type.Optional(Type.Number()),
  peakDb: Type.Optional(Type.Number()),
  /** What the verifier still waits for, e.g. `quiet 4 of 10 min`, `crew not seen at the site by GPS or radio`. */
  waitingFor: Type.Array(Type.String()),
  /** With `auto-after`: when the bridge will send the first candidate by itself. */
  autoDispatchAtMs: Type.Optional(Type.Integer()),
  assignment: Type.Optional(Assignment),
  ...CaseFields,
});
export type CaseView = Static<typeof CaseView>;

/** One part of an evidence: how far it has come, or why it is not there. Its bytes: `GET /evidence/{id}/parts/{name}`. */
export const EvidencePartView = Type.Object({
  name: Type.String(),
  type: Type.Union([Type.Literal("levels"), Type.Literal("snapshot"), Type.Literal("clip"), Type.Literal("file")]),
  media: Type.String(),
  state: Type.Union([
    Type.Literal("announced"),
    Type.Literal("arriving"),
    Type.Literal("stored"),
    Type.Literal("lost"),
    Type.Literal("refused"),
    Type.Literal("gone"),
    Type.Literal("missing"),
  ]),
  sizeBytes: Type.Integer(),
  receivedBytes: Type.Integer(),
  sha256: Type.String(),
  fromMs: Type.Integer(),
  toMs: Type.Integer(),
  reason: Type.Optional(Type.String()),
});

export const EvidenceView = Type.Object({
  evidenceId: Type.String(),
  alarmId: Type.String(),
  /** `good`: by the node's own key, which the bridge pinned. */
  signature: Type.Union([
    Type.Literal("good"),
    Type.Literal("unconfirmed"),
    Type.Literal("bad"),
    Type.Literal("unknown-key"),
    Type.Literal("none"),
  ]),
  parts: Type.Array(EvidencePartView),
  missing: Type.Array(Type.Object({ name: Type.String(), reason: Type.String() })),
  body: Type.Unknown(),
  /** Who sent it, where a person did; `takenAtMs` by the clock of the phone. */
  author: Type.Optional(Type.String()),
  crewId: Type.Optional(Type.String()),
  takenAtMs: Type.Optional(Type.Integer()),
});
export type EvidenceView = Static<typeof EvidenceView>;

export const CaseDetail = Type.Object({
  case: CaseView,
  timeline: Type.Array(TimelineEntry),
  assignments: Type.Array(Assignment),
  candidates: Type.Array(Candidate),
  alarms: Type.Array(AlarmView),
  evidence: Type.Array(EvidenceView),
  /** What people reported of it, oldest first. */
  reports: Type.Optional(Type.Array(ReportView)),
  whistles: Type.Optional(Type.Array(WhistleView)),
  /** Parts of it that are cases of their own. */
  children: Type.Optional(Type.Array(CaseView)),
});
export type CaseDetail = Static<typeof CaseDetail>;

/** What a dispatcher or supervisor may do to a case: `POST /cases/{id}/acts`, with `Idempotency-Key`. */
export const CaseAct = Type.Union([
  /** `evenIfBusy`: beside the urgent case that the crew has. */
  Type.Object({
    act: Type.Union([Type.Literal("assign"), Type.Literal("back-up")]),
    crewId: Type.String(),
    evenIfBusy: Type.Optional(Type.Boolean()),
  }),
  /** Another crew instead of the one that leads. */
  Type.Object({
    act: Type.Literal("reassign"),
    crewId: Type.String(),
    cause: Type.String({ minLength: 1, maxLength: 500 }),
    evenIfBusy: Type.Optional(Type.Boolean()),
  }),
  Type.Object({ act: Type.Literal("withdraw"), cause: Type.String({ minLength: 1, maxLength: 500 }) }),
  Type.Object({ act: Type.Literal("note"), cause: Type.String({ minLength: 1, maxLength: 500 }) }),
  Type.Object({
    act: Type.Literal("suspend"),
    cause: Type.String({ minLength: 1, maxLength: 500 }),
    untilMs: Type.Integer(),
    /** Of the catalogue; it says whether the case's times rest, too. They do where it is left out. */
    reason: Type.Optional(Type.String({ maxLength: 64 })),
  }),
  Type.Object({ act: Type.Literal("resume") }),
  Type.Object({ act: Type.Literal("false-alarm"), cause: Type.String({ minLength: 1, maxLength: 500 }) }),
  Type.Object({ act: Type.Literal("close-unverified"), cause: Type.String({ minLength: 1, maxLength: 500 }) }),
  /** An event, by somebody who did not handle it, with evidence of the case that shows it. */
  Type.Object({
    act: Type.Literal("close-event"),
    cause: Type.String({ minLength: 1, maxLength: 500 }),
    evidence: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { maxItems: 100 })),
  }),
  Type.Object({
    act: Type.Literal("merge"),
    /** The case that goes on with everything of this one. */
    into: Type.String({ maxLength: 64 }),
    cause: Type.String({ minLength: 1, maxLength: 500 }),
  }),
  /** A part with a life, times and a unit of its own; the case is not closed before it. */
  Type.Object({
    act: Type.Literal("open-child"),
    title: Type.String({ minLength: 1, maxLength: 200 }),
    cause: Type.String({ minLength: 1, maxLength: 500 }),
    category: Type.Optional(Type.String({ maxLength: 64 })),
    unitId: Type.Optional(Type.String({ maxLength: 64 })),
  }),
  Type.Object({ act: Type.Literal("reopen"), cause: Type.String({ minLength: 1, maxLength: 500 }) }),
  ...FieldActs,
]);
export type CaseAct = Static<typeof CaseAct>;

/** What a crew does: `POST /assignments/{id}/acts`, with `Idempotency-Key`. Acts queued in a dead spot carry their own time. */
export const CrewAct = Type.Object({
  act: Type.Union([
    Type.Literal("acknowledge"),
    Type.Literal("decline"),
    Type.Literal("en-route"),
    Type.Literal("on-scene"),
    Type.Literal("resolved"),
  ]),
  deviceTimeMs: Type.Integer(),
  position: Type.Optional(GeoPoint),
  cause: Type.Optional(Type.String({ maxLength: 500 })),
  /** Evidence of the case that shows what was found or done, e.g. photos that were sent before. */
  evidence: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { maxItems: 100 })),
});
export type CrewAct = Static<typeof CrewAct>;
