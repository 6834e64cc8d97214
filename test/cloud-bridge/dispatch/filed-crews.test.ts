import { Value } from "typebox/value";
import { describe, expect, test } from "vitest";
import { EVENT_SCHEMAS } from "../../../cloud-bridge/api/schema/events.ts";
import { CrewView, FilingView, Flag } from "../../../cloud-bridge/api/schema/roster.ts";
import { findCrew, putCrew, removeCrew } from "../../../cloud-bridge/roster/crews.ts";
import { addDuty, listDuties, removeDuty } from "../../../cloud-bridge/roster/duties.ts";
import { addFiling, endFiling, findFiling, listFilings, type NewFiling } from "../../../cloud-bridge/roster/filings.ts";
import { putPerson } from "../../../cloud-bridge/roster/people.ts";
import { putShift } from "../../../cloud-bridge/roster/shifts.ts";
import { listFlags } from "../../../cloud-bridge/roster/supervision.ts";
import { putUnit } from "../../../cloud-bridge/roster/units.ts";
import { noiseRevision } from "../../fakes/alarm-revision.ts";
import { type DeskRig, deskRig, FAR_OFF, NEAR_BY, SITE, T0 } from "../../fakes/desk-rig.ts";

const HOUR_MS = 3600_000;

async function staffedRig() {
  const rig = await deskRig({ settings: { dispatch: { policy: "propose", afterSeconds: 0 } } });
  await putUnit(rig.db, { id: "chengguan", name: "城管执法队", level: "department", parentId: "street" });
  await putUnit(rig.db, { id: "gongan", name: "公安", level: "department", parentId: "street" });
  const people = [
    { id: "wang", name: "王", unitId: "chengguan", radioIssi: "1001", authority: ["noise", "night-*"] },
    { id: "li", name: "李", unitId: "chengguan", radioIssi: "1002", authority: ["noise"] },
    { id: "zhao", name: "赵", unitId: "gongan", radioIssi: "1003" },
    { id: "sun", name: "孙", unitId: "gongan", leftAtMs: T0 },
  ];
  for (const person of people) await putPerson(rig.db, person);
  const file = (filing: Partial<NewFiling>) =>
    rig.db
      .transaction()
      .execute((trx) =>
        addFiling(
          trx,
          { crewId: "crew-a", toMs: T0 + 8 * HOUR_MS, people: [{ personId: "wang" }, { personId: "li" }], ...filing },
          "li.desk",
          rig.clock.nowMs(),
        ),
      );
  const end = (id: string) => rig.db.transaction().execute((trx) => endFiling(trx, id, "li.desk", rig.clock.nowMs()));
  return { ...rig, file, end };
}
type StaffedRig = Awaited<ReturnType<typeof staffedRig>>;
const positions = async (rig: DeskRig) =>
  Object.fromEntries((await rig.desk.views.crewViews()).map(({ id, position }) => [id, position?.latitudeDeg]));

describe("a duty filing", () => {
  test("says who sits in which car with which radio, and their positions are the crew's", async () => {
    const rig = await staffedRig();
    const at = (latitudeDeg: number) => ({ ...SITE, latitudeDeg, atMs: rig.clock.nowMs() });
    // By default the usual car, and a handset of somebody who is in no crew is nobody's.
    await rig.desk.onPosition({ node: "car-a" }, at(39.901));
    await rig.desk.onPosition({ issi: "1001" }, at(39.902));
    expect(await positions(rig)).toMatchObject({ "crew-a": 39.901 });
    const filing = await rig.file({
      vehicleNode: "car-9",
      people: [{ personId: "wang" }, { personId: "zhao", radioIssi: "2001" }],
    });
    expect(filing).toMatchObject({
      vehicleNode: "car-9",
      fromMs: T0,
      people: [
        { personId: "wang", name: "王", radioIssi: "1001" },
        { personId: "zhao", name: "赵", radioIssi: "2001" },
      ],
    });
    expect(Value.Errors(FilingView, structuredClone(filing))).toEqual([]);
    for (const [origin, latitudeDeg, expected] of [
      [{ node: "car-9" }, 39.903, 39.903],
      [{ node: "car-a" }, 39.904, 39.903],
      [{ issi: "1001" }, 39.905, 39.905],
      [{ issi: "2001" }, 39.906, 39.906],
      [{ issi: "1003" }, 39.907, 39.906],
    ] as const) {
      rig.clock.pass(1000);
      await rig.desk.onPosition(origin, at(latitudeDeg));
      expect(await positions(rig), JSON.stringify(origin)).toMatchObject({ "crew-a": expected });
    }
    const [view] = await rig.desk.views.crewViews();
    expect(Value.Errors(CrewView, structuredClone(view))).toEqual([]);
    expect(view).toMatchObject({ filing: { id: filing.id }, onDuty: true });
    await rig.end(filing.id);
    rig.clock.pass(1000);
    await rig.desk.onPosition({ node: "car-a" }, at(39.908));
    await rig.desk.onPosition({ node: "car-9" }, at(39.909));
    expect(await positions(rig)).toMatchObject({ "crew-a": 39.908 });
    await expect(rig.end(filing.id)).rejects.toMatchObject({ code: "FILING_OVER" });
  });

  test("knows the crew of a handset whose owner goes along as usual, not when the owner filed elsewhere", async () => {
    const rig = await staffedRig();
    const crew = { id: "crew-b", name: "Crew B", unitId: "street", vehicleNode: "car-b", memberIds: ["zhao", "wang"] };
    await putCrew(rig.db, crew);
    expect(await findCrew(rig.db, "crew-b")).toEqual({ ...crew, memberIds: ["wang", "zhao"] });
    const seen = async (issi: string, latitudeDeg: number) => {
      rig.clock.pass(1000);
      await rig.desk.onPosition({ issi }, { ...SITE, latitudeDeg, atMs: rig.clock.nowMs() });
      return positions(rig);
    };
    expect(await seen("1001", 39.901)).toMatchObject({ "crew-b": 39.901 });
    await rig.file({});
    expect(await seen("1001", 39.902)).toMatchObject({ "crew-a": 39.902, "crew-b": 39.901 });
    expect(await seen("1003", 39.903)).toMatchObject({ "crew-a": 39.902, "crew-b": 39.903 });
  });

  test("holds nobody, no car and no radio twice at a time", async () => {
    const rig = await staffedRig();
    const both = await Promise.allSettled([rig.file({}), rig.file({ crewId: "crew-b" })]);
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    for (const { id } of await listFilings(rig.db, {}))
      await rig.db.deleteFrom("filings").where("id", "=", id).execute();
    const first = await rig.file({});
    const refused: [Partial<NewFiling>, string, string][] = [
      [
        { people: [{ personId: "zhao" }] },
        "FILING_CONFLICT",
        "crew crew-a, car car-a filed with crew crew-a at that time",
      ],
      [{ crewId: "crew-b" }, "FILING_CONFLICT", "wang, li, radio 1001, radio 1002 filed with crew crew-a at that time"],
      [{ crewId: "crew-b", people: [{ personId: "zhao", radioIssi: "1002" }] }, "FILING_CONFLICT", "radio 1002 filed"],
      [
        { crewId: "crew-b", vehicleNode: "car-a", people: [{ personId: "zhao" }] },
        "FILING_CONFLICT",
        "car car-a filed",
      ],
      [
        { crewId: "crew-b", people: [{ personId: "zhao" }, { personId: "zhao" }] },
        "FILING_CONFLICT",
        "zhao stands in it twice",
      ],
      [{ crewId: "crew-b", people: [{ personId: "sun" }] }, "PERSON_UNKNOWN", "sun"],
      [{ crewId: "crew-x" }, "CREW_UNKNOWN", "crew-x"],
      [{ crewId: "crew-b", toMs: T0 }, "FILING_EMPTY", "must end after it begins"],
    ];
    for (const [filing, code, message] of refused) {
      await expect(rig.file(filing), message).rejects.toMatchObject({
        code,
        message: expect.stringContaining(message),
      });
    }
    expect(await listFilings(rig.db, {})).toEqual([first]);
    const later = { fromMs: T0 + 8 * HOUR_MS, toMs: T0 + 9 * HOUR_MS };
    const second = await rig.file({ ...later, crewId: "crew-b" });
    expect(await listFilings(rig.db, { personId: "li" })).toEqual([first, second]);
    expect(await listFilings(rig.db, { radioIssi: "1001", toMs: T0 + HOUR_MS })).toEqual([first]);
    expect(await listFilings(rig.db, { vehicleNode: "car-b" })).toEqual([second]);
    expect(await findFiling(rig.db, second.id)).toEqual(second);
  });

  test("of a shift is as long as the duty, which ends by the wall clock of the next day", async () => {
    const rig = await staffedRig();
    await putShift(rig.db, { id: "night", unitId: "street", name: "夜班", starts: "22:00", ends: "06:00" });
    const duty = await addDuty(rig.db, { crewId: "crew-a", shiftId: "night", date: "2026-11-19" });
    expect(duty).toMatchObject({
      shiftId: "night",
      fromMs: Date.parse("2026-11-19T22:00:00+08:00"),
      toMs: Date.parse("2026-11-20T06:00:00+08:00"),
    });
    expect(await rig.file({ dutyId: duty.id, toMs: duty.toMs })).toMatchObject({
      dutyId: duty.id,
      fromMs: duty.fromMs,
    });
    await expect(addDuty(rig.db, { crewId: "crew-a", shiftId: "night", date: "2026-02-30" })).rejects.toMatchObject({
      code: "DUTY_EMPTY",
    });
    await expect(addDuty(rig.db, { crewId: "crew-a", shiftId: "day", date: "2026-11-19" })).rejects.toMatchObject({
      code: "SHIFT_UNKNOWN",
    });
    await removeDuty(rig.db, duty.id);
    expect(await listDuties(rig.db, { fromMs: 0, toMs: T0, crewId: "crew-b" })).toHaveLength(1);
  });
});

describe("supervision", () => {
  const flags = async (rig: DeskRig) =>
    (await listFlags(rig.db, {})).map(
      ({ crewId, kind, untilMs }) => `${crewId} ${kind}${untilMs === undefined ? "" : " over"}`,
    );
  const told = (rig: DeskRig) => rig.events.filter(({ name }) => name === "supervision").length;
  const square = (middle: { latitudeDeg: number; longitudeDeg: number }) => {
    const { latitudeDeg, longitudeDeg } = middle;
    const outline = [
      { latitudeDeg: latitudeDeg - 0.02, longitudeDeg: longitudeDeg - 0.02 },
      { latitudeDeg: latitudeDeg - 0.02, longitudeDeg: longitudeDeg + 0.02 },
      { latitudeDeg: latitudeDeg + 0.02, longitudeDeg: longitudeDeg + 0.02 },
      { latitudeDeg: latitudeDeg + 0.02, longitudeDeg: longitudeDeg - 0.02 },
    ];
    return [{ kind: "polygon" as const, outline }];
  };
  const move = (rig: StaffedRig, to: typeof SITE) =>
    rig.desk.onPosition({ node: "car-a" }, { ...to, atMs: rig.clock.nowMs() });

  test("flags who is filed without a fresh fix, once, and ends when the fix is there", async () => {
    const rig = await staffedRig();
    await rig.file({});
    await rig.live(60_000);
    expect(await flags(rig)).toEqual([]);
    await rig.live(80_000);
    expect(await flags(rig)).toEqual(["crew-a no-fix"]);
    expect((await rig.desk.views.crewViews())[0]).toMatchObject({ id: "crew-a", flags: ["no-fix"] });
    await move(rig, NEAR_BY);
    await rig.live(11_000);
    expect([await flags(rig), told(rig)]).toEqual([["crew-a no-fix over"], 2]);
    for (const event of rig.events) expect(Value.Errors(EVENT_SCHEMAS[event.name], JSON.parse(event.data))).toEqual([]);
    for (const flag of await listFlags(rig.db, { open: false }))
      expect(Value.Errors(Flag, structuredClone(flag))).toEqual([]);
  });

  test("flags who is outside of the area of the crew or its unit, not who was sent there, and nobody who is not filed", async () => {
    const rig = await staffedRig();
    await putUnit(rig.db, { id: "street", name: "Hujialou street", level: "street", areas: square(SITE) });
    const filing = await rig.file({});
    await move(rig, NEAR_BY);
    await rig.live(11_000);
    expect(await flags(rig)).toEqual([]);
    await move(rig, FAR_OFF);
    await rig.live(11_000);
    expect(await flags(rig)).toEqual(["crew-a outside-area"]);
    await putCrew(rig.db, {
      id: "crew-a",
      name: "Crew A",
      unitId: "street",
      vehicleNode: "car-a",
      areas: square(FAR_OFF),
    });
    await rig.live(11_000);
    expect(await flags(rig)).toEqual(["crew-a outside-area over"]);
    await move(rig, SITE);
    await rig.live(11_000);
    await rig.receive(noiseRevision({ nowMs: rig.clock.nowMs() }));
    await rig.desk.wake();
    await rig.desk.actOnCase(
      { id: "d", name: "li.desk", role: "dispatcher" },
      (await rig.theCase()).case.id,
      { act: "assign", crewId: "crew-a" },
      "key-of-assign",
    );
    await rig.live(11_000);
    expect(await flags(rig)).toEqual(["crew-a outside-area over", "crew-a outside-area over"]);
    await rig.end(filing.id);
    await rig.live(200_000);
    expect((await flags(rig)).filter((flag) => !flag.endsWith("over"))).toEqual([]);
  });
});

test("candidates say who comes, whether two of them may act, and why a crew cannot be sent", async () => {
  const rig = await staffedRig();
  await rig.file({});
  const elsewhere = [{ kind: "cells" as const, cellDeg: 0.01, cells: ["0:0"] }];
  const crew = { id: "crew-b", name: "Crew B", unitId: "street", vehicleNode: "car-b", areas: elsewhere };
  await putCrew(rig.db, { ...crew, memberIds: ["zhao"], unavailable: "flat tyre" });
  await rig.receive(noiseRevision({ nowMs: T0 }));
  await rig.desk.wake();
  const { candidates } = await rig.theCase();
  expect(candidates).toMatchObject([
    {
      crewId: "crew-a",
      eligible: true,
      authority: { verdict: "may-act", category: "noise", holders: ["李", "王"], people: 2 },
    },
    { crewId: "crew-b", eligible: false, authority: { verdict: "evidence-only", holders: [], people: 1 } },
  ]);
  expect(candidates[0]?.reasons).toEqual([
    "on duty",
    "filed with 2 on board",
    "free",
    "fix 0 s old",
    "2 with authority for noise: 李, 王",
    expect.stringMatching(/^\d+ m: straight line/),
  ]);
  expect(candidates[1]?.reasons).toEqual([
    "on duty",
    "cannot be sent: flat tyre",
    "free",
    "fix 0 s old",
    "none of 1 has authority for noise: evidence only",
    "the place is outside its area",
    expect.stringMatching(/^\d+ m: straight line/),
  ]);
  await expect(removeCrew(rig.db, "crew-b")).rejects.toMatchObject({ code: "CREW_IN_USE" });
});
