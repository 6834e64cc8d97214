import { type Static, Type } from "typebox";
import { ReportChannel } from "./casework.ts";

const Millis = Type.Integer({ minimum: 0 });

/** `POST /sources`: a token for another system that reports. */
export const NewSource = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 64 }),
  source: Type.String({ pattern: "^[a-z0-9][a-z0-9-]{0,62}$" }),
  /** `order` where left out. */
  channels: Type.Optional(Type.Array(ReportChannel, { minItems: 1, maxItems: 4 })),
  /** What it reports is for this unit or one below it. */
  unitId: Type.Optional(Type.String({ maxLength: 64 })),
  perMinute: Type.Optional(Type.Integer({ minimum: 1, maximum: 6000 })),
  expiresAtMs: Type.Optional(Millis),
});
export type NewSource = Static<typeof NewSource>;

export const SourceView = Type.Object({
  id: Type.String(),
  name: Type.String(),
  source: Type.String(),
  channels: Type.Array(ReportChannel),
  unitId: Type.Optional(Type.String()),
  perMinute: Type.Integer(),
  createdBy: Type.String(),
  createdAtMs: Millis,
  expiresAtMs: Type.Optional(Millis),
  lastUsedAtMs: Type.Optional(Millis),
  revokedAtMs: Type.Optional(Millis),
  revokedBy: Type.Optional(Type.String()),
});
export type SourceView = Static<typeof SourceView>;

/** With the token, which is shown this once. */
export const MadeSource = Type.Object({ source: SourceView, token: Type.String() });
