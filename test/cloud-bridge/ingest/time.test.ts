import { describe, expect, test } from "vitest";
import { accountingOf } from "../../../cloud-bridge/fleet/accounting.ts";
import { findNode } from "../../../cloud-bridge/fleet/node-views.ts";
import type { TimeQuality } from "../../../protocol/ids.ts";
import { newAlarmId, newRunId } from "../../../protocol/new-ids.ts";
import type { NewRecord } from "../../../protocol/record.ts";
import { alarmRecord, noiseRecord } from "../../protocol/examples.ts";
import { BridgeBench, T0 } from "./bridge-bench.ts";

const HOUR_MS = 3_600_000;
const noise = (upMs: number, atMs: number, timeQuality: TimeQuality): NewRecord => ({
  ...noiseRecord(0),
  upMs,
  atMs,
  timeQuality,
});
const time = (upMs: number, utcMs: number, quality: TimeQuality): NewRecord => ({
  upMs,
  atMs: utcMs,
  timeQuality: quality,
  kind: "time",
  body: { upMs, utcMs, quality },
});

async function dates(bridge: BridgeBench, run: string): Promise<[number, number | null][]> {
  const rows = await bridge.store.db
    .selectFrom("inbox")
    .select(["at_ms", "corrected_at_ms"])
    .where("run", "=", run)
    .orderBy("seq")
    .execute();
  return rows.map(({ at_ms, corrected_at_ms }) => [at_ms, corrected_at_ms]);
}

const clockOf = async (bridge: BridgeBench) => (await accountingOf(bridge.store.db, "site-1")).runs[0]?.clock;
const faultsOf = async (bridge: BridgeBench) =>
  (await findNode(bridge.store.db, "site-1", T0)).faults.map(({ rule }) => rule);

describe("the bridge's corrected time", () => {
  test("a clock in 1970 that becomes true dates what came before; the stamps stay as they were sent", async () => {
    await using bridge = await BridgeBench.open();
    const run = newRunId();
    await bridge.hello({ runs: [{ run, first: 1, head: 4 }] });
    await bridge.up(bridge.envelope(run, 1, [time(0, 600_000, "none"), noise(60_000, 660_000, "none")], 4));
    expect(await dates(bridge, run)).toEqual([
      [600_000, null],
      [660_000, null],
    ]);
    expect(await clockOf(bridge)).toEqual({ quality: "none", jumps: 0 });
    await bridge.up(bridge.envelope(run, 3, [time(90_000, T0, "gnss"), noise(120_000, T0 + 30_000, "gnss")], 4));
    expect(await dates(bridge, run)).toEqual([
      [600_000, T0 - 90_000],
      [660_000, T0 - 30_000],
      [T0, T0],
      [T0 + 30_000, T0 + 30_000],
    ]);
    expect(await clockOf(bridge)).toEqual({ quality: "gnss", jumps: 0 });
  });

  test("a clock that jumps ahead and back moves no record of another stretch, and the run says that it was set", async () => {
    await using bridge = await BridgeBench.open();
    const run = newRunId();
    await bridge.hello({ runs: [{ run, first: 1, head: 6 }] });
    await bridge.up(
      bridge.envelope(run, 1, [
        time(0, T0, "ntp"),
        noise(1_000, T0 + 1_000, "ntp"),
        time(2_000, T0 + HOUR_MS, "ntp"),
        noise(3_000, T0 + HOUR_MS + 1_000, "ntp"),
        time(4_000, T0 + 4_000, "ntp"),
        noise(5_000, T0 + 5_000, "ntp"),
      ]),
    );
    const corrected = (await dates(bridge, run)).map(([, ms]) => (ms ?? 0) - T0);
    expect(corrected).toEqual([0, 1_000, HOUR_MS, HOUR_MS + 1_000, 4_000, 5_000]);
    expect(await clockOf(bridge)).toEqual({ quality: "ntp", jumps: 2 });
  });

  test("a battery clock that is a day slow is put right, also for what it had dated, once a receiver speaks", async () => {
    await using bridge = await BridgeBench.open();
    const run = newRunId();
    await bridge.hello({ runs: [{ run, first: 1, head: 3 }] });
    const slow = T0 - 24 * HOUR_MS;
    await bridge.up(bridge.envelope(run, 1, [time(0, slow, "rtc"), noise(60_000, slow + 60_000, "rtc")], 3));
    expect((await dates(bridge, run)).map(([, ms]) => ms)).toEqual([slow, slow + 60_000]);
    await bridge.up(bridge.envelope(run, 3, [time(90_000, T0 + 90_000, "gnss")]));
    expect(await dates(bridge, run)).toEqual([
      [slow, T0],
      [slow + 60_000, T0 + 60_000],
      [T0 + 90_000, T0 + 90_000],
    ]);
  });

  test("a time record that comes late, out of order, dates the rows that lie there already", async () => {
    await using bridge = await BridgeBench.open();
    const run = newRunId();
    await bridge.hello({ runs: [{ run, first: 1, head: 3 }] });
    await bridge.up(bridge.envelope(run, 3, [noise(9_000, 9_000, "none")]));
    await bridge.up(bridge.envelope(run, 1, [noise(1_000, 1_000, "none")], 3));
    await bridge.up(bridge.envelope(run, 2, [time(5_000, T0 + 5_000, "ntp")], 3));
    expect((await dates(bridge, run)).map(([, ms]) => (ms ?? 0) - T0)).toEqual([1_000, 5_000, 9_000]);
  });

  test("a run that ends without ever knowing the time: its alarm counts as live, and the clock as untrusted", async () => {
    await using bridge = await BridgeBench.open();
    const [run, ended] = [newRunId(), newRunId()];
    await bridge.hello({
      runs: [
        { run, first: 1, head: 0 },
        { run: ended, first: 1, head: 2 },
      ],
    });
    const alarm: NewRecord = { ...alarmRecord(newAlarmId(T0)), upMs: 70_000, atMs: 70_000, timeQuality: "none" };
    await bridge.up(bridge.envelope(ended, 1, [time(0, 0, "none"), alarm]));
    const row = await bridge.store.db
      .selectFrom("alarms")
      .select(["late"])
      .where("family", "=", "noise")
      .executeTakeFirstOrThrow();
    expect(row.late).toBe(0);
    expect(await faultsOf(bridge)).toEqual(["clock-untrusted"]);
    expect((await dates(bridge, ended)).map(([, ms]) => ms)).toEqual([null, null]);
  });

  test("after a sleep of an hour an alarm from before it is an hour old, by the run's clock alone", async () => {
    await using bridge = await BridgeBench.open();
    const run = newRunId();
    await bridge.hello({ runs: [{ run, first: 1, head: 1 }] });
    const alarm: NewRecord = { ...alarmRecord(newAlarmId(T0)), upMs: 10_000, atMs: 0, timeQuality: "none" };
    await bridge.up(bridge.envelope(run, 1, [alarm], 1, 10_000 + HOUR_MS));
    const row = await bridge.store.db
      .selectFrom("alarms")
      .select("late")
      .where("family", "=", "noise")
      .executeTakeFirstOrThrow();
    expect(row.late).toBe(1);
  });

  test("a live alarm of a node in 1970 is raised now, where its meter is bound now", async () => {
    await using bridge = await BridgeBench.open();
    const run = newRunId();
    await bridge.hello({ runs: [{ run, first: 1, head: 1 }] });
    await bridge.store.db
      .insertInto("bindings")
      .values({
        node: "site-1",
        device: "noise-01",
        site_id: "block-7",
        from_ms: T0 - HOUR_MS,
        to_ms: null,
        source: "api",
      })
      .execute();
    const made = alarmRecord(newAlarmId(T0));
    if (made.kind !== "alarm") throw new Error("no alarm");
    const body = { ...made.body, raisedAtMs: 30_000, stateAtMs: 30_000 };
    const alarm: NewRecord = { ...made, upMs: 30_000, atMs: 30_000, timeQuality: "none", body };
    await bridge.up(bridge.envelope(run, 1, [alarm], 1, 32_000));
    const row = await bridge.store.db
      .selectFrom("alarms")
      .selectAll()
      .where("family", "=", "noise")
      .executeTakeFirstOrThrow();
    expect(row).toMatchObject({ site_id: "block-7", raised_at_ms: T0 - 2_000, state_at_ms: T0 - 2_000 });
    expect(JSON.parse(row.body)).toMatchObject({ raisedAtMs: 30_000 });
  });
});
