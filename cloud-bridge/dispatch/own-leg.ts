import type { AssignmentRow } from "../cases/assignment-rows.ts";
import type { Trx } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import type { Actor } from "./actor.ts";

/**
 * The leg of whoever acts, whether it is over or not: a picture may come out of a dead spot after the last button.
 * @throws BridgeError ASSIGNMENT_UNKNOWN, ASSIGNMENT_NOT_YOURS
 */
export async function ownLeg(trx: Trx, actor: Actor, assignmentId: string): Promise<AssignmentRow> {
  const leg = await trx.selectFrom("assignments").selectAll().where("id", "=", assignmentId).executeTakeFirst();
  if (leg === undefined) {
    throw new BridgeError("ASSIGNMENT_UNKNOWN", `there is no assignment ${assignmentId}`, {
      status: 404,
      hint: "Load the crew's work again.",
    });
  }
  if (actor.role === "crew" && actor.crewId !== leg.crew_id) {
    throw new BridgeError("ASSIGNMENT_NOT_YOURS", "this assignment belongs to another crew", {
      status: 403,
      hint: "Sign in with the account of that crew.",
    });
  }
  return leg;
}
