import { type Static, Type } from "typebox";
import { AtMs, NodeId } from "../../../protocol/ids.ts";
import { Assignment } from "./desk.ts";

/** Id of a unit, crew, person, shift, site or calendar. */
export const RegisterId = Type.String({ pattern: "^[a-z0-9][a-z0-9-]{0,62}$" });

const Corner = Type.Object({
  latitudeDeg: Type.Number({ minimum: -90, maximum: 90 }),
  longitudeDeg: Type.Number({ minimum: -180, maximum: 180 }),
});

/**
 * WGS-84. `polygon`: corners in order, it closes itself. `cells`: cells of the grid of `cellDeg`, each named `row:column`,
 * counted from 0° in steps of `cellDeg`: 39.912 N 116.456 E lies in `3991:11645` of the grid of 0.01°.
 */
export const Area = Type.Union([
  Type.Object({ kind: Type.Literal("polygon"), outline: Type.Array(Corner, { minItems: 3, maxItems: 1000 }) }),
  Type.Object({
    kind: Type.Literal("cells"),
    cellDeg: Type.Number({ minimum: 0.0001, maximum: 1 }),
    cells: Type.Array(Type.String({ pattern: "^-?[0-9]{1,7}:-?[0-9]{1,7}$" }), { minItems: 1, maxItems: 5000 }),
  }),
]);
export type Area = Static<typeof Area>;

export const UnitLevel = Type.Union([
  Type.Literal("city"),
  Type.Literal("district"),
  Type.Literal("street"),
  Type.Literal("community"),
  Type.Literal("department"),
]);

/** City > district > street > community; departments stand below any of them. */
export const Unit = Type.Object({
  id: RegisterId,
  name: Type.String({ minLength: 1, maxLength: 200 }),
  level: UnitLevel,
  parentId: Type.Optional(RegisterId),
  /** Where it is responsible. */
  areas: Type.Optional(Type.Array(Area, { maxItems: 50 })),
  /** Its working time; that of the nearest unit above which names one where left out. */
  calendarId: Type.Optional(RegisterId),
  phone: Type.Optional(Type.String({ minLength: 1, maxLength: 32 })),
  /** Reorganised away: keeps its cases, gets no new ones. */
  retiredAtMs: Type.Optional(Type.Integer({ minimum: 0 })),
});
export type Unit = Static<typeof Unit>;

/** Codes of categories on which somebody may act: `12*` for all that begin so, `*` for all. */
const Codes = Type.Array(Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}\\*?$|^\\*$" }), { maxItems: 200 });
const Issi = Type.String({ pattern: "^[0-9]{1,8}$" });
const Phone = Type.String({ minLength: 1, maxLength: 32 });
const Note = Type.String({ minLength: 1, maxLength: 500 });

/** Somebody who works for a unit, mostly a department, and for what the law lets this person act. */
export const Person = Type.Object({
  id: RegisterId,
  name: Type.String({ minLength: 1, maxLength: 100 }),
  unitId: RegisterId,
  /** Number of the enforcement certificate (执法证). */
  badge: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  phone: Type.Optional(Phone),
  /** The handset that is theirs. */
  radioIssi: Type.Optional(Issi),
  authority: Type.Optional(Codes),
  leftAtMs: Type.Optional(AtMs),
});
export type Person = Static<typeof Person>;

export const Crew = Type.Object({
  id: RegisterId,
  name: Type.String({ minLength: 1, maxLength: 200 }),
  /** The unit that sends it; its members may belong to others. */
  unitId: Type.String(),
  /** The gateway in its vehicle: its positions are the crew's. */
  vehicleNode: Type.Optional(NodeId),
  radioIssi: Type.Optional(Issi),
  phone: Type.Optional(Phone),
  /** Who mostly goes along; a filing says who really does. */
  memberIds: Type.Optional(Type.Array(RegisterId, { maxItems: 50 })),
  skills: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { maxItems: 50 })),
  /** Where it mostly works; its unit's ground where left out. */
  areas: Type.Optional(Type.Array(Area, { maxItems: 50 })),
  /** Why nobody can be sent, e.g. a broken car. */
  unavailable: Type.Optional(Note),
});
export type Crew = Static<typeof Crew>;

/** A part of the day that crews work in turn, by the wall clock of its unit's calendar; `22:00` to `06:00` ends next day. */
export const Shift = Type.Object({
  id: RegisterId,
  unitId: RegisterId,
  name: Type.String({ minLength: 1, maxLength: 100 }),
  starts: Type.String({ pattern: "^([01][0-9]|2[0-3]):[0-5][0-9]$" }),
  ends: Type.String({ pattern: "^([01][0-9]|2[0-3]):[0-5][0-9]$" }),
});
export type Shift = Static<typeof Shift>;

/** A crew on duty: from/to, or a shift on a local date. `POST /rosters`. */
export const Duty = Type.Union([
  Type.Object({ crewId: Type.String(), fromMs: Type.Integer(), toMs: Type.Integer() }),
  Type.Object({
    crewId: Type.String(),
    shiftId: RegisterId,
    date: Type.String({ pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" }),
  }),
]);
export type Duty = Static<typeof Duty>;
export const DutyView = Type.Object({
  id: Type.String(),
  crewId: Type.String(),
  fromMs: Type.Integer(),
  toMs: Type.Integer(),
  shiftId: Type.Optional(Type.String()),
});
export type DutyView = Static<typeof DutyView>;

/** Duty filing (勤务报备): who goes out in which car with which radio. `POST /filings`. */
export const Filing = Type.Object({
  crewId: RegisterId,
  /** Of this duty, and as long as it where no time is given. */
  dutyId: Type.Optional(Type.String({ maxLength: 64 })),
  /** Now where left out. */
  fromMs: Type.Optional(AtMs),
  toMs: Type.Optional(AtMs),
  /** The crew's usual car where left out. */
  vehicleNode: Type.Optional(NodeId),
  people: Type.Array(
    Type.Object({
      personId: RegisterId,
      /** Their own where left out. */
      radioIssi: Type.Optional(Issi),
    }),
    { minItems: 1, maxItems: 50 },
  ),
  note: Type.Optional(Note),
});
export type Filing = Static<typeof Filing>;

export const FilingView = Type.Object({
  id: Type.String(),
  crewId: Type.String(),
  dutyId: Type.Optional(Type.String()),
  fromMs: Type.Integer(),
  toMs: Type.Integer(),
  vehicleNode: Type.Optional(Type.String()),
  people: Type.Array(
    Type.Object({
      personId: Type.String(),
      name: Type.String(),
      authority: Type.Array(Type.String()),
      radioIssi: Type.Optional(Type.String()),
    }),
  ),
  note: Type.Optional(Type.String()),
  filedBy: Type.String(),
  filedAtMs: Type.Integer(),
  /** Who ended it before its time. */
  endedBy: Type.Optional(Type.String()),
});
export type FilingView = Static<typeof FilingView>;

/** `no-fix`: filed on duty, and nobody knows where. `outside-area`: filed on duty, and elsewhere, without an assignment. */
export const FlagKind = Type.Union([Type.Literal("no-fix"), Type.Literal("outside-area")]);

/** Supervision (监察): one time that a filed crew gave reason to ask. */
export const Flag = Type.Object({
  id: Type.Integer(),
  kind: FlagKind,
  crewId: Type.String(),
  filingId: Type.String(),
  sinceMs: Type.Integer(),
  untilMs: Type.Optional(Type.Integer()),
  /** Newest fix when it began. */
  fixAtMs: Type.Optional(Type.Integer()),
  position: Type.Optional(Type.Object({ latitudeDeg: Type.Number(), longitudeDeg: Type.Number() })),
});
export type Flag = Static<typeof Flag>;

export const CrewView = Type.Object({
  ...Crew.properties,
  onDuty: Type.Boolean(),
  /** Who sits in which car with which radio now. */
  filing: Type.Optional(FilingView),
  /** Supervision that stands now. */
  flags: Type.Optional(Type.Array(FlagKind)),
  position: Type.Optional(
    Type.Object({
      latitudeDeg: Type.Number(),
      longitudeDeg: Type.Number(),
      atMs: Type.Integer(),
      source: Type.Union([Type.Literal("vehicle"), Type.Literal("radio"), Type.Literal("phone")]),
    }),
  ),
  assignment: Type.Optional(Assignment),
});
export type CrewView = Static<typeof CrewView>;
