import { Value } from "typebox/value";
import { describe, expect, test } from "vitest";
import { ReportView } from "../../../cloud-bridge/api/schema/casework.ts";
import { CaseDetail, CaseView } from "../../../cloud-bridge/api/schema/desk.ts";
import { keepCatalogue } from "../../../cloud-bridge/cases/catalogue-rows.ts";
import { DEFAULT_CATALOGUE } from "../../../cloud-bridge/cases/default-catalogue.ts";
import type { NewReport } from "../../../cloud-bridge/dispatch/reports.ts";
import { brokenAt } from "../../../cloud-bridge/evidence/timeline-chain.ts";
import { addCalendar } from "../../../cloud-bridge/roster/calendars.ts";
import { putUnit } from "../../../cloud-bridge/roster/units.ts";
import { noiseRevision } from "../../fakes/alarm-revision.ts";
import { CREW_A, type DeskRig, DISPATCHER, deskRig, newKey, SITE, SUPERVISOR, T0 } from "../../fakes/desk-rig.ts";

const MINUTE_MS = 60_000;

function stall(more: Partial<NewReport> = {}): NewReport {
  const position = { latitudeDeg: 39.95, longitudeDeg: 116.4 };
  const what = { channel: "order", title: "Stall on the pavement", category: "street-stall" } as const;
  return { source: "hotline-12345", externalId: "20261125-0001", ...what, position, ...more };
}
const only = async (rig: DeskRig) => rig.desk.views.caseDetail((await rig.theCase()).case.id);
const press = (rig: DeskRig, leg: string, ...acts: ("acknowledge" | "en-route" | "on-scene" | "resolved")[]) =>
  acts.reduce<Promise<unknown>>(
    (before, act) =>
      before.then(() => rig.desk.actOnAssignment(CREW_A, leg, { act, deviceTimeMs: rig.clock.nowMs() }, newKey())),
    Promise.resolve(),
  );
async function handled(rig: DeskRig): Promise<string> {
  const { id } = (await only(rig)).case;
  await rig.desk.actOnCase(DISPATCHER, id, { act: "assign", crewId: "crew-a" }, newKey());
  const leg = (await only(rig)).case.assignment?.id ?? "";
  await press(rig, leg, "acknowledge", "on-scene", "resolved");
  return id;
}

describe("a report", () => {
  test("opens a case with its source, category, times and unit, once for each external id", async () => {
    const rig = await deskRig();
    const { report, isNew } = await rig.desk.casework.takeReport(DISPATCHER, stall({ unitId: "street" }));
    expect(isNew).toBe(true);
    expect(Value.Errors(ReportView, structuredClone(report))).toEqual([]);
    const again = await rig.desk.casework.takeReport(SUPERVISOR, stall({ unitId: "street" }));
    expect(again).toEqual({ report, isNew: false });
    await expect(rig.desk.casework.takeReport(DISPATCHER, stall({ title: "Another" }))).rejects.toMatchObject({
      code: "REPORT_CHANGED",
    });
    const detail = await only(rig);
    expect(detail.case).toMatchObject({
      ...{ family: "report", nature: "event", state: "open", source: "hotline-12345", externalId: "20261125-0001" },
      ...{ category: { code: "street-stall", catalogue: "shao-default", version: "2026.1" }, severity: "normal" },
      ...{ slaClass: "B", clock: "wall", dueArriveAtMs: T0 + 120 * MINUTE_MS, dueTotalAtMs: T0 + 1440 * MINUTE_MS },
      ...{ unitId: "street", foundBy: "citizen", gridCell: "N39950E116400", reopenCount: 0, supervisionCount: 0 },
      assignment: { state: "proposed" },
    });
    expect(Value.Errors(CaseDetail, structuredClone(detail))).toEqual([]);
    await rig.live(180_000);
    expect((await only(rig)).case.state, "what is not urgent is proposed, not sent").toBe("open");
  });

  test.each([
    ["no coordinates", {}, "the source gave no place"],
    ["0, 0", { position: { latitudeDeg: 0, longitudeDeg: 0 } }, "the source gave 0, 0 as its place"],
  ])("with %s waits in to-locate, never at 0,0, and goes on once it is located", async (_, place, cause) => {
    const rig = await deskRig();
    const { position: _position, ...rest } = stall({ category: "spillage" });
    await rig.desk.casework.takeReport(DISPATCHER, { ...rest, address: "Guanghua Road, east end", ...place });
    await rig.live(130_000);
    const waiting = await only(rig);
    expect(waiting.case).toMatchObject({ state: "open", toLocate: true, address: "Guanghua Road, east end" });
    expect(waiting.case.position).toBeUndefined();
    expect(waiting.candidates).toEqual([]);
    expect(waiting.timeline[1]).toMatchObject({ kind: "to-locate", cause });
    const { items } = await rig.desk.views.caseList({ limit: 5, toLocate: true });
    expect(items.map(({ id }) => id)).toEqual([waiting.case.id]);
    const { id } = waiting.case;
    const zero = { act: "locate", position: { latitudeDeg: 0, longitudeDeg: 0 } } as const;
    await expect(rig.desk.actOnCase(DISPATCHER, id, zero, newKey())).rejects.toMatchObject({ code: "POSITION_ZERO" });
    await rig.freshen();
    const located = await rig.desk.actOnCase(DISPATCHER, id, { act: "locate", position: SITE }, newKey());
    expect(located.case).toMatchObject({ state: "assigned", position: SITE, assignment: { crewId: "crew-a" } });
    expect((await rig.desk.views.caseList({ limit: 5, toLocate: true })).items).toEqual([]);
    expect(brokenAt(id, located.timeline)).toBeUndefined();
  });

  test("of noise joins the meter's open case at its place, and its source gets what the sensors prove", async () => {
    const rig = await deskRig();
    await rig.receive(noiseRevision({ nowMs: T0 }));
    await rig.desk.wake();
    const noise = stall({ category: "noise", channel: "citizen", position: SITE });
    const { report } = await rig.desk.casework.takeReport(DISPATCHER, noise);
    expect(report).toMatchObject({ how: "joined" });
    const { id } = (await only(rig)).case;
    expect((await only(rig)).reports.map(({ externalId }) => externalId)).toEqual(["20261125-0001"]);
    const taken = { act: "result-taken" } as const;
    await expect(rig.desk.casework.actOnReport(DISPATCHER, report.id, taken, newKey())).rejects.toMatchObject({
      code: "REPORT_UNANSWERED",
    });
    const outcome = { act: "outcome", outcome: "Pump stopped", ground: "construction-noise", fineCny: 10_000 } as const;
    await rig.desk.actOnCase(DISPATCHER, id, outcome, newKey());
    await expect(
      rig.desk.actOnCase(DISPATCHER, id, { act: "outcome", ground: "no-such" }, newKey()),
    ).rejects.toMatchObject({ code: "GROUND_UNKNOWN" });
    await rig.desk.actOnCase(SUPERVISOR, id, { act: "close-unverified", cause: "heard on the phone" }, newKey());
    const answered = await rig.desk.casework.reportList({ limit: 5, answered: true });
    expect(answered.items[0]?.result).toEqual({
      ...{ caseNumber: 1, state: "closed-unverified", closedAtMs: T0, outcome: "Pump stopped" },
      ground: "construction-noise",
    });
    await rig.desk.casework.actOnReport(DISPATCHER, report.id, taken, newKey());
    expect((await rig.desk.casework.reportList({ limit: 5, answered: true })).items).toEqual([]);
    expect(Value.Check(CaseView, structuredClone((await only(rig)).case))).toBe(true);
  });

  test("of the same matter within a day opens the case again; after that it has its own", async () => {
    const rig = await deskRig();
    await rig.desk.casework.takeReport(DISPATCHER, stall());
    const { id } = (await only(rig)).case;
    await rig.desk.actOnCase(SUPERVISOR, id, { act: "close-unverified", cause: "gone" }, newKey());
    rig.clock.pass(3600_000);
    const second = await rig.desk.casework.takeReport(DISPATCHER, stall({ externalId: "2" }));
    expect(second.report).toMatchObject({ how: "reopened", caseId: id });
    expect((await only(rig)).case).toMatchObject({ state: "open", reopenCount: 1 });
    expect((await only(rig)).reports.map(({ result }) => result)).toEqual([undefined, undefined]);
    await rig.desk.actOnCase(SUPERVISOR, id, { act: "false-alarm", cause: "a licensed market" }, newKey());
    const third = await rig.desk.casework.takeReport(DISPATCHER, stall({ externalId: "3" }));
    expect(third.report.how).toBe("opened");
    expect(third.report.caseId).not.toBe(id);
  });

  test("is closed by its reporter's word on the phone, asked by somebody who did not handle it", async () => {
    const rig = await deskRig();
    const { report } = await rig.desk.casework.takeReport(DISPATCHER, stall({ position: SITE }));
    const id = await handled(rig);
    expect((await only(rig)).case.state).toBe("verifying");
    const call = (isResolved: boolean, satisfaction: number) =>
      ({ act: "call-back", isResolved, satisfaction }) as const;
    await expect(rig.desk.casework.actOnReport(CREW_A, report.id, call(true, 5), newKey())).rejects.toMatchObject({
      code: "CLOSER_IS_HANDLER",
    });
    await rig.desk.casework.actOnReport(SUPERVISOR, report.id, call(false, 1), newKey());
    const back = await only(rig);
    expect(back.case).toMatchObject({ state: "on-scene", satisfaction: 1 });
    await press(rig, back.case.assignment?.id ?? "", "resolved");
    await rig.desk.casework.actOnReport(SUPERVISOR, report.id, call(true, 4), newKey());
    const closed = await only(rig);
    expect(closed.case).toMatchObject({ id, state: "closed", satisfaction: 4 });
    expect(closed.timeline.at(-1)).toMatchObject({ kind: "call-back", actor: SUPERVISOR.name });
    expect(brokenAt(id, closed.timeline)).toBeUndefined();
  });
});

describe("a class's times", () => {
  test("call the supervisor, then district and city, each once, across restarts and jumps of the clock", async () => {
    const rig = await deskRig();
    const { report } = await rig.desk.casework.takeReport(DISPATCHER, stall());
    const now = () => rig.desk.views.caseDetail(report.caseId);
    rig.clock.pass(121 * MINUTE_MS);
    await Promise.all([rig.makeDesk().tick(), rig.desk.tick()]);
    rig.clock.atMs -= 3600_000;
    await rig.makeDesk().tick();
    expect((await now()).case).toMatchObject({ escalatedTo: "supervisor", supervisionCount: 0 });
    rig.clock.pass(1440 * MINUTE_MS);
    await Promise.all([rig.makeDesk().tick(), rig.desk.tick()]);
    expect((await now()).case).toMatchObject({ escalatedTo: "district", supervisionCount: 1 });
    rig.clock.pass(1441 * MINUTE_MS);
    await rig.makeDesk().tick();
    await rig.live(3000);
    const detail = await now();
    expect(detail.case).toMatchObject({ escalatedTo: "city", supervisionCount: 2 });
    const kinds = detail.timeline.map(({ kind }) => kind).filter((kind) => /overdue|supervised/u.test(kind));
    expect(kinds).toEqual(["arrival-overdue", "supervised", "supervised"]);
  });

  test("run in the working time of the unit's calendar, over a holiday, in the zone of the city", async () => {
    const rig = await deskRig();
    const day = [{ from: "09:00", to: "17:00" }];
    const week = { mon: day, tue: day, wed: day, thu: day, fri: day };
    // T0 is the midnight to Sunday 2026-11-22 there; Monday is a holiday.
    const holidays = [{ date: "2026-11-23", name: "a day off" }];
    const calendar = { id: "office", name: "Office", timeZone: "Asia/Shanghai", week, holidays };
    await rig.db.transaction().execute((trx) => addCalendar(trx, calendar, "admin", T0));
    await putUnit(rig.db, { id: "street", name: "The street", level: "street", calendarId: "office" });
    const slaClasses = DEFAULT_CATALOGUE.slaClasses.map((sla) =>
      sla.code === "B" ? { ...sla, clock: "working" as const, arriveMinutes: 60, totalWorkingDays: 2 } : sla,
    );
    const own = { ...DEFAULT_CATALOGUE, name: "city", version: "1", slaClasses, inForceFrom: "2026-01-01T00:00:00Z" };
    await keepCatalogue(rig.db, own, "admin", T0);
    const { report } = await rig.desk.casework.takeReport(DISPATCHER, stall({ unitId: "street" }));
    const now = () => rig.desk.views.caseDetail(report.caseId);
    const at = (text: string) => Date.parse(`${text}+08:00`);
    const due = { dueArriveAtMs: at("2026-11-24T10:00"), dueTotalAtMs: at("2026-11-25T17:00"), clock: "working" };
    expect((await now()).case).toMatchObject(due);
    // Rested over Tuesday and Wednesday's lunch: what was left is worked off afterwards.
    rig.clock.atMs = at("2026-11-24T09:30");
    const rest = { act: "suspend", cause: "storm", reason: "weather", untilMs: at("2026-11-25T16:00") } as const;
    await rig.desk.actOnCase(DISPATCHER, report.caseId, rest, newKey());
    rig.clock.atMs = at("2026-11-25T16:00");
    await Promise.all([rig.makeDesk().tick(), rig.desk.tick()]);
    const left = { dueArriveAtMs: at("2026-11-25T16:30"), dueTotalAtMs: at("2026-11-27T15:30") };
    expect((await now()).case).toMatchObject(left);
    rig.clock.atMs = at("2026-11-25T16:31");
    await Promise.all([rig.makeDesk().tick(), rig.desk.tick()]);
    rig.clock.atMs = at("2026-11-24T00:00");
    await rig.makeDesk().tick();
    rig.clock.atMs = at("2026-11-27T15:31");
    await Promise.all([rig.makeDesk().tick(), rig.desk.tick()]);
    const kinds = (await now()).timeline.map(({ kind }) => kind).filter((kind) => /overdue|supervised/u.test(kind));
    expect(kinds).toEqual(["arrival-overdue", "supervised"]);
  });

  test("are given in working days where the tables say so: arrival, and what the city waits for", async () => {
    const rig = await deskRig();
    const slaClasses = DEFAULT_CATALOGUE.slaClasses.map((sla) =>
      sla.code === "B" ? { ...sla, arriveWorkingDays: 1, totalWorkingDays: 2, cityWorkingDays: 3 } : sla,
    );
    const own = { ...DEFAULT_CATALOGUE, name: "city", version: "1", slaClasses, inForceFrom: "2026-01-01T00:00:00Z" };
    await keepCatalogue(rig.db, own, "admin", T0);
    const { report } = await rig.desk.casework.takeReport(DISPATCHER, stall());
    const now = () => rig.desk.views.caseDetail(report.caseId);
    const at = (text: string) => Date.parse(`${text}+08:00`);
    // T0 is a Sunday there: Monday and Tuesday to the end of work; from Tuesday on three more.
    const due = { dueArriveAtMs: at("2026-11-23T18:00"), dueTotalAtMs: at("2026-11-24T18:00"), clock: "wall" };
    expect((await now()).case).toMatchObject(due);
    const supervised = async () =>
      (await now()).timeline.flatMap(({ kind, serverTimeMs }) => (kind === "supervised" ? [serverTimeMs] : []));
    for (const text of ["2026-11-24T18:00", "2026-11-27T17:59", "2026-11-27T18:00"]) {
      rig.clock.atMs = at(text);
      await rig.makeDesk().tick();
    }
    expect(await supervised()).toEqual([at("2026-11-24T18:00"), at("2026-11-27T18:00")]);
  });

  test("follow the category, and come from the tables in force when the case was opened", async () => {
    const rig = await deskRig();
    await rig.desk.casework.takeReport(DISPATCHER, stall());
    const { id } = (await only(rig)).case;
    const act = { act: "categorise", category: "spillage", cause: "it is gravel" } as const;
    rig.clock.pass(MINUTE_MS);
    const { case: sorted } = await rig.desk.actOnCase(DISPATCHER, id, act, newKey());
    expect(sorted).toMatchObject({ severity: "urgent", dueTotalAtMs: T0 + 1440 * MINUTE_MS });
    const inForceFrom = new Date(rig.clock.nowMs()).toISOString().replace(/\.\d+Z$/u, "Z");
    const own = { ...DEFAULT_CATALOGUE, name: "beijing", version: "7", inForceFrom };
    await keepCatalogue(rig.db, own, "admin", T0);
    await rig.desk.casework.takeReport(DISPATCHER, stall({ externalId: "9", position: SITE }));
    const { items } = await rig.desk.views.caseList({ limit: 5 });
    expect(items.map(({ category }) => category?.catalogue)).toEqual(["beijing", "shao-default"]);
    await expect(keepCatalogue(rig.db, { ...own, defaultSla: "A" }, "admin", T0)).rejects.toMatchObject({
      code: "CATALOGUE_CHANGED",
    });
  });
});
