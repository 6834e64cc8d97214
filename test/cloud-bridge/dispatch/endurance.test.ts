import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { applyAlarm } from "../../../cloud-bridge/alarms/apply-alarm.ts";
import { CASE_MOVES, CREWED_STATES, isEnded, nextState, stateNamed } from "../../../cloud-bridge/cases/states.ts";
import type { CaseActRequest } from "../../../cloud-bridge/dispatch/case-acts.ts";
import { brokenAt } from "../../../cloud-bridge/evidence/timeline-chain.ts";
import { BridgeError } from "../../../cloud-bridge/store/errors.ts";
import { armFaultPoint, DESK_FAULT_POINTS } from "../../../cloud-bridge/store/fault-points.ts";
import { noiseRevision } from "../../fakes/alarm-revision.ts";
import {
  CREW_A,
  CREW_B,
  type DeskRig,
  DISPATCHER,
  deskRig,
  newKey,
  SITE,
  SUPERVISOR,
  T0,
} from "../../fakes/desk-rig.ts";

const dyingAt = (point: string, deaths: string[]) =>
  armFaultPoint(point, () => {
    deaths.push(point);
    throw new Error(`killed at ${point}`);
  });

describe("a bridge that dies", () => {
  test.each(DESK_FAULT_POINTS)("at %s sends one crew once, and it is told", async (point) => {
    const rig = await deskRig();
    const deaths: string[] = [];
    const dying = rig.makeDesk(dyingAt(point, deaths));
    await rig.receive(noiseRevision({ nowMs: T0 }));
    const leg = await dying
      .wake()
      .then(async () => (await rig.theCase()).case.assignment?.id)
      .catch(() => undefined);
    if (leg !== undefined) await dying.onDelivered(leg, "crew.a").catch(() => undefined);

    expect(deaths).toEqual([point]);

    const back = rig.makeDesk();
    await back.wake();
    for (const id of await back.undelivered("crew-a")) await back.onDelivered(id, "crew.a");
    const detail = await rig.theCase();
    expect(detail.assignments.map(({ state, crewId }) => [state, crewId])).toEqual([["assigned", "crew-a"]]);
    expect(detail.timeline.map(({ kind }) => kind)).toEqual(["opened", "assigned", "notified"]);
    expect(detail.case.assignment?.notifiedAtMs).toBe(T0);
    expect(brokenAt(detail.case.id, detail.timeline)).toBeUndefined();
    const { events } = await back.events.since(0);
    expect(events.filter(({ name }) => name === "assignment").length).toBeGreaterThanOrEqual(1);
  });
});

describe("a timer", () => {
  test("fires once across restarts and jumps of the clock", async () => {
    const rig = await deskRig({ settings: { dispatch: { policy: "auto-after", afterSeconds: 60 } } });
    await rig.receive(noiseRevision({ nowMs: T0 }));
    await rig.desk.wake();
    rig.clock.atMs -= 3600_000;
    await rig.makeDesk().tick();
    expect((await rig.theCase()).case.state).toBe("open");
    rig.clock.atMs += 2 * 3600_000;
    await rig.freshen();
    await Promise.all([rig.makeDesk().tick(), rig.makeDesk().tick(), rig.desk.tick()]);
    await rig.makeDesk().tick();
    const detail = await rig.theCase();
    expect(detail.timeline.filter(({ kind }) => kind === "assigned")).toHaveLength(1);
    expect(detail.assignments.filter(({ state }) => state === "assigned")).toHaveLength(1);
  });

  test("waits a scaled time when a demonstration wants it", async () => {
    const settings = { dispatch: { policy: "auto-after", afterSeconds: 60 } as const, timeScale: 60 };
    const rig = await deskRig({ settings });
    await rig.receive(noiseRevision({ nowMs: T0 }));
    await rig.desk.wake();
    expect((await rig.theCase()).case.autoDispatchAtMs).toBe(T0 + 1000);
    await rig.live(1000);
    expect((await rig.theCase()).case.state).toBe("assigned");
  });

  test("ends a suspension", async () => {
    const rig = await deskRig();
    await rig.receive(noiseRevision({ nowMs: T0 }));
    await rig.desk.wake();
    const { id } = (await rig.theCase()).case;
    const act = { act: "suspend", cause: "the site is closed until then", untilMs: T0 + 30_000 } as const;
    expect((await rig.desk.actOnCase(DISPATCHER, id, act, newKey())).case.state).toBe("suspended");
    await rig.live(29_000);
    expect((await rig.theCase()).case.state).toBe("suspended");
    await rig.live(2_000);
    expect((await rig.theCase()).case.state).toBe("assigned");
  });
});

describe("a fault", () => {
  test("of a silent meter makes its site unwatched, and never closes the noise case there", async () => {
    const rig = await deskRig();
    const alarm = noiseRevision({ nowMs: T0 });
    await rig.receive(alarm);
    await rig.desk.wake();
    const leg = (await rig.theCase()).case.assignment?.id ?? "";
    await rig.desk.actOnAssignment(CREW_A, leg, { act: "acknowledge", deviceTimeMs: T0 }, newKey());
    await rig.desk.onPosition({ node: "car-a" }, { ...SITE, atMs: T0 });
    await rig.desk.actOnAssignment(CREW_A, leg, { act: "resolved", deviceTimeMs: T0 }, newKey());
    await rig.receive(noiseRevision({ nowMs: T0, alarmId: alarm.body.alarmId, rev: 2, phase: "cleared" }));
    await rig.db.updateTable("device_state").set({ state: "silent", at_ms: T0 }).execute();
    await rig.live(90_000);
    const { items } = await rig.desk.views.caseList({ limit: 9 });
    expect(items.map(({ family, state, unwatched }) => [family, state, unwatched])).toEqual([
      ["fault", "open", true],
      ["noise", "verifying", true],
    ]);
    expect(items[1]?.waitingFor).toContain("noise-01: offline, nothing proves quiet");
    await rig.db.updateTable("device_state").set({ state: "online" }).execute();
    await rig.live(2_000);
    const after = (await rig.desk.views.caseList({ limit: 9 })).items;
    expect(after.map(({ family, state, unwatched }) => [family, state, unwatched])).toEqual([
      ["fault", "self-cleared", false],
      ["noise", "verifying", false],
    ]);
  });
});

test("whatever people, sensors and time do, no case makes an illegal move and every timeline verifies", async () => {
  const step = fc.oneof(
    fc.record({
      do: fc.constant("alarm" as const),
      which: fc.integer({ min: 0, max: 2 }),
      phase: fc.integer({ min: 0, max: 2 }),
    }),
    fc.record({
      do: fc.constant("press" as const),
      act: fc.constantFrom("acknowledge", "decline", "en-route", "on-scene", "resolved"),
    }),
    fc.record({
      do: fc.constant("desk" as const),
      act: fc.constantFrom("assign", "withdraw", "suspend", "resume", "false-alarm", "close-unverified", "reopen"),
    }),
    fc.record({ do: fc.constant("report" as const), id: fc.integer({ min: 0, max: 3 }), isPlaced: fc.boolean() }),
    fc.record({
      do: fc.constant("work" as const),
      act: fc.constantFrom(
        "back-up",
        "reassign",
        "merge",
        "open-child",
        "locate",
        "categorise",
        "inhibit",
        "call-back",
      ),
      which: fc.integer({ min: 0, max: 3 }),
    }),
    fc.record({ do: fc.constant("time" as const), ms: fc.constantFrom(1000, 61_000, 130_000) }),
    fc.record({ do: fc.constant("drive" as const), crew: fc.constantFrom("car-a", "car-b") }),
  );
  const arbitrary = fc.array(step, { minLength: 5, maxLength: 25 });
  await fc.assert(
    fc.asyncProperty(arbitrary, async (steps) => {
      const rig = await deskRig({ settings: { dispatch: { policy: "auto-after", afterSeconds: 60 } } });
      const alarms = Array.from({ length: 3 }, () => noiseRevision({ nowMs: T0 }));
      let rev = 1;
      for (const one of steps) {
        rev += 1;
        await perform(rig, one, alarms, rev).catch((error: unknown) => {
          if (!(error instanceof BridgeError)) throw error;
        });
      }
      await assertSound(rig);
    }),
    { numRuns: process.env["SHAO_LONG"] === "1" ? 300 : 12 },
  );
}, 900_000);

type Work = "back-up" | "reassign" | "merge" | "open-child" | "locate" | "categorise" | "inhibit" | "call-back";
type Step =
  | { do: "alarm"; which: number; phase: number }
  | { do: "press"; act: "acknowledge" | "decline" | "en-route" | "on-scene" | "resolved" }
  | { do: "desk"; act: "assign" | "withdraw" | "suspend" | "resume" | "false-alarm" | "close-unverified" | "reopen" }
  | { do: "report"; id: number; isPlaced: boolean }
  | { do: "work"; act: Work; which: number }
  | { do: "time"; ms: number }
  | { do: "drive"; crew: string };

async function perform(rig: DeskRig, step: Step, alarms: ReturnType<typeof noiseRevision>[], rev: number) {
  const nowMs = rig.clock.nowMs();
  const { items } = await rig.desk.views.caseList({ limit: 9 });
  const first = items[0];
  switch (step.do) {
    case "alarm": {
      const base = alarms[step.which];
      if (base === undefined) return;
      const phase = (["raised", "updated", "cleared"] as const)[step.phase] ?? "raised";
      const revision = noiseRevision({ nowMs, alarmId: base.body.alarmId, rev, phase });
      await rig.db.transaction().execute((trx) => applyAlarm(trx, revision, nowMs));
      return rig.desk.wake();
    }
    case "press": {
      const leg = first?.assignment;
      if (leg === undefined) return;
      const actor = leg.crewId === "crew-a" ? CREW_A : CREW_B;
      return rig.desk.actOnAssignment(actor, leg.id, { act: step.act, deviceTimeMs: nowMs }, newKey());
    }
    case "desk": {
      if (first === undefined) return;
      const cause = "because";
      const request =
        step.act === "assign"
          ? { act: step.act, crewId: "crew-b" }
          : step.act === "suspend"
            ? { act: step.act, cause, untilMs: nowMs + 60_000 }
            : step.act === "resume"
              ? { act: step.act }
              : { act: step.act, cause };
      return rig.desk.actOnCase(DISPATCHER, first.id, request, newKey());
    }
    case "report": {
      const what = { source: "hotline", externalId: String(step.id), channel: "order", title: "Stall" } as const;
      const position = step.isPlaced ? { position: SITE } : {};
      return rig.desk.casework.takeReport(DISPATCHER, { ...what, category: "street-stall", ...position });
    }
    case "work": {
      const one = items[step.which];
      if (one === undefined) return;
      const request = workOf(step.act, items.at(-1)?.id ?? "", nowMs);
      if (request !== undefined) return rig.desk.actOnCase(DISPATCHER, one.id, request, newKey());
      if (step.act === "inhibit") {
        const work = { node: "site-042", cause: "work", fromMs: nowMs, toMs: nowMs + 90_000 };
        return rig.desk.casework.addInhibition(DISPATCHER, work);
      }
      const [report] = (await rig.desk.casework.reportList({ limit: 1, caseId: one.id })).items;
      if (report === undefined) return;
      const word = { act: "call-back", isResolved: step.which % 2 === 0, satisfaction: 3 } as const;
      return rig.desk.casework.actOnReport(SUPERVISOR, report.id, word, newKey());
    }
    case "time":
      rig.clock.pass(step.ms);
      await rig.freshen();
      return rig.desk.tick();
    case "drive":
      return rig.desk.onPosition({ node: step.crew }, { ...SITE, atMs: nowMs });
  }
}

function workOf(act: Work, into: string, nowMs: number): CaseActRequest | undefined {
  const cause = `because, at ${nowMs}`;
  switch (act) {
    case "back-up":
      return { act, crewId: "crew-a", evenIfBusy: nowMs % 2 === 0 };
    case "reassign":
      return { act, crewId: "crew-a", cause };
    case "merge":
      return { act, into, cause };
    case "open-child":
      return { act, title: "A part", cause, category: "spillage" };
    case "locate":
      return { act, position: SITE };
    case "categorise":
      return { act, category: "night-construction" };
    case "inhibit":
    case "call-back":
      return undefined;
  }
}

async function assertSound(rig: DeskRig): Promise<void> {
  const active = await rig.db
    .selectFrom("assignments")
    .select(["id", "crew_id", "case_id", "role", "holds"])
    .where("active", "=", 1)
    .execute();
  const holding = active.filter(({ holds }) => holds === 1);
  const busy = await rig.db
    .selectFrom("crews")
    .select("assignment_id")
    .where("assignment_id", "is not", null)
    .execute();
  expect(busy.map(({ assignment_id }) => assignment_id).sort()).toEqual(holding.map(({ id }) => id).sort());
  const alarms = await rig.db.selectFrom("case_alarms").select("alarm_id").execute();
  expect(new Set(alarms.map(({ alarm_id }) => alarm_id)).size, "an alarm stands in one case").toBe(alarms.length);
  const reports = await rig.db.selectFrom("reports").select(["case_id", "result_at_ms"]).execute();
  for (const listed of (await rig.desk.views.caseList({ limit: 50 })).items) {
    const { id } = listed;
    const detail = await rig.desk.views.caseDetail(id);
    // A list is put together in another way than a case's own view: they say the same.
    expect(detail.case).toEqual(listed);
    expect(brokenAt(id, detail.timeline)).toBeUndefined();
    let state = "open";
    for (const { detail: facts } of detail.timeline) {
      if (facts === undefined || !("to" in facts)) continue;
      expect(facts["from"]).toBe(state);
      const from = stateNamed(state);
      expect(CASE_MOVES.map((move) => nextState(from, move))).toContain(facts["to"]);
      state = String(facts["to"]);
    }
    expect(detail.case.state).toBe(state);
    const legs = active.filter(({ case_id }) => case_id === id);
    expect(legs.filter(({ role }) => role === "lead")).toHaveLength(CREWED_STATES.includes(stateNamed(state)) ? 1 : 0);
    if (legs.length > 0)
      expect(
        legs.some(({ role }) => role === "lead"),
        "no back-up is left alone",
      ).toBe(true);
    const isOver = isEnded(stateNamed(state));
    for (const report of reports.filter(({ case_id }) => case_id === id)) {
      expect(report.result_at_ms !== null, "a report is answered exactly when its case is over").toBe(isOver);
    }
    const running = await rig.db
      .selectFrom("timers")
      .select("kind")
      .where("ref", "=", id)
      .where("done_at_ms", "is", null)
      .execute();
    if (isOver) expect(running, "nothing is due of what is over").toEqual([]);
  }
}
