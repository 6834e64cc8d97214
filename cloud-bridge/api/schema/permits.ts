import { type Static, Type } from "typebox";
import { AtMs } from "../../../protocol/ids.ts";
import { RegisterId } from "./roster.ts";

const Text = (maxLength: number) => Type.String({ minLength: 1, maxLength });

/** A night work permit (夜间施工许可) of a site: what it covers is recorded and shown, nobody is sent by itself. */
export const Permit = Type.Object({
  siteId: RegisterId,
  /** As the authority numbers it. */
  number: Text(64),
  /** Names of rules; every noise rule where left out. */
  rules: Type.Optional(Type.Array(Text(64), { minItems: 1, maxItems: 32 })),
  fromMs: AtMs,
  toMs: AtMs,
  issuedBy: Type.Optional(Text(200)),
  note: Type.Optional(Text(500)),
});
export type Permit = Static<typeof Permit>;

export const PermitView = Type.Object({
  ...Permit.properties,
  id: Type.String(),
  createdBy: Type.String(),
  createdAtMs: AtMs,
  revokedAtMs: Type.Optional(AtMs),
  revokedBy: Type.Optional(Type.String()),
  revokeCause: Type.Optional(Type.String()),
});
export type PermitView = Static<typeof PermitView>;

export const Revocation = Type.Object({ cause: Text(500) });
