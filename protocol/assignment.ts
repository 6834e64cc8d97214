import { type KeyObject, sign, verify } from "node:crypto";
import { type Static, Type } from "typebox";
import { canonicalJson } from "./canonical-json.ts";
import { AtMs, NodeId, Position } from "./ids.ts";

export const CrewActName = Type.Union([
  Type.Literal("acknowledge"),
  Type.Literal("decline"),
  Type.Literal("en-route"),
  Type.Literal("on-scene"),
  Type.Literal("resolved"),
]);
export type CrewActName = Static<typeof CrewActName>;

/** `withdrawn`, `declined` and `done` are ends: the page shows them, and no more buttons. */
export const NoticeState = Type.Union([
  Type.Literal("assigned"),
  Type.Literal("acknowledged"),
  Type.Literal("en-route"),
  Type.Literal("on-scene"),
  Type.Literal("done"),
  Type.Literal("declined"),
  Type.Literal("withdrawn"),
]);
export type NoticeState = Static<typeof NoticeState>;

/**
 * Args of the command `assignment`: what the local page of a vehicle shows, whole each time. Of one assignment the notice
 * with the highest `rev` holds, in whatever order they come.
 */
export const AssignmentNotice = Type.Object({
  assignmentId: Type.String({ minLength: 1, maxLength: 64 }),
  rev: Type.Integer({ minimum: 1 }),
  state: NoticeState,
  caseNumber: Type.Integer({ minimum: 1 }),
  title: Type.String({ maxLength: 300 }),
  family: Type.String({ maxLength: 32 }),
  crew: Type.String({ maxLength: 200 }),
  place: Type.Optional(Type.String({ maxLength: 300 })),
  position: Type.Optional(Position),
  levelDb: Type.Optional(Type.Number()),
  assignedAtMs: AtMs,
  /** Straight line at the moment of the assignment. */
  distanceM: Type.Optional(Type.Number({ minimum: 0 })),
  /** Of the alarm that it goes back to, see trace.ts. */
  trace: Type.Optional(Type.String({ maxLength: 32 })),
});
export type AssignmentNotice = Static<typeof AssignmentNotice>;

/** Ends of an assignment's life. */
export function isOver(state: NoticeState): boolean {
  return state === "done" || state === "declined" || state === "withdrawn";
}

/**
 * What somebody did at the local page of a gateway, as a record. `n` counts the acts of one node from 1 and outlives its
 * runs, so that they are applied in the order in which they were done, however they arrive. `seen`: the page showed it to
 * somebody who had signed in.
 */
export const ActBody = Type.Object({
  n: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  assignmentId: Type.String({ minLength: 1, maxLength: 64 }),
  act: Type.Union([Type.Literal("seen"), CrewActName]),
  cause: Type.Optional(Type.String({ maxLength: 300 })),
  position: Type.Optional(Position),
  signature: Type.Optional(
    Type.Object({
      node: NodeId,
      /** First 16 hex of the SHA-256 of the SPKI DER: the key that signs the node's evidence. */
      keyId: Type.String({ pattern: "^[0-9a-f]{16}$" }),
      /** Ed25519 over the canonical JSON of `{node, atMs}` and the body without `signature`, base64. */
      sig: Type.String({ minLength: 1, maxLength: 128 }),
    }),
  ),
});
export type ActBody = Static<typeof ActBody>;

type UnsignedAct = Omit<ActBody, "signature">;

/** @param atMs as the record says it */
export function signAct(
  act: UnsignedAct,
  { node, atMs, keyId }: { readonly node: string; readonly atMs: number; readonly keyId: string },
  privateKey: KeyObject,
): ActBody {
  const sig = sign(null, actBytes(act, node, atMs), privateKey).toString("base64");
  return { ...act, signature: { node, keyId, sig } };
}

export function isActSigned(body: ActBody, atMs: number, publicKey: KeyObject): boolean {
  const { signature, ...act } = body;
  if (signature === undefined) return false;
  return verify(null, actBytes(act, signature.node, atMs), publicKey, Buffer.from(signature.sig, "base64"));
}

function actBytes(act: UnsignedAct, node: string, atMs: number): Buffer {
  return Buffer.from(canonicalJson({ ...act, node, atMs }));
}
