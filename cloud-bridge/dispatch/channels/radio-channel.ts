import type { AssignmentFacts, CaseFacts } from "../../cases/views.ts";
import type { Db } from "../../store/database.ts";
import type { NodeCommands } from "../node-commands.ts";
import { attemptName, type NotificationChannel, type PlannedNotice } from "./channel.ts";
import { contactsOf } from "./contacts.ts";
import { pageReasons, sentBefore } from "./outbox-rows.ts";

const NAME = "radio-text";
/** A text that nobody took in this time is no longer a call. */
const KEEP_MS = 10 * 60_000;
const ANSWER_MS = 120_000;
/** No repetition helps: the number, the text or the radio itself is wrong. */
const FINAL = ["COMMAND_ARGUMENTS", "COMMAND_UNSUPPORTED", "DEVICE_UNKNOWN"];

export interface RadioChannelSettings {
  /** The gateway that has the radio, and the radio's name there. */
  readonly node: string;
  readonly device: string;
  readonly proof: "none" | "received" | "consumed";
  readonly language: "zh-CN" | "en";
}

interface RadioPayload {
  readonly text: string;
}

/** A text to the crew's handset, through a gateway with a radio; the radio network's proof is the proof of delivery. */
export function radioChannel(
  db: Db,
  commands: Pick<NodeCommands, "order">,
  { node, device, proof, language }: RadioChannelSettings,
): NotificationChannel {
  return {
    name: NAME,
    pausesMs: [10_000, 30_000, 60_000],
    giveUpMs: KEEP_MS,
    provesCrew: proof !== "none",

    async plan({ trx, nowMs }, { case: facts, assignment }) {
      if (facts === undefined || assignment === undefined || assignment.state === "proposed") return [];
      const { radios } = await contactsOf(trx, assignment.crewId, nowMs);
      const { id: assignmentId, caseId, crewId } = assignment;
      const say = (reason: string, text: string): PlannedNotice[] =>
        radios.map((address, at) => ({
          ...{ address, assignmentId, caseId, crewId, payload: JSON.stringify({ text }) },
          // Each radio of the crew is told for itself.
          reason: at === 0 ? reason : `${reason} ${address}`,
        }));
      if (assignment.state === "withdrawn") {
        if ((await sentBefore(trx, NAME, assignmentId)) === undefined) return [];
        const [first, ...others] = say("withdrawn", TEXTS[language].withdrawn(facts));
        return first === undefined ? [] : [{ ...first, supersedes: true }, ...others];
      }
      const reasons = await pageReasons(trx, assignmentId);
      return reasons.flatMap((reason) => say(reason, TEXTS[language].assigned(facts, assignment)));
    },

    async deliver({ id, address: to, attempts, payload, assignmentId, reason, trace }) {
      // Whoever has answered meanwhile, on whatever way, need not be called.
      if (reason.startsWith("assigned") && !(await isUnanswered(db, assignmentId))) return { outcome: "moot" };
      const { text } = JSON.parse(payload) as RadioPayload;
      const commandId = attemptName({ id, attempts });
      const args = { device, to, text, proof, ...(trace && { trace }) };
      await commands.order({ id: commandId, node, kind: "text", args, by: "system:dispatch", forMs: ANSWER_MS });
      return { outcome: "awaits", commandId };
    },

    proofOf({ ok, code = "REFUSED", message = "", value }) {
      if (!ok) return { outcome: FINAL.includes(code) ? "dead" : "retry", code, message };
      const { to, proof: proven } = (value ?? {}) as { to?: unknown; proof?: unknown };
      return { outcome: "delivered", to: `issi:${String(to)} ${String(proven ?? "none")}` };
    },
  };
}

async function isUnanswered(db: Db, assignmentId: string): Promise<boolean> {
  const row = await db.selectFrom("assignments").select("state").where("id", "=", assignmentId).executeTakeFirst();
  return row?.state === "assigned";
}

const km = (metres: number) => (metres / 1000).toFixed(1);

const TEXTS = {
  "zh-CN": {
    assigned: (facts: CaseFacts, { distanceM }: AssignmentFacts) =>
      joined([
        `【派单】${facts.number}号`,
        facts.title,
        facts.siteName,
        facts.levelDb === undefined ? undefined : `${facts.levelDb.toFixed(1)}分贝`,
        distanceM === undefined ? undefined : `距${km(distanceM)}公里`,
      ]),
    withdrawn: (facts: CaseFacts) => `【撤销】${facts.number}号 派单已撤销`,
  },
  en: {
    assigned: (facts: CaseFacts, { distanceM }: AssignmentFacts) =>
      joined([
        `Case ${facts.number}:`,
        facts.title,
        facts.siteName,
        facts.levelDb === undefined ? undefined : `${facts.levelDb.toFixed(1)} dB`,
        distanceM === undefined ? undefined : `${km(distanceM)} km`,
      ]),
    withdrawn: (facts: CaseFacts) => `Case ${facts.number}: taken back, do not go`,
  },
} as const;

function joined(parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== "").join(" ");
}
