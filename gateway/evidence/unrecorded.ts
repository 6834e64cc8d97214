import { randomUUID } from "node:crypto";
import type { NewRecord } from "../../protocol/record.ts";
import type { EvidenceRecord } from "../contracts/evidence.ts";
import type { FileCard, PendingUse } from "./kept-files.ts";

/**
 * What to say of files that were in custody when the process died before their record: an evidence of their own for each
 * that was being taken, under an id of its own, since whoever took it may take it again under the old one. Level series
 * are left out: they travel in the record, which the pipeline writes again.
 */
export function evidenceOfUnrecorded(
  cards: readonly FileCard[],
  stamp: Pick<NewRecord, "upMs" | "atMs" | "timeQuality">,
): readonly { readonly record: EvidenceRecord; readonly was: string; readonly files: readonly FileCard[] }[] {
  const byEvidence = new Map<string, { readonly use: PendingUse; readonly card: FileCard }[]>();
  for (const card of cards) {
    for (const use of card.pending ?? []) {
      if (use.part.type === "levels") continue;
      byEvidence.set(use.evidenceId, [...(byEvidence.get(use.evidenceId) ?? []), { use, card }]);
    }
  }
  return [...byEvidence].flatMap(([was, found]) => {
    const [first] = found;
    if (first === undefined) return [];
    const { alarmId, device } = first.use;
    const parts = found.map(({ use, card: { sizeBytes, sha256 } }) => ({ ...use.part, sizeBytes, sha256 }));
    const missing = [
      { name: "record", reason: "the node died before this was written down; announced after its start" },
    ];
    const body = { evidenceId: `again-${randomUUID()}`, alarmId, parts, missing };
    const record: EvidenceRecord = { ...stamp, kind: "evidence", ...(device === undefined ? {} : { device }), body };
    return [{ record, was, files: found.map(({ card }) => card) }];
  });
}
