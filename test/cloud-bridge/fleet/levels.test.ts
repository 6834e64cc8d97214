import { expect, test } from "vitest";
import { readLevels } from "../../../cloud-bridge/fleet/levels.ts";
import { deskRig, T0 } from "../../fakes/desk-rig.ts";

test("minutes that were stamped in 1970 lie where the corrected time places them", async () => {
  const { minute, store } = await deskRig();
  await minute(60_000, 55);
  await store.db
    .updateTable("inbox")
    .set({ corrected_at_ms: T0 + 120_000 })
    .where("at_ms", "<", 1e9)
    .execute();
  const asked = { node: "site-042", device: "noise-01", fromMs: T0, toMs: T0 + 120_000 };
  const { minutes } = await readLevels(store.db, asked);
  expect(minutes.map(({ laeqDb, series }) => [laeqDb, series.fromMs])).toEqual([[55, T0 + 60_000]]);
  expect((await readLevels(store.db, { ...asked, fromMs: 0, toMs: 3_600_000 })).minutes).toEqual([]);
});

test("levels are those of one meter, or of one station behind it; a station's own periods stand apart", async () => {
  const { minute, store } = await deskRig();
  await minute(T0, 50);
  await minute(T0, 61, { station: "GATE01" });
  await minute(T0 + 60_000, 62, { station: "GATE01", statisticsBy: "station" });
  await minute(T0, 70, { station: "GATE02" });
  const asked = { node: "site-042", device: "noise-01", fromMs: T0, toMs: T0 + 120_000 };
  const own = await readLevels(store.db, asked);
  expect(own.minutes.map(({ laeqDb }) => laeqDb)).toEqual([50]);
  expect(own.periods).toEqual([]);
  const station = await readLevels(store.db, { ...asked, subject: "GATE01" });
  expect(station.minutes.map(({ laeqDb }) => laeqDb)).toEqual([61]);
  expect(station.periods).toMatchObject([{ fromMs: T0 + 60_000, toMs: T0 + 120_000, statistics: { laeqDb: 62 } }]);
});
