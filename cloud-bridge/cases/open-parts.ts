import type { Trx } from "../store/database.ts";
import { openWhistles } from "./whistle-rows.ts";

/** What of a case is not over: its parts and its whistles, each in a sentence of a verifier. */
export async function openParts(trx: Trx, caseId: string): Promise<readonly string[]> {
  const rows = await trx
    .selectFrom("cases")
    .select("number")
    .where("parent_id", "=", caseId)
    .where("closed_at_ms", "is", null)
    .orderBy("number")
    .execute();
  const whistles = await openWhistles(trx, caseId);
  return [
    ...rows.map(({ number }) => `case ${number}, a part of this, is not over`),
    ...whistles.map((fileNumber) => `whistle ${fileNumber} is not handled`),
  ];
}
