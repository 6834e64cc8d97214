import { setAssignment } from "../cases/assignment-rows.ts";
import { type Change, note } from "../cases/case-rows.ts";
import type { Trx } from "../store/database.ts";

/** Assignments of a crew whose notification nobody has proven yet: shown again to each of its pages that connects. */
export async function undelivered(trx: Trx, crewId: string): Promise<readonly string[]> {
  const rows = await trx
    .selectFrom("outbox")
    .select("assignment_id")
    .where("crew_id", "=", crewId)
    .where("channel", "=", "crew-page")
    .where("delivered_at_ms", "is", null)
    .where("cancelled_at_ms", "is", null)
    .execute();
  return [...new Set(rows.map(({ assignment_id }) => assignment_id))];
}

/** Proof that a crew's page got its assignment. Only the first proof is written. */
export async function delivered(change: Change, assignmentId: string, to: string): Promise<void> {
  const { trx, nowMs } = change;
  const proven = await trx
    .updateTable("outbox")
    .set({ delivered_at_ms: nowMs, delivered_to: to })
    .where("assignment_id", "=", assignmentId)
    .where("channel", "=", "crew-page")
    .where("delivered_at_ms", "is", null)
    .where("cancelled_at_ms", "is", null)
    .executeTakeFirst();
  if (proven.numUpdatedRows === 0n) return;
  const leg = await trx.selectFrom("assignments").selectAll().where("id", "=", assignmentId).executeTakeFirst();
  if (leg === undefined) return;
  const fields = { channel: "crew-page", assignmentId, to };
  change.steps.push({ sentence: "notice delivered", caseId: leg.case_id, fields });
  await setAssignment(change, leg, { notified_at_ms: leg.notified_at_ms ?? nowMs });
  const detail = { assignmentId, crewId: leg.crew_id };
  await note(change, leg.case_id, { kind: "notified", actor: to, channel: "crew-page", detail });
}
