import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { applyAlarm } from "../../cloud-bridge/alarms/apply-alarm.ts";
import type { AlarmRevision } from "../../cloud-bridge/alarms/reduce.ts";
import { createDesk } from "../../cloud-bridge/dispatch/desk.ts";
import type { DeskEvent } from "../../cloud-bridge/dispatch/events.ts";
import { brokenAt } from "../../cloud-bridge/evidence/timeline-chain.ts";
import { BridgeError } from "../../cloud-bridge/store/errors.ts";
import { noFaultPoints } from "../../cloud-bridge/store/fault-points.ts";
import { silentLogger } from "../../cloud-bridge/store/logger.ts";
import { newAlarmId } from "../../protocol/new-ids.ts";
import { noiseRevision } from "../fakes/alarm-revision.ts";
import { addressOf, storeOf } from "../fakes/bridge-store.ts";
import { type DeskRig, DISPATCHER, deskRig, newKey, SITE, SUPERVISOR, T0 } from "../fakes/desk-rig.ts";

/** Several at once, at several processes where the database serves several: what must come out as if it had been one. */
export function deskRacesContract(kind: "sqlite" | "postgres", missing: string | undefined): void {
  describe.skipIf(missing !== undefined)(`at once, on ${kind}${missing === undefined ? "" : ` (${missing})`}`, () => {
    beforeAll(() => {
      process.env["SHAO_TEST_STORE"] = kind;
    });
    afterAll(() => {
      delete process.env["SHAO_TEST_STORE"];
    });

    /** A second process beside the elected one; on SQLite there is only one, and both desks are its. */
    async function second(rig: DeskRig) {
      const store = kind === "sqlite" ? rig.store : await storeOf(rig.store.state, { nowMs: T0 });
      const events: DeskEvent[] = [];
      const desk = createDesk({
        db: store.db,
        writer: () => (kind === "sqlite" ? store.db : undefined),
        clock: rig.clock,
        settings: rig.settings,
        faultPoints: noFaultPoints,
        log: silentLogger,
        publish: (event) => events.push(event),
      });
      const receive = (revision: AlarmRevision) =>
        store.db.transaction().execute((trx) => applyAlarm(trx, revision, rig.clock.nowMs()));
      return { store, desk, receive, close: async () => (store === rig.store ? undefined : store.close()) };
    }

    test("a thousand copies of one alarm are one case with one assignment", async () => {
      const rig = await deskRig();
      const other = await second(rig);
      const alarmId = newAlarmId(T0);
      const copies = Array.from({ length: 1000 }, (_, index) =>
        (index % 2 === 0 ? rig.receive : other.receive)(noiseRevision({ nowMs: T0, alarmId })).catch(() => undefined),
      );
      const waking = setInterval(() => void rig.desk.wake(), 5);
      await Promise.all(copies);
      clearInterval(waking);
      await rig.desk.wake();
      const detail = await rig.theCase();
      expect(detail.alarms.map((alarm) => alarm.alarmId)).toEqual([alarmId]);
      expect(detail.assignments.filter(({ state }) => state === "assigned")).toHaveLength(1);
      await other.close();
    });

    test("forty copies of one report at once are one report with one case", async () => {
      const rig = await deskRig();
      const other = await second(rig);
      const what = { channel: "order", title: "Stall on the pavement", category: "street-stall" } as const;
      const report = { source: "hotline-12345", externalId: "1", ...what, position: SITE };
      const answers = await Promise.all(
        Array.from({ length: 40 }, (_, index) =>
          (index % 2 === 0 ? rig : other).desk.casework.takeReport(DISPATCHER, report),
        ),
      );
      expect(answers.filter(({ isNew }) => isNew)).toHaveLength(1);
      expect(new Set(answers.map((answer) => answer.report.id)).size).toBe(1);
      const { timeline, reports } = await rig.theCase();
      expect([timeline.length, reports.length]).toEqual([1, 1]);
      await other.close();
    });

    test("alarms of two sites within one radius, from two workers, are one case", async () => {
      const rig = await deskRig();
      const other = await second(rig);
      const near = { latitudeDeg: SITE.latitudeDeg + 0.0005, longitudeDeg: SITE.longitudeDeg };
      await rig.db.insertInto("nodes").values({ id: "site-043", created_at_ms: T0 }).execute();
      await Promise.all([
        rig.receive(noiseRevision({ nowMs: T0, position: SITE })).then(() => rig.desk.wake()),
        other
          .receive(noiseRevision({ nowMs: T0, node: "site-043", position: near }))
          .then(() => Promise.all([rig.desk.wake(), other.desk.wake()])),
      ]);
      await rig.desk.wake();
      const detail = await rig.theCase();
      expect(new Set(detail.alarms.map(({ node }) => node))).toEqual(new Set(["site-042", "site-043"]));
      await other.close();
    });

    test("of two desks that send one crew to two cases, one gets it and the other is told", async () => {
      const rig = await deskRig({ settings: { dispatch: { policy: "propose", afterSeconds: 0 } } });
      const other = await second(rig);
      const far = { latitudeDeg: 39.5, longitudeDeg: 116.0 };
      await rig.receive(noiseRevision({ nowMs: T0 }));
      await rig.db.insertInto("nodes").values({ id: "site-050", created_at_ms: T0 }).execute();
      await rig.receive(noiseRevision({ nowMs: T0, node: "site-050", position: far }));
      await rig.desk.wake();
      const { items } = await rig.desk.views.caseList({ limit: 10 });
      expect(items).toHaveLength(2);
      const [one, two] = items.map(({ id }) => id);
      const send = { act: "assign", crewId: "crew-a" } as const;
      const outcomes = await Promise.allSettled([
        rig.desk.actOnCase(DISPATCHER, one ?? "", send, newKey()),
        other.desk.actOnCase(SUPERVISOR, two ?? "", send, newKey()),
      ]);
      const refused = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
      expect(refused).toHaveLength(1);
      expect(refused[0]).toBeInstanceOf(BridgeError);
      expect(refused[0]).toMatchObject({ code: "CREW_BUSY" });
      const active = await rig.db.selectFrom("assignments").select("crew_id").where("active", "=", 1).execute();
      expect(active).toEqual([{ crew_id: "crew-a" }]);
      await other.close();
    });

    test("of two desks that send two crews to one case, one is told that somebody is on it", async () => {
      const rig = await deskRig({ settings: { dispatch: { policy: "propose", afterSeconds: 0 } } });
      const other = await second(rig);
      await rig.receive(noiseRevision({ nowMs: T0 }));
      await rig.desk.wake();
      const { id } = (await rig.theCase()).case;
      const outcomes = await Promise.allSettled([
        rig.desk.actOnCase(DISPATCHER, id, { act: "assign", crewId: "crew-a" }, newKey()),
        other.desk.actOnCase(SUPERVISOR, id, { act: "assign", crewId: "crew-b" }, newKey()),
      ]);
      expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
      const detail = await rig.theCase();
      expect(detail.assignments.filter(({ state }) => state === "assigned")).toHaveLength(1);
      expect(brokenAt(id, detail.timeline)).toBeUndefined();
      await other.close();
    });

    test("one act that comes twice at once, with one key, happens once", async () => {
      const rig = await deskRig({ settings: { dispatch: { policy: "propose", afterSeconds: 0 } } });
      const other = await second(rig);
      await rig.receive(noiseRevision({ nowMs: T0 }));
      await rig.desk.wake();
      const { id } = (await rig.theCase()).case;
      const note = { act: "note", cause: "heard twice" } as const;
      const key = newKey();
      await Promise.all([
        rig.desk.actOnCase(DISPATCHER, id, note, key),
        other.desk.actOnCase(DISPATCHER, id, note, key),
      ]);
      expect((await rig.theCase()).timeline.filter(({ kind }) => kind === "note")).toHaveLength(1);
      await other.close();
    });

    test("events are numbered in the order of their commits: who reads on never passes one by", async () => {
      const rig = await deskRig({ settings: { dispatch: { policy: "propose", afterSeconds: 0 } } });
      const other = await second(rig);
      await rig.receive(noiseRevision({ nowMs: T0 }));
      await rig.desk.wake();
      const { id } = (await rig.theCase()).case;
      const seen: number[] = [];
      let isOver = false;
      const reading = (async () => {
        for (let last = 0; ; ) {
          const wasOver = isOver;
          const { events } = await other.desk.events.since(last);
          seen.push(...events.map((event) => event.id));
          last = seen.at(-1) ?? last;
          if (wasOver && events.length === 0) return;
          await new Promise((resolve) => setImmediate(resolve));
        }
      })();
      const acts = Array.from({ length: 60 }, (_, index) => {
        const { desk } = index % 2 === 0 ? rig : other;
        return desk.actOnCase(DISPATCHER, id, { act: "note", cause: `note ${index}` }, newKey());
      });
      await Promise.all(acts);
      isOver = true;
      await reading;
      const all = await rig.db.selectFrom("events").select("id").orderBy("id").execute();
      expect(seen).toEqual(all.map((row) => row.id));
      const detail = await rig.theCase();
      expect(brokenAt(id, detail.timeline)).toBeUndefined();
      expect(detail.timeline.filter(({ kind }) => kind === "note")).toHaveLength(60);
      await other.close();
    });

    test("a process that is killed between commit and notification has sent one crew, and it is told", async () => {
      const rig = await deskRig();
      await rig.receive(noiseRevision({ nowMs: T0 }));
      const { state } = rig.store;
      const told = { state, address: addressOf(state), nowMs: T0, point: "bridge-before-notify" };
      const { status, signal, stderr } = spawnSync(
        process.execPath,
        [join(import.meta.dirname, "desk-that-dies.ts"), JSON.stringify(told)],
        { encoding: "utf8" },
      );
      expect([status, signal], stderr).toEqual([null, "SIGKILL"]);
      await rig.desk.wake();
      const [owed, ...more] = await rig.desk.undelivered("crew-a");
      expect([typeof owed, more]).toEqual(["string", []]);
      await rig.desk.onDelivered(owed ?? "", "crew.a");
      const detail = await rig.theCase();
      expect(detail.assignments.map((leg) => [leg.state, leg.id])).toEqual([["assigned", owed]]);
      expect(detail.timeline.map((entry) => entry.kind)).toEqual(["opened", "assigned", "notified"]);
      expect(brokenAt(detail.case.id, detail.timeline)).toBeUndefined();
    });

    test("a revision that comes while its follow-up is worked off is worked off too", async () => {
      const rig = await deskRig();
      const other = await second(rig);
      const alarmId = newAlarmId(T0);
      await rig.receive(noiseRevision({ nowMs: T0, alarmId }));
      for (let rev = 2; rev <= 30; rev += 1) {
        const phase = rev % 2 === 0 ? "cleared" : "raised";
        await Promise.all([
          rig.desk.wake(),
          other.receive(noiseRevision({ nowMs: T0 + rev * 1000, alarmId, rev, phase })),
        ]);
      }
      await rig.desk.wake();
      expect(await rig.db.selectFrom("follow_up").select("pending").execute()).toEqual([{ pending: 0 }]);
      const link = await rig.db.selectFrom("case_alarms").select(["seen_rev", "seen_phase"]).execute();
      expect(link).toEqual([{ seen_rev: 30, seen_phase: "cleared" }]);
      await other.close();
    });
  });
}
