import type { ResultBody } from "../../../protocol/bodies.ts";
import { setAssignment } from "../../cases/assignment-rows.ts";
import { type Change, note } from "../../cases/case-rows.ts";
import { traceOfCase } from "../../cases/case-trace.ts";
import type { BridgeClock } from "../../store/clock.ts";
import type { Db } from "../../store/database.ts";
import type { Logger } from "../../store/logger.ts";
import { type Attempt, type NotificationChannel, pauseMs } from "./channel.ts";
import { claim, dueNotices, type OutboxRow } from "./outbox-rows.ts";

/** An attempt that has told nothing of itself by then died with its process. */
const PATIENCE_MS = 60_000;
const AT_ONCE = 16;

export interface CourierOptions {
  readonly channels: readonly NotificationChannel[];
  /** What the elected writer acts with; undefined while another process is it. */
  readonly writer: () => Db | undefined;
  readonly clock: BridgeClock;
  readonly log: Logger;
  /** One transaction of the desk, with its events. */
  readonly change: (act: (change: Change) => Promise<void>) => Promise<void>;
  readonly random?: () => number;
}

/** Works the outbox off: attempts what is due, takes proofs, counts, and gives up what cannot be told. */
export class Courier {
  readonly #options: CourierOptions;
  readonly #channels: ReadonlyMap<string, NotificationChannel>;
  #working: Promise<void> | undefined;
  #isAskedAgain = false;

  constructor(options: CourierOptions) {
    this.#options = options;
    this.#channels = new Map(options.channels.map((channel) => [channel.name, channel]));
  }

  /** Something may be due or proven. Resolves when it has been seen to. Never rejects. */
  wake(): Promise<void> {
    if (this.#working !== undefined) {
      this.#isAskedAgain = true;
      return this.#working;
    }
    this.#working = (async () => {
      do {
        this.#isAskedAgain = false;
        await this.#work();
      } while (this.#isAskedAgain);
    })()
      .catch((error: unknown) => this.#options.log.error({ error: String(error) }, "outbox put off"))
      .finally(() => {
        this.#working = undefined;
      });
    return this.#working;
  }

  async #work(): Promise<void> {
    const { writer, clock } = this.#options;
    const own = writer();
    if (own === undefined) return;
    await this.#takeProofs(own);
    for (;;) {
      const rows = await dueNotices(own, clock.nowMs(), AT_ONCE);
      await Promise.all(rows.map((row) => this.#attempt(own, row)));
      if (rows.length < AT_ONCE) return;
    }
  }

  async #attempt(own: Db, row: OutboxRow): Promise<void> {
    const { clock, log } = this.#options;
    const channel = this.#channels.get(row.channel);
    const nowMs = clock.nowMs();
    if (channel === undefined) {
      // Its endpoint went out of the config: shown as dead, and told if it comes back and somebody asks for it.
      const gone = {
        outcome: "dead",
        code: "CHANNEL_GONE",
        message: `the config has no ${row.channel} any more`,
      } as const;
      return this.#settle(own, row, gone);
    }
    // One that was given up and that somebody wants tried again has no error yet.
    const isAskedFor = row.attempts > 0 && row.last_error === null;
    if (nowMs - row.created_at_ms > channel.giveUpMs && !isAskedFor) {
      const [code = "NOTICE_TOO_OLD", ...words] = row.last_error?.split(" ") ?? [];
      return this.#settle(own, row, {
        outcome: "dead",
        code,
        message: words.join(" ") || "nobody took it in its time",
      });
    }
    const notice = await claim(own, row, PATIENCE_MS, nowMs);
    if (notice === undefined) return;
    let attempt: Attempt;
    try {
      attempt = await channel.deliver(notice);
    } catch (error) {
      attempt = { outcome: "retry", code: "CHANNEL_FAULT", message: String(error).slice(0, 200) };
      log.error({ channel: row.channel, notice: row.id, error: String(error) }, "notice not attempted");
    }
    await this.#settle(own, { ...row, attempts: notice.attempts }, attempt);
  }

  /** The answers to commands that carried notices. */
  async #takeProofs(own: Db): Promise<void> {
    const { clock } = this.#options;
    const rows = await own
      .selectFrom("outbox")
      .innerJoin("commands", "commands.id", "outbox.command_id")
      .selectAll("outbox")
      .select(["commands.node", "commands.result", "commands.answered_at_ms", "commands.expires_at_ms"])
      .where("outbox.delivered_at_ms", "is", null)
      .where("outbox.cancelled_at_ms", "is", null)
      .where("outbox.dead_at_ms", "is", null)
      .where(({ eb, or }) =>
        or([eb("commands.answered_at_ms", "is not", null), eb("commands.expires_at_ms", "<", clock.nowMs())]),
      )
      .limit(200)
      .execute();
    for (const { node, result, answered_at_ms, expires_at_ms: _, ...row } of rows) {
      const body = result === null ? undefined : (JSON.parse(result) as Omit<ResultBody, "commandId">);
      const answer =
        answered_at_ms === null
          ? { ok: false, code: "NODE_SILENT", message: `${node} did not answer in time` }
          : (body ?? { ok: false });
      const attempt = this.#channels.get(row.channel)?.proofOf?.({ node, ...answer });
      if (attempt !== undefined) await this.#settle(own, row, attempt);
    }
  }

  async #settle(own: Db, row: OutboxRow, attempt: Attempt): Promise<void> {
    const { clock, log, random = Math.random } = this.#options;
    const nowMs = clock.nowMs();
    const channel = this.#channels.get(row.channel);
    const set = (values: Partial<OutboxRow>) =>
      own
        .updateTable("outbox")
        .set(values)
        .where("id", "=", row.id)
        .where("delivered_at_ms", "is", null)
        .where("cancelled_at_ms", "is", null)
        .execute();
    switch (attempt.outcome) {
      case "delivered":
        return this.#delivered(row, attempt.to, channel);
      case "awaits":
        // Until its answer nobody tries again; without one the command's own end is the answer.
        await set({ command_id: attempt.commandId, next_try_at_ms: null });
        log.info({ ...(await this.#about(own, row)), command: attempt.commandId }, "notice sent, its proof is awaited");
        return;
      case "moot":
        await set({ cancelled_at_ms: nowMs });
        return;
      case "retry":
      case "dead": {
        const { code, message } = attempt;
        const last_error = `${code} ${message}`.slice(0, 300);
        const isDead =
          attempt.outcome === "dead" || channel === undefined || nowMs - row.created_at_ms > channel.giveUpMs;
        const fields = { ...(await this.#about(own, row)), code, reason: message };
        if (isDead) {
          await set({ dead_at_ms: nowMs, last_error, next_try_at_ms: null, command_id: null });
          log.error(fields, "notice given up");
          return;
        }
        const retryInMs = pauseMs(channel, row.attempts, random());
        await set({ next_try_at_ms: nowMs + retryInMs, last_error, command_id: null });
        log.warn({ ...fields, retryInMs }, "notice not delivered, will retry");
      }
    }
  }

  async #about(own: Db, row: OutboxRow) {
    const { case_id: caseId, channel, id: notice, attempts } = row;
    const trace = caseId === "" ? {} : { trace: await traceOfCase(own, caseId), caseId };
    return { ...trace, channel, notice, attempts };
  }

  async #delivered(row: OutboxRow, to: string, channel: NotificationChannel | undefined) {
    const { id: notice, attempts, case_id: caseId } = row;
    const told = { channel: row.channel, notice, attempts, to };
    await this.#options.change(async (change) => {
      const { trx, nowMs } = change;
      const proven = await trx
        .updateTable("outbox")
        .set({ delivered_at_ms: nowMs, delivered_to: to, next_try_at_ms: null, last_error: null })
        .where("id", "=", row.id)
        .where("delivered_at_ms", "is", null)
        .where("cancelled_at_ms", "is", null)
        .executeTakeFirst();
      if (proven.numUpdatedRows === 0n) return;
      change.steps.push({ sentence: "notice delivered", caseId, fields: told });
      if (channel?.provesCrew !== true) return;
      await noteNotified(change, row.assignment_id, to, "radio");
    });
  }
}

/** The crew knows of its assignment, and how. The first proof sets its time. */
export async function noteNotified(
  change: Change,
  assignmentId: string,
  to: string,
  channel: "radio" | "vehicle-page",
): Promise<void> {
  const leg = await change.trx.selectFrom("assignments").selectAll().where("id", "=", assignmentId).executeTakeFirst();
  if (leg === undefined) return;
  if (leg.notified_at_ms === null) await setAssignment(change, leg, { notified_at_ms: change.nowMs });
  const detail = { assignmentId, crewId: leg.crew_id };
  await note(change, leg.case_id, { kind: "notified", actor: to, channel, detail });
}
