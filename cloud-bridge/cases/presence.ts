import type { Trx } from "../store/database.ts";
import { jsonField } from "../store/dialect.ts";
import { ENDED_STATES } from "./states.ts";

/** Out of these a case goes back to `open` or to its crew only because the site needs somebody anew. */
const REST_STATES = [...ENDED_STATES, "resolved", "verifying", "suspended"];

/**
 * Whether GPS or radio saw a crew at the site since the case last needed one: an arrival from before it was reopened or
 * brought back says nothing of this visit. Read from the timeline, which nobody can rewrite.
 */
export async function seenAtSite(trx: Trx, caseId: string): Promise<boolean> {
  const returned = await trx
    .selectFrom("timeline")
    .select("seq")
    .where("case_id", "=", caseId)
    .where(jsonField(trx, "detail", "from"), "in", REST_STATES)
    .where(jsonField(trx, "detail", "to"), "in", ["open", "on-scene"])
    .orderBy("seq", "desc")
    .limit(1)
    .executeTakeFirst();
  const seen = await trx
    .selectFrom("timeline")
    .select("seq")
    .where("case_id", "=", caseId)
    .where("seq", ">", returned?.seq ?? 0)
    .where("kind", "=", "on-scene")
    .where("channel", "in", ["gps", "radio"])
    .limit(1)
    .executeTakeFirst();
  return seen !== undefined;
}
