import { type AssignmentNotice, isOver, type NoticeState } from "../../../protocol/assignment.ts";
import type { AssignmentFacts, CaseFacts } from "../../cases/views.ts";
import type { NodeCommands } from "../node-commands.ts";
import { attemptName, type NotificationChannel } from "./channel.ts";
import { contactsOf } from "./contacts.ts";
import { sentBefore } from "./outbox-rows.ts";

const NAME = "vehicle";
/** For so long the bridge keeps it for a vehicle in a dead spot; the crew's acknowledgement is asked for much sooner. */
const KEEP_MS = 30 * 60_000;

/**
 * The gateway in the crew's vehicle, over MQTT: its local page shows the assignment as it stands, and is told of every
 * change. Delivered is what the gateway answered; that somebody saw it comes back as an act of the page.
 */
export function vehicleChannel(commands: Pick<NodeCommands, "order">): NotificationChannel {
  return {
    name: NAME,
    pausesMs: [5_000, 15_000, 60_000],
    giveUpMs: KEEP_MS,
    provesCrew: false,

    async plan({ trx, nowMs }, { event, case: facts, assignment }) {
      if (facts === undefined || assignment === undefined || assignment.state === "proposed") return [];
      const { vehicleNode } = await contactsOf(trx, assignment.crewId, nowMs);
      if (vehicleNode === undefined) return [];
      const payload = JSON.stringify(noticeOf(assignment, assignment.state, facts));
      const before = await sentBefore(trx, NAME, assignment.id);
      // A page that never showed it need not be told that it is over; and nobody is told the same twice.
      if (before === undefined ? isOver(assignment.state) : before.payload === payload) return [];
      return [
        {
          reason: `event:${event.id}`,
          address: vehicleNode,
          assignmentId: assignment.id,
          caseId: assignment.caseId,
          crewId: assignment.crewId,
          payload,
          supersedes: true,
        },
      ];
    },

    async deliver({ id, address: node, attempts, payload, trace }) {
      const commandId = attemptName({ id, attempts });
      const args = { ...(JSON.parse(payload) as AssignmentNotice), rev: id, ...(trace && { trace }) };
      await commands.order({ id: commandId, node, kind: "assignment", args, by: "system:dispatch", forMs: KEEP_MS });
      return { outcome: "awaits", commandId };
    },

    proofOf({ node, ok, code = "REFUSED", message = "" }) {
      return ok ? { outcome: "delivered", to: `node:${node}` } : { outcome: "retry", code, message };
    },
  };
}

function noticeOf(assignment: AssignmentFacts, state: NoticeState, facts: CaseFacts) {
  const { id: assignmentId, crewName, assignedAtMs, distanceM } = assignment;
  const { number: caseNumber, title, family, siteName, position, levelDb } = facts;
  return {
    ...{ assignmentId, state, caseNumber, title, family, crew: crewName, assignedAtMs },
    ...(siteName === undefined ? {} : { place: siteName }),
    ...(position === undefined ? {} : { position }),
    ...(levelDb === undefined ? {} : { levelDb }),
    ...(distanceM === undefined ? {} : { distanceM }),
  } satisfies Omit<AssignmentNotice, "rev">;
}
