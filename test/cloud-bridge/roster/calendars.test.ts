import { expect, test } from "vitest";
import { addCalendar, calendarOfUnit, findCalendar, listCalendars } from "../../../cloud-bridge/roster/calendars.ts";
import { putUnit } from "../../../cloud-bridge/roster/units.ts";
import { defaultCalendar } from "../../../cloud-bridge/roster/work-calendar.ts";
import { temporaryStore } from "../../fakes/bridge-store.ts";

test("versions stay, the newest counts, and a unit goes by the nearest that is named above it", async () => {
  const { db } = await temporaryStore();
  const zone = "Asia/Shanghai";
  const add = (id: string, name: string) =>
    db.transaction().execute((trx) => addCalendar(trx, { ...defaultCalendar(zone), id, name }, "admin", 5));
  expect((await findCalendar(db, "default", { timeZone: zone })).version).toBe(0);
  await add("default", "China 2026");
  await add("default", "China 2026, corrected");
  await add("shifts", "Shifts");
  expect(await findCalendar(db, "default", { timeZone: zone })).toMatchObject({ version: 2, createdBy: "admin" });
  expect(await findCalendar(db, "default", { version: 1, timeZone: zone })).toMatchObject({ name: "China 2026" });
  await expect(findCalendar(db, "default", { version: 9, timeZone: zone })).rejects.toMatchObject({
    code: "CALENDAR_UNKNOWN",
  });
  expect((await listCalendars(db, zone)).map(({ id, version }) => `${id} ${version}`)).toEqual([
    "default 2",
    "shifts 1",
  ]);
  await putUnit(db, { id: "city", name: "City", level: "city", calendarId: "shifts" });
  await putUnit(db, { id: "street", name: "Street", level: "street", parentId: "city" });
  await putUnit(db, { id: "other", name: "Other", level: "street" });
  const of = async (unit?: string) => (await calendarOfUnit(db, unit, zone)).id;
  expect([await of("street"), await of("other"), await of()]).toEqual(["shifts", "default", "default"]);
});
