import { decodeRecord, isKind } from "../../protocol/record-codec.ts";
import type { Journal } from "../contracts/journal.ts";

/** More starts than that lie between an unclean end and now only where none of them came so far as to ask. */
const RUNS = 20;
const PAGE = { lanes: [], kind: "evidence", includeReceipted: true, maxRecords: 500, maxBytes: 1_000_000 } as const;

/** Ids of all evidence whose record this node still holds, of its newest runs, whether the bridge has it or not. */
export async function recordedEvidence(journal: Pick<Journal, "runs" | "read">): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for (const { run, first, head } of (await journal.runs()).slice(0, RUNS)) {
    for (let from = first; from <= head; ) {
      const rows = await journal.read({ run, ranges: [[from, head]], ...PAGE });
      for (const { bytes } of rows) {
        const decoded = decodeRecord(bytes);
        if (decoded.ok && decoded.known !== undefined && isKind(decoded.known, "evidence")) {
          ids.add(decoded.known.body.evidenceId);
        }
      }
      from = (rows.at(-1)?.seq ?? head) + 1;
    }
  }
  return ids;
}
