import { sql } from "kysely";
import { FaultWatch } from "../alarms/fault-watch.ts";
import type { Change } from "../cases/case-rows.ts";
import { tracedSteps } from "../cases/case-trace.ts";
import { type DueFollowUp, followUp } from "../cases/follow-up.ts";
import { type DeskSettings, scaledMs } from "../cases/settings.ts";
import { verify } from "../cases/verify.ts";
import { type AssignmentFacts, assignmentsOf, type CrewSituationFacts, crewFacts } from "../cases/views.ts";
import type { PermitFacts } from "../fleet/permits.ts";
import { findCrew } from "../roster/crews.ts";
import { crewsInVehicle, holdersOfRadio } from "../roster/holders.ts";
import type { CrewPosition } from "../roster/positions.ts";
import { supervise } from "../roster/supervision.ts";
import type { BridgeClock } from "../store/clock.ts";
import type { Db } from "../store/database.ts";
import type { FaultPoints } from "../store/fault-points.ts";
import type { Logger } from "../store/logger.ts";
import { changing, lockDesk, reading } from "../store/transactions.ts";
import type { Actor } from "./actor.ts";
import { alarmList } from "./alarm-list.ts";
import { takePosition } from "./arrivals.ts";
import { actOnCase, type CaseActRequest } from "./case-acts.ts";
import { caseList } from "./case-list.ts";
import type { NotificationChannel } from "./channels/channel.ts";
import { planNotices } from "./channels/outbox-rows.ts";
import { actOnAssignment, type CrewActRequest } from "./crew-acts.ts";
import { type PhotoFacts, placeOfPhoto, takePhoto } from "./crew-photos.ts";
import { delivered, undelivered } from "./deliveries.ts";
import { deskCasework } from "./desk-casework.ts";
import { type CaseDetailFacts, caseDetail } from "./desk-views.ts";
import { type DeskEvent, eventsSince, newestEvent, writeEvents } from "./events.ts";
import { isFirstTime, recalled, remember } from "./idempotency.ts";
import { ownLeg } from "./own-leg.ts";
import { permitNews } from "./permit-news.ts";
import { tidy } from "./tidy.ts";
import { dueTimers, fireTimer } from "./timers.ts";

export interface DeskOptions {
  readonly db: Db;
  /** What the elected writer acts with; undefined while another process is it. Left out: this process always is. */
  readonly writer?: () => Db | undefined;
  /** Work waits that only the elected writer may do, and this process is not it. */
  readonly onUnelected?: () => void;
  readonly clock: BridgeClock;
  readonly settings: DeskSettings;
  readonly faultPoints: FaultPoints;
  readonly log: Logger;
  /** Other ways than a page on which news is told. */
  readonly channels?: readonly NotificationChannel[];
  /** Called after the commit, in the order of the numbers. */
  readonly publish: (event: DeskEvent) => void;
}

/** A fix from a vehicle's gateway (`node`), a radio (`issi`) or a crew's phone (`crewId`). */
export type PositionOrigin = { readonly node: string } | { readonly issi: string } | { readonly crewId: string };

/** Literal, so that the index of waiting follow-ups serves it. */
const isPending = sql<boolean>`pending = 1`;

const WATCH_EVERY_MS = 1_000;
const SUPERVISE_EVERY_MS = 10_000;
const TIDY_EVERY_MS = 3600_000;

/** The desk: what the elected writer does with alarms, crews and time. One per process. */
export type Desk = ReturnType<typeof createDesk>;

export function createDesk(options: DeskOptions) {
  const { db, clock, settings, faultPoints, log, publish, writer = () => db, onUnelected } = options;
  const { channels = [] } = options;
  let watch: { readonly own: Db; readonly faults: FaultWatch } | undefined;
  let working: Promise<void> | undefined;
  let isAskedAgain = false;
  let watchedAtUpMs = Number.NEGATIVE_INFINITY;
  let supervisedAtUpMs = Number.NEGATIVE_INFINITY;
  let tidiedAtUpMs = clock.upMs();

  /** One transaction; its events are committed with it and published after it. */
  async function transact<T>(act: (change: Change) => Promise<T>, own: Db = db): Promise<T> {
    const { result, events, steps } = await changing(own, async (trx) => {
      await lockDesk(trx);
      const about = { cases: new Map(), assignments: new Set<string>(), flags: [], steps: [] };
      const change: Change = { trx, nowMs: clock.nowMs(), ...about };
      const result = await act(change);
      const events = await writeEvents(change);
      await planNotices(change, events, channels);
      return { result, events, steps: await tracedSteps(trx, change.steps) };
    });
    for (const { trace, caseId, fields, sentence } of steps) log.info({ trace, caseId, ...fields }, sentence);
    if (events.some(({ name }) => name === "assignment")) faultPoints.reach("bridge-before-notify");
    for (const event of events) publish(event);
    return result;
  }

  async function guarded(fields: object, act: () => Promise<void>): Promise<boolean> {
    try {
      await act();
      return true;
    } catch (error) {
      log.error({ ...fields, error: error instanceof Error ? error.message : String(error) }, "desk work put off");
      return false;
    }
  }

  /** Follow-ups first, since an alarm waits; then timers, which the follow-ups may have set. */
  async function work(): Promise<void> {
    let newestTried = 0;
    for (;;) {
      const own = writer();
      if (own === undefined) return onUnelected?.();
      const due = await own
        .selectFrom("follow_up")
        .select(["id", "alarm_id", "case_id"])
        .where(isPending)
        .where("id", ">", newestTried)
        .orderBy("id")
        .limit(100)
        .execute();
      for (const row of due) {
        newestTried = row.id;
        await guarded({ alarmId: row.alarm_id }, () => takeFollowUp(own, row));
        // SQLite answers within the turn: without this what one alarm has to tell would wait for all that follow it.
        await new Promise((resolve) => setImmediate(resolve));
      }
      if (due.length > 0) continue;
      const timers = await dueTimers(own, clock.nowMs());
      let fired = 0;
      for (const timer of timers) {
        const fire = () => transact((change) => fireTimer(change, timer, settings, faultPoints), own);
        if (await guarded({ timer: timer.kind, ref: timer.ref }, fire)) fired += 1;
      }
      if (fired === 0) return;
    }
  }

  async function takeFollowUp(own: Db, due: DueFollowUp): Promise<void> {
    try {
      await transact(async (change) => {
        const caseId = await followUp(change, due, settings, faultPoints);
        if (caseId !== undefined) await fireTimersOf(change, caseId);
      }, own);
    } catch (error) {
      log.warn({ alarmId: due.alarm_id, error: String(error) }, "case is opened without its dispatch");
      await transact((change) => followUp(change, due, settings, faultPoints), own);
    }
    faultPoints.reach("bridge-after-case-commit");
  }

  /** A crew that is due at once goes with the case's own commit: one flush of the disk instead of two. */
  async function fireTimersOf(change: Change, caseId: string): Promise<void> {
    const timers = await dueTimers(change.trx, change.nowMs, caseId);
    for (const timer of timers) await fireTimer(change, timer, settings, faultPoints);
  }

  /** Alarms or due timers may be waiting. Resolves when they have been worked off; what fails is logged and tried again. */
  function wake(): Promise<void> {
    if (working !== undefined) {
      isAskedAgain = true;
      return working;
    }
    working = (async () => {
      do {
        isAskedAgain = false;
        await work();
      } while (isAskedAgain);
    })()
      .catch((error: unknown) => log.error({ error: String(error) }, "desk work put off"))
      .finally(() => {
        working = undefined;
      });
    return working;
  }

  /** To be called a few times a second: silences, timers, verification. */
  async function tick(): Promise<void> {
    const own = writer();
    if (own === undefined) return;
    // What was silent before this election counts from now: nobody may have watched.
    if (watch?.own !== own) watch = { own, faults: new FaultWatch(own, clock.nowMs()) };
    const { faults } = watch;
    if (clock.upMs() - watchedAtUpMs >= WATCH_EVERY_MS) {
      watchedAtUpMs = clock.upMs();
      const { silence } = settings;
      const limits = {
        ...silence,
        nodeMs: scaledMs(settings, silence.nodeMs),
        deviceMs: scaledMs(settings, silence.deviceMs),
      };
      await guarded({ part: "fault-watch" }, async () => {
        await faults.look(limits, clock.nowMs());
      });
      await wake();
      await verifyAll();
    } else {
      await wake();
    }
    if (clock.upMs() - supervisedAtUpMs >= SUPERVISE_EVERY_MS) {
      supervisedAtUpMs = clock.upMs();
      const look = (change: Change) => supervise(change.trx, change.nowMs, settings.candidates);
      await guarded({ part: "supervision" }, () =>
        transact(async (change) => void change.flags.push(...(await look(change))), own),
      );
    }
    if (clock.upMs() - tidiedAtUpMs >= TIDY_EVERY_MS) {
      tidiedAtUpMs = clock.upMs();
      await guarded({ part: "tidy" }, () => tidy(own, clock.nowMs(), settings.keepEventsMs));
    }
  }

  async function verifyAll(): Promise<void> {
    const own = writer();
    if (own === undefined) return;
    const rows = await own.selectFrom("cases").selectAll().where("state", "in", ["resolved", "verifying"]).execute();
    for (const { id } of rows) {
      const look = () =>
        transact(async (change) => {
          const row = await change.trx.selectFrom("cases").selectAll().where("id", "=", id).executeTakeFirst();
          if (row?.state === "resolved" || row?.state === "verifying") await verify(change, row, settings);
        }, own);
      await guarded({ caseId: id }, look);
    }
  }

  async function crewsAt(origin: PositionOrigin): Promise<readonly string[]> {
    if ("node" in origin) return crewsInVehicle(db, origin.node, clock.nowMs());
    if ("crewId" in origin) return [(await findCrew(db, origin.crewId)).id];
    return (await holdersOfRadio(db, origin.issi, clock.nowMs())).map(({ crewId }) => crewId);
  }

  async function detail(caseId: string): Promise<CaseDetailFacts> {
    return caseDetail(db, caseId);
  }

  return {
    wake,
    tick,
    /** One transaction of the desk, whose events are committed with it and published after it. */
    change: (act: (change: Change) => Promise<void>): Promise<void> => transact(act, writer() ?? db),
    /** Before the bytes are kept. @throws BridgeError what takePhoto would throw */
    async maySendPhoto(actor: Actor, assignmentId: string, { sha256 }: PhotoFacts, key: string): Promise<void> {
      await reading(db, async (trx) => {
        const asked = { trx, accountId: actor.id, key, request: { assignmentId, sha256 }, nowMs: clock.nowMs() };
        // An answer that was given before is given again, to who may still have it.
        if ((await recalled(asked)) === undefined) await placeOfPhoto(trx, actor, assignmentId);
        else await ownLeg(trx, actor, assignmentId);
      });
    },
    /** @throws BridgeError, see crew-photos.ts */
    async takePhoto(actor: Actor, assignmentId: string, photo: PhotoFacts, key: string): Promise<string> {
      return transact(async (change) => {
        const request = { assignmentId, sha256: photo.sha256 };
        const asked = { trx: change.trx, accountId: actor.id, key, request, nowMs: change.nowMs };
        const before = await recalled(asked);
        if (before !== undefined) return before;
        const evidenceId = await takePhoto(change, actor, assignmentId, photo);
        await remember(asked, evidenceId);
        return evidenceId;
      });
    },
    /** A permit was recorded or revoked, see permit-news.ts. */
    async permitNews(permit: PermitFacts, by: string): Promise<void> {
      await transact((change) => permitNews(change, permit, by, settings), writer() ?? db);
      await wake();
    },
    casework: deskCasework({ db, settings, transact, wake }),

    /** @throws BridgeError, see case-acts.ts */
    async actOnCase(
      actor: Actor,
      caseId: string,
      request: CaseActRequest,
      idempotencyKey: string,
    ): Promise<CaseDetailFacts> {
      await transact(async (change) => {
        if (!(await isFirstTime(change, actor.id, idempotencyKey, { caseId, request }))) return;
        await actOnCase(change, actor, caseId, request, settings);
      });
      await wake();
      return detail(caseId);
    },

    /** @throws BridgeError, see crew-acts.ts */
    async actOnAssignment(
      actor: Actor,
      assignmentId: string,
      request: CrewActRequest,
      idempotencyKey: string,
    ): Promise<AssignmentFacts> {
      await transact(async (change) => {
        if (!(await isFirstTime(change, actor.id, idempotencyKey, { assignmentId, request }))) return;
        await actOnAssignment(change, actor, assignmentId, request, settings);
      });
      await wake();
      if (request.act === "resolved") await verifyAll();
      const [assignment] = await reading(db, (trx) => assignmentsOf(trx, { id: assignmentId }));
      if (assignment === undefined) throw new Error(`assignment ${assignmentId} has no crew`);
      return assignment;
    },

    /** @throws BridgeError CREW_UNKNOWN for a crew that is not there; a node or radio that is no crew's is passed over */
    async onPosition(origin: PositionOrigin, fix: Omit<CrewPosition, "source">): Promise<void> {
      const source = "node" in origin ? "vehicle" : "issi" in origin ? "radio" : "phone";
      for (const id of await crewsAt(origin))
        await transact((change) => takePosition(change, id, { ...fix, source }, settings));
    },

    /** Proof that a page of the crew received its assignment; `to` is the account's name. */
    async onDelivered(assignmentId: string, to: string): Promise<void> {
      await transact(async (change) => {
        await delivered(change, assignmentId, to);
        faultPoints.reach("bridge-after-notify");
      });
    },

    /** What to show a crew's page that connects: assignments that nobody has proven delivered. */
    async undelivered(crewId: string): Promise<readonly string[]> {
      return reading(db, (trx) => undelivered(trx, crewId));
    },

    events: {
      since: (id: number, limit?: number) => eventsSince(db, id, limit),
      newest: () => newestEvent(db),
    },

    views: {
      caseList: (query: Parameters<typeof caseList>[1]) => caseList(db, query),
      caseDetail: detail,
      alarmList: (query: Parameters<typeof alarmList>[1]) => alarmList(db, query),
      crewViews: (): Promise<readonly CrewSituationFacts[]> => reading(db, (trx) => crewFacts(trx, clock.nowMs())),
    },
  };
}
