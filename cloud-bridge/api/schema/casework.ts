import { type Static, Type } from "typebox";
import { Catalogue } from "../../cases/catalogue.ts";
import { GeoPoint } from "./common.ts";

const Cause = Type.String({ minLength: 1, maxLength: 500 });
const Millis = Type.Integer({ minimum: 0 });

export const Severity = Type.Union([Type.Literal("urgent"), Type.Literal("normal"), Type.Literal("low")]);
export const FoundBy = Type.Union([
  Type.Literal("meter"),
  Type.Literal("camera-rule"),
  Type.Literal("video-round"),
  Type.Literal("patrol"),
  Type.Literal("citizen"),
  Type.Literal("officer"),
  Type.Literal("watch"),
]);

/** What a case carries besides its alarms; absent where it is not known. Codes are those of the catalogue that is named. */
export const CaseFields = {
  /** Nobody knows where it is: it waits for the act `locate`, and no crew is sent. */
  toLocate: Type.Optional(Type.Boolean()),
  source: Type.Optional(Type.String()),
  externalId: Type.Optional(Type.String()),
  description: Type.Optional(Type.String()),
  address: Type.Optional(Type.String()),
  gridCell: Type.Optional(Type.String()),
  category: Type.Optional(Type.Object({ code: Type.String(), catalogue: Type.String(), version: Type.String() })),
  severity: Type.Optional(Severity),
  slaClass: Type.Optional(Type.String()),
  clock: Type.Optional(Type.Union([Type.Literal("wall"), Type.Literal("working")])),
  /** By when somebody is on scene, and by when it is over. */
  dueArriveAtMs: Type.Optional(Millis),
  dueTotalAtMs: Type.Optional(Millis),
  /** Since when both stand still. */
  clockPausedAtMs: Type.Optional(Millis),
  /** The unit that is responsible. */
  unitId: Type.Optional(Type.String()),
  foundBy: Type.Optional(Type.String()),
  outcome: Type.Optional(Type.String()),
  ground: Type.Optional(Type.String()),
  penaltyNumber: Type.Optional(Type.String()),
  fineCny: Type.Optional(Type.Number()),
  satisfaction: Type.Optional(Type.Integer()),
  reopenCount: Type.Optional(Type.Integer()),
  supervisionCount: Type.Optional(Type.Integer()),
  /** `supervisor`, `district`, `city` */
  escalatedTo: Type.Optional(Type.String()),
  parentId: Type.Optional(Type.String()),
  mergedInto: Type.Optional(Type.String()),
  suspendedUntilMs: Type.Optional(Millis),
};

/** Acts that change what is known of a case. */
export const FieldActs = [
  Type.Object({
    act: Type.Literal("locate"),
    position: GeoPoint,
    address: Type.Optional(Type.String({ maxLength: 300 })),
    gridCell: Type.Optional(Type.String({ maxLength: 64 })),
  }),
  Type.Object({ act: Type.Literal("categorise"), category: Type.String(), cause: Type.Optional(Cause) }),
  Type.Object({ act: Type.Literal("transfer"), unitId: Type.String(), cause: Cause }),
  Type.Object({
    act: Type.Literal("outcome"),
    outcome: Type.Optional(Type.String({ minLength: 1, maxLength: 2000 })),
    ground: Type.Optional(Type.String({ maxLength: 64 })),
    penaltyNumber: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    fineCny: Type.Optional(Type.Number({ minimum: 0 })),
    foundBy: Type.Optional(FoundBy),
  }),
] as const;

export const ReportChannel = Type.Union([
  Type.Literal("order"),
  Type.Literal("citizen"),
  Type.Literal("patrol"),
  Type.Literal("video-round"),
]);

/** What a hotline, a citizen's page or a patrol hands in: `POST /reports`, once for each source and external id. */
export const NewReport = Type.Object({
  source: Type.String({ pattern: "^[a-z0-9][a-z0-9-]{0,62}$" }),
  externalId: Type.String({ minLength: 1, maxLength: 128 }),
  channel: ReportChannel,
  title: Type.String({ minLength: 1, maxLength: 200 }),
  description: Type.Optional(Type.String({ maxLength: 4000 })),
  category: Type.Optional(Type.String({ maxLength: 64 })),
  occurredAtMs: Type.Optional(Millis),
  /** WGS-84. Left out, or 0, 0: the report waits to be located. */
  position: Type.Optional(GeoPoint),
  address: Type.Optional(Type.String({ maxLength: 300 })),
  siteId: Type.Optional(Type.String({ maxLength: 64 })),
  gridCell: Type.Optional(Type.String({ maxLength: 64 })),
  unitId: Type.Optional(Type.String({ maxLength: 64 })),
  reporter: Type.Optional(
    Type.Object({
      name: Type.Optional(Type.String({ maxLength: 100 })),
      contact: Type.Optional(Type.String({ maxLength: 100 })),
    }),
  ),
});
export type NewReport = Static<typeof NewReport>;

export const ReportView = Type.Object({
  id: Type.String(),
  source: Type.String(),
  externalId: Type.String(),
  channel: ReportChannel,
  title: Type.String(),
  description: Type.Optional(Type.String()),
  category: Type.Optional(Type.String()),
  address: Type.Optional(Type.String()),
  reporter: Type.Optional(Type.String()),
  contact: Type.Optional(Type.String()),
  position: Type.Optional(GeoPoint),
  receivedAtMs: Millis,
  occurredAtMs: Type.Optional(Millis),
  caseId: Type.String(),
  /** `joined` the open case of its matter, `reopened` one that had ended, or `opened` its own. */
  how: Type.Union([Type.Literal("opened"), Type.Literal("joined"), Type.Literal("reopened")]),
  /** For its source, once the case has ended; gone again when the case is reopened. */
  result: Type.Optional(
    Type.Object({
      caseNumber: Type.Integer(),
      state: Type.String(),
      closedAtMs: Millis,
      outcome: Type.Optional(Type.String()),
      ground: Type.Optional(Type.String()),
      penaltyNumber: Type.Optional(Type.String()),
      /** What each department did that a whistle called. */
      parts: Type.Optional(
        Type.Array(Type.Object({ unitId: Type.String(), unitName: Type.String(), result: Type.String() })),
      ),
    }),
  ),
  resultAtMs: Type.Optional(Millis),
  resultTakenAtMs: Type.Optional(Millis),
  calledBackAtMs: Type.Optional(Millis),
  calledBackBy: Type.Optional(Type.String()),
  isResolved: Type.Optional(Type.Boolean()),
  satisfaction: Type.Optional(Type.Integer()),
});
export type ReportView = Static<typeof ReportView>;

/** `POST /reports/{id}/acts`, with `Idempotency-Key`. */
export const ReportAct = Type.Union([
  Type.Object({ act: Type.Literal("supplement"), cause: Type.String({ minLength: 1, maxLength: 2000 }) }),
  Type.Object({ act: Type.Literal("result-taken") }),
  Type.Object({
    act: Type.Literal("call-back"),
    isResolved: Type.Boolean(),
    satisfaction: Type.Optional(Type.Integer({ minimum: 1, maximum: 5 })),
    cause: Type.Optional(Cause),
  }),
]);
export type ReportAct = Static<typeof ReportAct>;

export const CatalogueVersion = Type.Object({
  name: Type.String(),
  version: Type.String(),
  inForceFromMs: Millis,
  loadedAtMs: Millis,
  loadedBy: Type.String(),
  sha256: Type.String(),
  isInForce: Type.Boolean(),
});
export type CatalogueVersion = Static<typeof CatalogueVersion>;

/** A city's tables, whole: categories, classes, legal grounds, whistles, reasons of suspension. */
export const CatalogueDocument = Catalogue;
export type CatalogueDocument = Static<typeof CatalogueDocument>;
