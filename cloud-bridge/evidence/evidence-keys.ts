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
 * Learns a key from a `start` record, which came over the node's own certificate. The first is pinned; another one only
 * after the node was enrolled anew, which an operator did. Else it is kept, shown and a fault.
 * @returns whether alarms changed
 */
export async function learnEvidenceKey(trx: Trx, node: string, publicKey: string, nowMs: number): Promise<boolean> {
  const key = readEvidenceKey(publicKey);
  if (key === undefined) return false;
  const keyId = evidenceKeyId(key);
  const known = await trx.selectFrom("evidence_keys").selectAll().where("node", "=", node).execute();
  if (known.some(({ key_id }) => key_id === keyId)) return false;
  const paired = await trx.selectFrom("nodes").select("paired_at_ms").where("id", "=", node).executeTakeFirst();
  const pinnedAtMs = Math.max(-1, ...known.filter(({ state }) => state === "pinned").map((row) => row.first_seen_ms));
  const isPinned = pinnedAtMs < 0 || (paired?.paired_at_ms ?? 0) > pinnedAtMs;
  const row = { node, key_id: keyId, public_key: publicKey, first_seen_ms: nowMs };
  await trx
    .insertInto("evidence_keys")
    .values({ ...row, state: isPinned ? "pinned" : "unconfirmed" })
    .execute();
  const waiting = await trx
    .selectFrom("evidence")
    .select(["evidence_id", "manifest", "sig"])
    .where("node", "=", node)
    .where("key_id", "=", keyId)
    .where("signature", "=", "unknown-key")
    .execute();
  let isBad = false;
  for (const { evidence_id, manifest, sig } of waiting) {
    const isRight = isManifestSigned(manifest ?? "", sig ?? "", key);
    isBad ||= !isRight;
    const signature: SignatureState = !isRight ? "bad" : isPinned ? "good" : "unconfirmed";
    await trx.updateTable("evidence").set({ signature }).where("evidence_id", "=", evidence_id).execute();
  }
  if (isPinned && !isBad) return false;
  return raiseFault(trx, { node, rule: "evidence-untrusted" }, nowMs);
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
