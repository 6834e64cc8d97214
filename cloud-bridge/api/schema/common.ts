import { type Static, type TSchema, Type } from "typebox";

/** RFC 9457. `code` stands in docs/errors.md. */
export const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.Optional(Type.String()),
  code: Type.String(),
  hint: Type.Optional(Type.String()),
});
export type Problem = Static<typeof Problem>;

/** One page of a list; `next` is the cursor of the following page, absent on the last. */
export const Page = <S extends TSchema>(item: S) =>
  Type.Object({ items: Type.Array(item), next: Type.Optional(Type.String()) });

export const PageQuery = Type.Object({
  cursor: Type.Optional(Type.String({ maxLength: 2048 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
});
export type PageQuery = Static<typeof PageQuery>;

/** admin: everything · operator: fleet · dispatcher: cases of their units · supervisor: reads all, verifies · crew: own assignments · viewer: reads. */
export const Role = Type.Union([
  Type.Literal("admin"),
  Type.Literal("operator"),
  Type.Literal("dispatcher"),
  Type.Literal("supervisor"),
  Type.Literal("crew"),
  Type.Literal("viewer"),
]);
export type Role = Static<typeof Role>;

export const Account = Type.Object({
  id: Type.String(),
  name: Type.String({ minLength: 1, maxLength: 64 }),
  role: Role,
  /** For role crew: the crew that this account acts for. */
  crewId: Type.Optional(Type.String()),
  unitId: Type.Optional(Type.String()),
});
export type Account = Static<typeof Account>;

export const SignIn = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 64 }),
  password: Type.String({ minLength: 1, maxLength: 256 }),
});

/** Redeems the one-time link `/welcome#<token>`, which belongs to one account, and sets its password. */
export const Welcome = Type.Object({
  token: Type.String({ minLength: 16, maxLength: 128 }),
  password: Type.String({ minLength: 10, maxLength: 256 }),
});

export const GeoPoint = Type.Object({
  latitudeDeg: Type.Number({ minimum: -90, maximum: 90 }),
  longitudeDeg: Type.Number({ minimum: -180, maximum: 180 }),
  accuracyM: Type.Optional(Type.Number({ minimum: 0 })),
});
export type GeoPoint = Static<typeof GeoPoint>;
