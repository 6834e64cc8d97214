import { evidenceOfCase } from "../evidence/evidence-views.ts";
import type { Trx } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";

/** @returns the first of these that is no evidence of the case */
export async function notOfCase(trx: Trx, caseId: string, evidence: readonly string[]): Promise<string | undefined> {
  if (evidence.length === 0) return undefined;
  const known = new Set((await evidenceOfCase(trx, caseId)).map(({ evidence_id }) => evidence_id));
  return evidence.find((id) => !known.has(id));
}

/** @throws BridgeError EVIDENCE_FOREIGN */
export async function assertOfCase(trx: Trx, caseId: string, evidence: readonly string[]): Promise<void> {
  const odd = await notOfCase(trx, caseId, evidence);
  if (odd === undefined) return;
  throw new BridgeError("EVIDENCE_FOREIGN", `${odd} is no evidence of this case`, {
    status: 422,
    hint: "A case lists its evidence: GET /api/v1/cases/{id}. A photo that is still on its way can be named once it is there.",
  });
}
