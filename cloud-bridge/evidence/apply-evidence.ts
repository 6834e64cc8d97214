import { createHash } from "node:crypto";
import { sql } from "kysely";
import { canonicalJson } from "../../protocol/canonical-json.ts";
import type { EvidenceBody, EvidenceLostBody, EvidencePart } from "../../protocol/evidence.ts";
import type { RecordHead } from "../../protocol/record.ts";
import { raiseFault } from "../alarms/faults.ts";
import type { Trx } from "../store/database.ts";
import { checkSignature } from "./evidence-keys.ts";

export interface ArrivedEvidence {
  readonly node: string;
  readonly run: string;
  readonly record: RecordHead;
  readonly body: EvidenceBody;
}

/** The bytes that a part stands for where its record holds them: levels. @returns undefined where they have another hash */
export function inlineBytes({ series, sha256 }: Pick<EvidencePart, "series" | "sha256">): Uint8Array | undefined {
  if (series === undefined) return undefined;
  const bytes = Buffer.from(canonicalJson(series));
  return createHash("sha256").update(bytes).digest("hex") === sha256 ? bytes : undefined;
}

/** @returns whether alarms changed */
export async function applyEvidence(
  trx: Trx,
  { node, run, record, body }: ArrivedEvidence,
  nowMs: number,
): Promise<boolean> {
  const { evidenceId, alarmId, parts } = body;
  const signed = await checkSignature(trx, node, record, body);
  const inserted = await trx
    .insertInto("evidence")
    .values({
      evidence_id: evidenceId,
      alarm_id: alarmId,
      node,
      device: record.device ?? "",
      run,
      seq: record.seq,
      received_at_ms: nowMs,
      body: JSON.stringify(body),
      manifest: signed.manifest,
      key_id: signed.keyId,
      sig: signed.sig,
      signature: signed.state,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  if (inserted.numInsertedOrUpdatedRows !== 1n) return isOther(trx, node, body, nowMs);
  for (const part of parts) {
    const isInline = part.series !== undefined && inlineBytes(part) !== undefined;
    await trx
      .insertInto("evidence_parts")
      .values({
        evidence_id: evidenceId,
        name: part.name,
        node,
        sha256: part.sha256,
        size_bytes: part.sizeBytes,
        inline: isInline ? 1 : 0,
      })
      .onConflict((conflict) =>
        // The word that it is lost may have come first; that of another node counts for nothing.
        conflict.columns(["evidence_id", "name"]).doUpdateSet({
          ...{ node, sha256: part.sha256, size_bytes: part.sizeBytes, inline: isInline ? 1 : 0 },
          lost: sql<string | null>`CASE WHEN evidence_parts.node = ${node} THEN evidence_parts.lost END`,
        }),
      )
      .execute();
  }
  const isWrong =
    signed.state === "bad" || parts.some((part) => part.series !== undefined && inlineBytes(part) === undefined);
  if (!isWrong && signed.state !== "unconfirmed") return false;
  return raiseFault(trx, { node, rule: "evidence-untrusted" }, nowMs);
}

/** Its id is taken. That of the very same evidence changes nothing; what differs is kept in the inbox, and a fault. */
async function isOther(trx: Trx, node: string, body: EvidenceBody, nowMs: number): Promise<boolean> {
  const { evidenceId } = body;
  const known = await trx
    .selectFrom("evidence")
    .select(["node", "body"])
    .where("evidence_id", "=", evidenceId)
    .executeTakeFirst();
  if (known?.node === node && known.body === JSON.stringify(body)) return false;
  return raiseFault(trx, { node, rule: "evidence-untrusted" }, nowMs);
}

/** The node gave a file up. One that came after all stands. @returns whether alarms changed */
export async function applyEvidenceLost(
  trx: Trx,
  node: string,
  body: EvidenceLostBody,
  nowMs: number,
): Promise<boolean> {
  const { evidenceId, part, sha256, sizeBytes, reason, code } = body;
  const lost = code === undefined ? reason : `${reason} ${code}`;
  const row = { evidence_id: evidenceId, name: part, node, sha256, size_bytes: sizeBytes, inline: 0, lost };
  await trx
    .insertInto("evidence_parts")
    .values(row)
    .onConflict((conflict) =>
      conflict.columns(["evidence_id", "name"]).doUpdateSet({ lost }).where("evidence_parts.node", "=", node),
    )
    .execute();
  return raiseFault(trx, { node, rule: "evidence-lost" }, nowMs);
}
