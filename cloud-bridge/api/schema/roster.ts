import { type Static, Type } from "typebox";
import { NodeId } from "../../../protocol/ids.ts";
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

export const Crew = Type.Object({
  id: Type.String({ pattern: "^[a-z0-9][a-z0-9-]{0,62}$" }),
  name: Type.String({ minLength: 1, maxLength: 200 }),
  unitId: Type.String(),
  /** The gateway in its vehicle: its positions are the crew's. */
  vehicleNode: Type.Optional(NodeId),
  radioIssi: Type.Optional(Type.String({ pattern: "^[0-9]{1,8}$" })),
});
export type Crew = Static<typeof Crew>;

export const CrewView = Type.Object({
  ...Crew.properties,
  onDuty: Type.Boolean(),
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

/** One duty: a crew, from/to. `POST /rosters`. */
export const Duty = Type.Object({ crewId: Type.String(), fromMs: Type.Integer(), toMs: Type.Integer() });
export type Duty = Static<typeof Duty>;
export const DutyView = Type.Object({ ...Duty.properties, id: Type.String() });
