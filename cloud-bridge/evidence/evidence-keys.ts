import type { KeyObject } from "node:crypto";
import { canonicalJson } from "../../protocol/canonical-json.ts";
import type { EvidenceBody } from "../../protocol/evidence.ts";
import { evidenceKeyId, isManifestSigned, manifestOf, readEvidenceKey } from "../../protocol/evidence-manifest.ts";
import type { RecordHead } from "../../protocol/record.ts";
import { raiseFault } from "../alarms/faults.ts";
import type { Trx } from "../store/database.ts";

/**
 * What a signature is worth. `good`: by the node's pinned key · `unconfirmed`: right, by a key that nobody confirmed ·
 * `bad`: it does not fit what the record says · `unknown-key`: the node has not said this key yet · `none`: there is none.
 */
export type SignatureState = "good" | "unconfirmed" | "bad" | "unknown-key" | "none";

export interface SignedEvidence {
  readonly manifest: string | null;
  readonly keyId: string | null;
  readonly sig: string | null;
  readonly state: SignatureState;
}

/**
 * Learns a key from a `start` record, which came over the node's own certificate. The first is pinned; after that only the
 * first that is said since the node was enrolled anew, which an operator did. Any other is kept, shown and a fault.
 * @returns whether alarms changed
 */
export async function learnEvidenceKey(trx: Trx, node: string, publicKey: string, nowMs: number): Promise<boolean> {
  const key = readEvidenceKey(publicKey);
  if (key === undefined) return false;
  const keyId = evidenceKeyId(key);
  const keys = await trx.selectFrom("evidence_keys").selectAll().where("node", "=", node).execute();
  const known = keys.find(({ key_id }) => key_id === keyId);
  const paired = await trx.selectFrom("nodes").select("paired_at_ms").where("id", "=", node).executeTakeFirst();
  const pinnedAtMs = Math.max(-1, ...keys.filter(({ state }) => state === "pinned").map((row) => row.first_seen_ms));
  const mayPin = pinnedAtMs < 0 || (paired?.paired_at_ms ?? 0) > pinnedAtMs;
  if (known !== undefined && !mayPin) return false;
  const state = mayPin ? "pinned" : "unconfirmed";
  const row = { node, key_id: keyId, public_key: publicKey, state, first_seen_ms: nowMs };
  // Also of a key that is pinned already: it has used up this enrolment, so that no other key can.
  await trx
    .insertInto("evidence_keys")
    .values(row)
    .onConflict((conflict) => conflict.columns(["node", "key_id"]).doUpdateSet({ state, first_seen_ms: nowMs }))
    .execute();
  if (known?.state === "pinned") return false;
  const isBad = await judgeWaiting(trx, node, key, keyId, mayPin);
  if (mayPin && !isBad) return false;
  return raiseFault(trx, { node, rule: "evidence-untrusted" }, nowMs);
}

/** Evidence that came before its key was said, or believed. @returns whether a signature does not fit */
async function judgeWaiting(
  trx: Trx,
  node: string,
  key: KeyObject,
  keyId: string,
  isPinned: boolean,
): Promise<boolean> {
  const waiting = await trx
    .selectFrom("evidence")
    .select(["evidence_id", "manifest", "sig"])
    .where("node", "=", node)
    .where("key_id", "=", keyId)
    .where("signature", "in", ["unknown-key", "unconfirmed"])
    .execute();
  let isBad = false;
  for (const { evidence_id, manifest, sig } of waiting) {
    const isRight = isManifestSigned(manifest ?? "", sig ?? "", key);
    isBad ||= !isRight;
    const signature: SignatureState = !isRight ? "bad" : isPinned ? "good" : "unconfirmed";
    await trx.updateTable("evidence").set({ signature }).where("evidence_id", "=", evidence_id).execute();
  }
  return isBad;
}

/** Looks at the signature that a record brought. */
export async function checkSignature(
  trx: Trx,
  node: string,
  head: RecordHead,
  body: EvidenceBody,
): Promise<SignedEvidence> {
  const { signature } = body;
  if (signature === undefined) return { manifest: null, keyId: null, sig: null, state: "none" };
  const { keyId, sig } = signature;
  const manifest = canonicalJson(manifestOf(head, body, signature));
  const signed = { manifest, keyId, sig };
  if (signature.node !== node) return { ...signed, state: "bad" };
  const key = await trx
    .selectFrom("evidence_keys")
    .select(["public_key", "state"])
    .where("node", "=", node)
    .where("key_id", "=", keyId)
    .executeTakeFirst();
  if (key === undefined) return { ...signed, state: "unknown-key" };
  const publicKey = readEvidenceKey(key.public_key);
  if (publicKey === undefined || !isManifestSigned(manifest, sig, publicKey)) return { ...signed, state: "bad" };
  return { ...signed, state: key.state === "pinned" ? "good" : "unconfirmed" };
}
