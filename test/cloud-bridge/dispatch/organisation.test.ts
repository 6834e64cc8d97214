import { describe, expect, test } from "vitest";
import { loadCase } from "../../../cloud-bridge/cases/case-rows.ts";
import { joinUnit, rejoinPlaces } from "../../../cloud-bridge/cases/case-units.ts";
import { keepCatalogue } from "../../../cloud-bridge/cases/catalogue-rows.ts";
import { pauseClocks } from "../../../cloud-bridge/cases/clocks.ts";
import { DEFAULT_CATALOGUE } from "../../../cloud-bridge/cases/default-catalogue.ts";
import { addPermit, type NewPermit, revokePermit } from "../../../cloud-bridge/fleet/permits.ts";
import { addCalendar } from "../../../cloud-bridge/roster/calendars.ts";
import { DEFAULT_CANDIDATES } from "../../../cloud-bridge/roster/candidates.ts";
import { foreignUnits } from "../../../cloud-bridge/roster/unit-parts.ts";
import { putUnit } from "../../../cloud-bridge/roster/units.ts";
import { noiseRevision } from "../../fakes/alarm-revision.ts";
import { type DeskRig, DISPATCHER, deskRig, newKey, SITE, T0 } from "../../fakes/desk-rig.ts";

const HOUR_MS = 3600_000;

describe("a permit that the bridge was told of", () => {
  const permit = { siteId: "block-7", number: "2026-CY-0117", fromMs: T0 - HOUR_MS, toMs: T0 + 60_000 };
  const granted = (rig: DeskRig, more: Partial<NewPermit> = {}) =>
    rig.db.transaction().execute((trx) => addPermit(trx, { ...permit, ...more }, "li.desk", T0));
  const heard = async (rig: DeskRig, of: Parameters<typeof noiseRevision>[0]) => {
    await rig.receive(noiseRevision(of));
    await rig.desk.wake();
    return (await rig.theCase()).case;
  };

  test("holds a case back, shown with its number, until the permit ends while it is loud", async () => {
    const rig = await deskRig();
    await granted(rig);
    const first = noiseRevision({ nowMs: T0 });
    await rig.receive(first);
    await rig.desk.wake();
    const { case: view, timeline } = await rig.theCase();
    expect(view).toMatchObject({ state: "open", isHeld: true });
    expect(timeline[0]?.detail).toMatchObject({ permit: "2026-CY-0117" });
    const { alarmId } = first.body;
    rig.clock.pass(30_000);
    expect(await heard(rig, { nowMs: T0 + 30_000, alarmId, rev: 2, phase: "updated" })).toMatchObject({ isHeld: true });
    rig.clock.pass(60_000);
    await rig.freshen();
    const after = await heard(rig, { nowMs: T0 + 90_000, alarmId, rev: 3, phase: "updated" });
    expect([after.state, after.isHeld]).toEqual(["assigned", undefined]);
  });

  const openAt = async (rig: DeskRig) => {
    await rig.receive(noiseRevision({ nowMs: T0 }));
    await rig.desk.wake();
    return rig.theCase();
  };
  const kinds = async (rig: DeskRig) => (await rig.theCase()).timeline.map(({ kind }) => kind);

  test("after a case was opened holds it, with its clocks, until it is revoked", async () => {
    const rig = await deskRig({ settings: { dispatch: { policy: "auto-after", afterSeconds: 60 } } });
    const { case: before } = await openAt(rig);
    rig.clock.pass(20_000);
    const known = await granted(rig, { toMs: T0 + HOUR_MS });
    for (let time = 0; time < 2; time += 1) await rig.desk.permitNews(known, "wang.lead");
    const { case: held } = await rig.theCase();
    expect(held).toMatchObject({ state: "open", isHeld: true });
    expect(held.autoDispatchAtMs).toBeUndefined();
    expect((await kinds(rig)).filter((kind) => kind.startsWith("permit"))).toEqual(["permit-held"]);
    await rig.live(100_000);
    expect((await rig.theCase()).case).toMatchObject({ state: "open", isHeld: true });
    await rig.freshen();
    const revoking = { by: "wang.lead", cause: "another gate", nowMs: rig.clock.nowMs() };
    const over = await rig.db.transaction().execute((trx) => revokePermit(trx, known.id, revoking));
    for (let time = 0; time < 2; time += 1) await rig.desk.permitNews(over, "wang.lead");
    const { case: after } = await rig.theCase();
    expect(after.isHeld).toBeUndefined();
    expect((after.dueArriveAtMs ?? 0) - (before.dueArriveAtMs ?? 0)).toBe(100_000);
    await rig.live(61_000);
    expect((await rig.theCase()).case.state).toBe("assigned");
  });

  test("after a crew was sent recalls nobody: the desk is told, once", async () => {
    const rig = await deskRig();
    const { case: view } = await openAt(rig);
    expect(view.state).toBe("assigned");
    const known = await granted(rig);
    for (let time = 0; time < 2; time += 1) await rig.desk.permitNews(known, "wang.lead");
    expect((await rig.theCase()).case).toMatchObject({ state: "assigned" });
    expect((await kinds(rig)).filter((kind) => kind.startsWith("permit"))).toEqual(["permit-recorded"]);
  });

  test("that covers only some of what stands holds nothing", async () => {
    const rig = await deskRig({ settings: { dispatch: { policy: "propose", afterSeconds: 0 } } });
    await openAt(rig);
    await rig.desk.permitNews(await granted(rig, { rules: ["day-noise"] }), "wang.lead");
    expect((await rig.theCase()).case.isHeld).toBeUndefined();
  });

  test("ends when it is revoked, once", async () => {
    const rig = await deskRig();
    const { id } = await granted(rig);
    const first = noiseRevision({ nowMs: T0 });
    await rig.receive(first);
    await rig.desk.wake();
    const revoke = () =>
      rig.db
        .transaction()
        .execute((trx) => revokePermit(trx, id, { by: "wang.lead", cause: "work at the wrong gate", nowMs: T0 }));
    expect(await revoke()).toMatchObject({ revokedBy: "wang.lead" });
    await expect(revoke()).rejects.toMatchObject({ code: "PERMIT_REVOKED" });
    const later = { nowMs: T0 + 1000, alarmId: first.body.alarmId, rev: 2, phase: "updated" } as const;
    expect((await heard(rig, later)).state).toBe("assigned");
  });

  test("covers its own rules, its own time and nothing of another day that a wrong clock believes in", async () => {
    const elsewhere: [Partial<NewPermit>, { nowMs?: number; ageMs?: undefined }][] = [
      [{ rules: ["day-noise"] }, {}],
      [{ fromMs: T0 + 1000, toMs: T0 + HOUR_MS }, {}],
      [
        { fromMs: T0 - 26 * HOUR_MS, toMs: T0 - 24 * HOUR_MS },
        { nowMs: T0 - 25 * HOUR_MS, ageMs: undefined },
      ],
    ];
    for (const [more, alarm] of elsewhere) {
      const rig = await deskRig();
      await granted(rig, more);
      expect(await heard(rig, { nowMs: T0, ...alarm })).toMatchObject({ state: "assigned" });
    }
    const rig = await deskRig();
    await granted(rig, { rules: ["night-noise"] });
    expect(await heard(rig, { nowMs: T0 })).toMatchObject({ state: "open", isHeld: true });
  });
});

describe("the units of a case", () => {
  const around = (id: string) => {
    const outline = [-0.01, 0.01].flatMap((north) =>
      [-north, north].map((east) => ({
        latitudeDeg: SITE.latitudeDeg + north,
        longitudeDeg: SITE.longitudeDeg + east,
      })),
    );
    return { id, name: id, areas: [{ kind: "polygon" as const, outline }] };
  };

  test("are the smallest that its place lies in, departments of that ground, and that of the crew", async () => {
    const rig = await deskRig({ settings: { candidates: { ...DEFAULT_CANDIDATES, mutualAid: true } } });
    await putUnit(rig.db, { ...around("hujialou"), level: "street" });
    await putUnit(rig.db, { ...around("jintai"), level: "community", parentId: "hujialou" });
    await putUnit(rig.db, { ...around("old-jintai"), level: "community", retiredAtMs: T0 });
    await putUnit(rig.db, { ...around("traffic"), level: "department" });
    await rig.receive(noiseRevision({ nowMs: T0 }));
    await rig.desk.wake();
    expect((await rig.theCase()).case).toMatchObject({ state: "assigned", unitIds: ["jintai", "street", "traffic"] });
  });

  test("have their own crews sent: those of others are passed over with the reason, until theirs is called", async () => {
    const rig = await deskRig();
    await putUnit(rig.db, { id: "district", name: "District", level: "district" });
    await putUnit(rig.db, { ...around("hujialou"), level: "street", parentId: "district" });
    await putUnit(rig.db, { id: "street", name: "Jianwai street", level: "street", parentId: "district" });
    await rig.receive(noiseRevision({ nowMs: T0 }));
    await rig.desk.wake();
    const { case: passed, candidates, timeline } = await rig.theCase();
    expect(passed.state).toBe("open");
    expect(
      candidates.map(({ eligible, reasons }) => [eligible, reasons.includes("of another unit: Jianwai street")]),
    ).toEqual([
      [false, true],
      [false, true],
    ]);
    expect(timeline.map(({ kind }) => kind)).toContain("no-crew");
    await rig.desk.change((change) => joinUnit(change, passed.id, "street", "whistle"));
    await rig.freshen();
    await rig.live(20_000);
    expect((await rig.theCase()).case).toMatchObject({ state: "assigned", assignment: { crewId: "crew-a" } });
  });

  test("that stand above or below each other, and departments of one ground, send for each other", async () => {
    const rig = await deskRig({ settings: { dispatch: { policy: "propose", afterSeconds: 0 } } });
    await putUnit(rig.db, { id: "city", name: "City", level: "city" });
    for (const id of ["east", "west"]) await putUnit(rig.db, { id, name: id, level: "district", parentId: "city" });
    await putUnit(rig.db, { id: "west-street", name: "w", level: "street", parentId: "west" });
    await putUnit(rig.db, { id: "chengguan", name: "c", level: "department", parentId: "west-street" });
    await putUnit(rig.db, { id: "traffic", name: "t", level: "department", parentId: "city" });
    await putUnit(rig.db, { id: "fire", name: "f", level: "department", parentId: "east" });
    const foreign = await rig.db.transaction().execute((trx) => foreignUnits(trx, ["west-street"]));
    const all = ["west-street", "west", "city", "chengguan", "traffic", "east", "fire", "street"];
    expect(all.filter((id) => foreign(id) !== undefined)).toEqual(["east", "fire", "street"]);
  });

  test("are found once a unit has ground, for cases that nobody answered for", async () => {
    const rig = await deskRig({ settings: { dispatch: { policy: "propose", afterSeconds: 0 } } });
    await rig.receive(noiseRevision({ nowMs: T0 }));
    await rig.desk.wake();
    expect((await rig.theCase()).case.unitIds).toBeUndefined();
    await putUnit(rig.db, { ...around("hujialou"), level: "street" });
    const told = rig.events.length;
    for (let time = 0; time < 2; time += 1) await rig.desk.change((change) => rejoinPlaces(change));
    expect((await rig.theCase()).case).toMatchObject({ unitIds: ["hujialou"], unitId: "hujialou" });
    expect(rig.events.length - told).toBe(1);
  });

  test("is that of the site alone where the site names one; a crew that is sent brings its own", async () => {
    const rig = await deskRig({ settings: { dispatch: { policy: "propose", afterSeconds: 0 } } });
    await putUnit(rig.db, { ...around("hujialou"), level: "street" });
    await putUnit(rig.db, { id: "jianwai", name: "J", level: "street" });
    await rig.db.updateTable("sites").set({ unit_id: "jianwai" }).execute();
    await rig.receive(noiseRevision({ nowMs: T0 }));
    await rig.desk.wake();
    const { id, unitIds } = (await rig.theCase()).case;
    expect(unitIds).toEqual(["jianwai"]);
    rig.clock.pass(1000);
    await rig.desk.actOnCase(DISPATCHER, id, { act: "assign", crewId: "crew-a" }, newKey());
    expect((await rig.theCase()).case.unitIds).toEqual(["jianwai", "street"]);
    const told = rig.events.map(({ data }) => (JSON.parse(data) as { case: { unitIds?: string[] } }).case.unitIds);
    expect(told.at(-1)).toEqual(["jianwai", "street"]);
  });
});

test("a working clock goes by the calendar of the unit that answers for the case, and rests with the case", async () => {
  const rig = await deskRig({ settings: { dispatch: { policy: "propose", afterSeconds: 0 } } });
  const day = [{ from: "09:00", to: "17:00" }];
  const week = { mon: day, tue: day, wed: day, thu: day, fri: day };
  const zone = { timeZone: "Asia/Shanghai" };
  const holidays = [{ date: "2026-11-24" }];
  await rig.db
    .transaction()
    .execute((trx) => addCalendar(trx, { id: "own", name: "Own", ...zone, week, holidays }, "a", T0));
  await putUnit(rig.db, { id: "street", name: "Street", level: "street", calendarId: "own" });
  await rig.db.updateTable("sites").set({ unit_id: "street" }).execute();
  const slaClasses = DEFAULT_CATALOGUE.slaClasses.map((sla) => ({
    ...sla,
    clock: "working" as const,
    totalMinutes: 600,
  }));
  await keepCatalogue(rig.db, { ...DEFAULT_CATALOGUE, version: "working", slaClasses }, "admin", T0 - 1);
  const at = (text: string) => Date.parse(`${text}:00+08:00`);
  rig.clock.atMs = at("2026-11-20T16:00");
  await rig.receive(noiseRevision({ nowMs: rig.clock.nowMs() }));
  await rig.desk.wake();
  const { id, ...opened } = (await rig.theCase()).case;
  // One hour on Friday, eight on Monday, none on the holiday, one on Wednesday.
  expect(opened).toMatchObject({ clock: "working", dueTotalAtMs: at("2026-11-25T10:00") });
  rig.clock.atMs = at("2026-11-23T12:00");
  const untilMs = at("2026-11-26T00:00");
  await rig.db.transaction().execute(async (trx) => {
    const about = { cases: new Map(), assignments: new Set<string>(), flags: [], steps: [] };
    const change = { trx, nowMs: rig.clock.nowMs(), ...about };
    await pauseClocks(change, await loadCase(trx, id));
  });
  await rig.desk.actOnCase(DISPATCHER, id, { act: "suspend", cause: "the site is closed", untilMs }, newKey());
  rig.clock.atMs = untilMs;
  await rig.desk.tick();
  // Five hours of Monday and one were left.
  expect((await rig.theCase()).case).toMatchObject({ dueTotalAtMs: at("2026-11-26T15:00") });
});
