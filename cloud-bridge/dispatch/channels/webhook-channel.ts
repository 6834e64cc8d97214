import { createHmac } from "node:crypto";
import { spanOf, traceparent } from "../../../protocol/trace.ts";
import type { BridgeClock } from "../../store/clock.ts";
import { attemptName, type NotificationChannel } from "./channel.ts";

const TIMEOUT_MS = 10_000;
const DAY_MS = 24 * 3600_000;
/** Of the receiver's answer so much is kept, to show why it refused. */
const MOST_ANSWER = 200;
/** The receiver says that this very message is wrong; anything else may be a bad moment. */
const FINAL_STATUSES = [400, 401, 403, 404, 405, 410, 413, 415, 422];

export interface WebhookSettings {
  readonly name: string;
  readonly url: string;
  /** Shared with the receiver. */
  readonly secret: string;
  /** `case`, `assignment`, or one kind of either, e.g. `case.closed`, `assignment.assigned`. Empty: all. */
  readonly events: readonly string[];
}

/**
 * What a receiver checks: `t` within minutes of its clock, and `v1` as the HMAC-SHA256 of `<t>.<body>` in hex.
 * @returns the value of the header `Shao-Signature`
 */
export function webhookSignature(secret: string, body: string, atMs: number): string {
  const t = Math.floor(atMs / 1000);
  return `t=${t},v1=${createHmac("sha256", secret).update(`${t}.${body}`).digest("hex")}`;
}

/** Events as signed POSTs. Each has an id that stays the same over its repetitions, so that a receiver can tell them. */
export function webhookChannel(clock: BridgeClock, settings: WebhookSettings): NotificationChannel {
  const { name, url, secret, events } = settings;
  return {
    name: `webhook:${name}`,
    pausesMs: [1_000, 5_000, 15_000, 60_000, 300_000, 900_000, 3600_000],
    giveUpMs: DAY_MS,
    provesCrew: false,

    async plan(_change, { event }) {
      const { id, caseId = "" } = event;
      const data = JSON.parse(event.data) as { entry?: { kind?: string }; assignment?: { state?: string } };
      const kind =
        event.name === "case" ? data.entry?.kind : event.name === "assignment" ? data.assignment?.state : undefined;
      const type = kind === undefined ? event.name : `${event.name}.${kind}`;
      if (events.length > 0 && !events.includes(type) && !events.includes(event.name)) return [];
      const payload = JSON.stringify({ id: `event-${id}`, type, data });
      return [{ reason: `event:${id}`, address: name, assignmentId: "", caseId, crewId: "", payload }];
    },

    async deliver({ id, payload, reason, attempts, trace }) {
      const headers = {
        "content-type": "application/json",
        "user-agent": "Shao",
        "shao-event": reason.replace(":", "-"),
        "shao-attempt": String(attempts),
        "shao-signature": webhookSignature(secret, payload, clock.nowMs()),
        ...(trace && { traceparent: traceparent(trace, spanOf(trace, attemptName({ id, attempts }))) }),
      };
      try {
        const signal = AbortSignal.timeout(TIMEOUT_MS);
        const answer = await fetch(url, { method: "POST", body: payload, headers, redirect: "manual", signal });
        if (answer.ok) {
          await answer.body?.cancel();
          return { outcome: "delivered", to: `http ${answer.status}` };
        }
        const message = `${answer.status} ${await beginning(answer)}`.trim();
        const isFinal = FINAL_STATUSES.includes(answer.status) || (answer.status >= 300 && answer.status < 400);
        return { outcome: isFinal ? "dead" : "retry", code: "WEBHOOK_REFUSED", message };
      } catch (error) {
        return { outcome: "retry", code: "WEBHOOK_UNREACHABLE", message: reasonOf(error) };
      }
    },
  };
}

async function beginning({ body }: Response): Promise<string> {
  if (body === null) return "";
  let text = "";
  for await (const chunk of body) {
    text += Buffer.from(chunk).toString("utf8");
    if (text.length >= MOST_ANSWER) break;
  }
  return text.slice(0, MOST_ANSWER).replace(/\s+/gu, " ");
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return (cause instanceof Error ? cause.message : String(cause)).slice(0, MOST_ANSWER);
}
