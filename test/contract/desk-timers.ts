import process from "node:process";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { keepCatalogue } from "../../cloud-bridge/cases/catalogue-rows.ts";
import { DEFAULT_CATALOGUE } from "../../cloud-bridge/cases/default-catalogue.ts";
import { timePermit } from "../../cloud-bridge/dispatch/permit-news.ts";
import { brokenAt } from "../../cloud-bridge/evidence/timeline-chain.ts";
import { addPermit } from "../../cloud-bridge/fleet/permits.ts";
import { addCalendar } from "../../cloud-bridge/roster/calendars.ts";
import { putUnit } from "../../cloud-bridge/roster/units.ts";
import { noiseRevision } from "../fakes/alarm-revision.ts";
import { DISPATCHER, deskRig, SITE, T0 } from "../fakes/desk-rig.ts";

const MINUTE_MS = 60_000;
const RUNS = 5;

/** A noise case that waits for the desk's word, and a permit of its site that begins some time after. */
async function permitRig(fromMs: number, toMs: number) {
  const rig = await deskRig({ settings: { dispatch: { policy: "propose", afterSeconds: 0 } } });
  await rig.receive(noiseRevision({ nowMs: T0 }));
  await rig.desk.wake();
  await rig.db.transaction().execute(async (trx) => {
    const permit = { siteId: "block-7", number: "2026-CY-0118", fromMs, toMs };
    await timePermit(trx, await addPermit(trx, permit, "li.desk", T0), T0);
  });
  return { ...rig, caseId: (await rig.theCase()).case.id };
}

/** A case whose times run in the working time of a calendar that is not UTC's, with a holiday on its first working day. */
async function workingRig() {
  const rig = await deskRig();
  const day = [{ from: "09:00", to: "17:00" }];
  const week = { mon: day, tue: day, wed: day, thu: day, fri: day };
  // T0 is the midnight to Sunday 2026-11-22 in Shanghai.
  const office = { id: "office", name: "Office", timeZone: "Asia/Shanghai", week, holidays: [{ date: "2026-11-23" }] };
  await rig.db.transaction().execute((trx) => addCalendar(trx, office, "admin", T0));
  await putUnit(rig.db, { id: "street", name: "The street", level: "street", calendarId: "office" });
  const slaClasses = DEFAULT_CATALOGUE.slaClasses.map((sla) => ({
    ...{ ...sla, clock: "working" as const, arriveMinutes: 60, totalWorkingDays: 2, cityMinutes: 120 },
  }));
  const own = { ...DEFAULT_CATALOGUE, name: "city", version: "1", slaClasses, inForceFrom: "2026-01-01T00:00:00Z" };
  await keepCatalogue(rig.db, own, "admin", T0);
  const what = {
    source: "patrol",
    externalId: "1",
    channel: "patrol",
    title: "A stall",
    category: "street-stall",
  } as const;
  const { report } = await rig.desk.casework.takeReport(DISPATCHER, { ...what, position: SITE, unitId: "street" });
  return { ...rig, caseId: report.caseId };
}

export function deskTimersContract(kind: "sqlite" | "postgres", missing: string | undefined): void {
  describe.skipIf(missing !== undefined)(`timers on ${kind}${missing === undefined ? "" : ` (${missing})`}`, () => {
    beforeAll(() => {
      process.env["SHAO_TEST_STORE"] = kind;
    });
    afterAll(() => {
      delete process.env["SHAO_TEST_STORE"];
    });

    test("fire once, and not before their time, over restarts, jumps of the clock and a holiday in another zone", async () => {
      const jump = fc.record({ minutes: fc.integer({ min: -900, max: 3600 }), desks: fc.integer({ min: 1, max: 3 }) });
      await fc.assert(
        fc.asyncProperty(fc.array(jump, { minLength: 2, maxLength: 8 }), async (jumps) => {
          const rig = await workingRig();
          const { case: opened } = await rig.desk.views.caseDetail(rig.caseId);
          const [arriveMs = 0, totalMs = 0] = [opened.dueArriveAtMs, opened.dueTotalAtMs];
          expect([arriveMs, totalMs]).toEqual(
            ["2026-11-24T10:00+08:00", "2026-11-25T17:00+08:00"].map((text) => Date.parse(text)),
          );
          let latestMs = rig.clock.atMs;
          for (const { minutes, desks } of jumps) {
            rig.clock.atMs += minutes * MINUTE_MS;
            latestMs = Math.max(latestMs, rig.clock.atMs);
            // Each a bridge that has just started; with several at once one of them was thought dead.
            await Promise.all(Array.from({ length: desks }, () => rig.makeDesk().tick()));
          }
          const { case: view, timeline } = await rig.desk.views.caseDetail(rig.caseId);
          const at = (wanted: string) =>
            timeline.flatMap(({ kind: said, serverTimeMs }) => (said === wanted ? [serverTimeMs] : []));
          expect(at("arrival-overdue")).toHaveLength(latestMs >= arriveMs ? 1 : 0);
          for (const firedMs of at("arrival-overdue")) expect(firedMs).toBeGreaterThanOrEqual(arriveMs);
          const supervised = at("supervised");
          expect(supervised.length > 0).toBe(latestMs >= totalMs);
          for (const firedMs of supervised) expect(firedMs).toBeGreaterThanOrEqual(totalMs);
          const levels = timeline.flatMap(({ kind: said, detail }) =>
            said === "supervised" ? [detail?.["level"]] : [],
          );
          expect(["district", "city"].slice(0, levels.length)).toEqual(levels);
          expect(view.supervisionCount).toBe(levels.length);
          expect(brokenAt(view.id, timeline)).toBeUndefined();
        }),
        { numRuns: RUNS },
      );
    }, 120_000);

    test("of a permit hold its site's case from its beginning to its end, over restarts and jumps of the clock", async () => {
      const jump = fc.record({ minutes: fc.integer({ min: -20, max: 50 }), desks: fc.integer({ min: 1, max: 3 }) });
      const times = fc.record({ inMinutes: fc.integer({ min: 1, max: 60 }), minutes: fc.integer({ min: 1, max: 90 }) });
      await fc.assert(
        fc.asyncProperty(times, fc.array(jump, { minLength: 2, maxLength: 8 }), async (permit, jumps) => {
          const fromMs = T0 + permit.inMinutes * MINUTE_MS;
          const toMs = fromMs + permit.minutes * MINUTE_MS;
          const rig = await permitRig(fromMs, toMs);
          const expected: string[] = [];
          let isOver = false;
          for (const { minutes, desks } of jumps) {
            rig.clock.atMs += minutes * MINUTE_MS;
            await Promise.all(Array.from({ length: desks }, () => rig.makeDesk().tick()));
            const { atMs } = rig.clock;
            if (!isOver && expected.length === 0 && atMs >= fromMs && atMs < toMs) expected.push("permit-held");
            if (expected.length === 1 && atMs >= toMs) expected.push("permit-ended");
            isOver ||= atMs >= toMs;
            const { case: view, timeline } = await rig.desk.views.caseDetail(rig.caseId);
            const said = timeline.filter(({ kind: entry }) => entry.startsWith("permit"));
            expect(said.map(({ kind: entry }) => entry)).toEqual(expected);
            expect([view.state, view.isHeld === true]).toEqual(["open", expected.length === 1]);
            expect(brokenAt(view.id, timeline)).toBeUndefined();
          }
        }),
        { numRuns: RUNS },
      );
    }, 120_000);
  });
}
