import { expect, test } from "vitest";
import { findNode } from "../../../cloud-bridge/fleet/node-views.ts";
import { newRunId } from "../../../protocol/new-ids.ts";
import type { NewRecord } from "../../../protocol/record.ts";
import { BridgeBench, T0 } from "./bridge-bench.ts";

function time(upMs: number, utcMs: number): NewRecord {
  return { upMs, atMs: T0, timeQuality: "none", kind: "time", body: { upMs, utcMs, quality: "gnss" } };
}

function health(upMs: number, timeQuality: "none" | "ntp"): NewRecord {
  return {
    upMs,
    atMs: timeQuality === "none" ? upMs : T0 + upMs,
    timeQuality,
    kind: "health",
    body: {
      rssBytes: 9e7,
      cpuPct: 2,
      journalBytes: 4e6,
      unsentRecords: 0,
      laneDepth: [0, 0, 0, 0, 0],
      missedPolls: 0,
      eventLoopDelayP99Ms: 4,
      devices: {},
    },
  };
}

test("a node that has just started may look for the time; one that does not find it is a fault", async () => {
  await using bridge = await BridgeBench.open({ clockSettleMs: 90_000 });
  const run = newRunId();
  await bridge.hello({ runs: [{ run, first: 1, head: 6 }] });
  const faults = async () =>
    (await findNode(bridge.store.db, "site-1", T0)).faults.flatMap(({ rule }) =>
      rule === "clock-untrusted" ? [rule] : [],
    );
  let seq = 0;
  const says = async (upMs: number, quality: "none" | "ntp") => {
    bridge.clock.atMs = T0 + upMs;
    seq += 1;
    await bridge.up(bridge.envelope(run, seq, [health(upMs, quality)], 6, upMs));
  };
  await says(3_000, "none");
  await says(63_000, "none");
  expect(await faults()).toEqual([]);
  await says(123_000, "none");
  expect(await faults()).toEqual(["clock-untrusted"]);
  // A node that starts again does not find the time by that.
  const next = newRunId();
  await bridge.hello({ current: next, runs: [{ run: next, first: 1, head: 2 }] });
  bridge.clock.atMs = T0 + 200_000;
  await bridge.up(bridge.envelope(next, 1, [health(3_000, "none")], 2, 3_000));
  expect(await faults()).toEqual(["clock-untrusted"]);
  bridge.clock.atMs = T0 + 203_000;
  await bridge.up(bridge.envelope(next, 2, [health(6_000, "ntp")], 2, 6_000));
  expect(await faults()).toEqual([]);
});

test("a live node whose clock says 1970 is a fault until a newer record tells the time; a backlog changes nothing", async () => {
  await using bridge = await BridgeBench.open();
  const [run, ended] = [newRunId(), newRunId()];
  await bridge.hello({
    runs: [
      { run, first: 1, head: 4 },
      { run: ended, first: 1, head: 3 },
    ],
  });
  const faults = async () => (await findNode(bridge.store.db, "site-1", T0)).faults.map(({ rule }) => rule);
  const minute = 60_000;
  await bridge.up(bridge.envelope(run, 1, [health(0, "none")], 4, 30 * minute));
  expect(await faults()).toEqual([]);
  await bridge.up(bridge.envelope(run, 3, [health(31 * minute, "none")], 4, 31 * minute));
  expect(await faults()).toEqual(["clock-untrusted"]);
  await bridge.up(bridge.envelope(run, 2, [health(30 * minute, "ntp")], 4, 31 * minute));
  await bridge.up(bridge.envelope(ended, 1, [time(0, T0 - 86_400_000), health(minute, "ntp")]));
  expect(await faults()).toEqual(["clock-untrusted"]);
  bridge.clock.atMs += minute;
  await bridge.up(bridge.envelope(run, 4, [health(32 * minute, "ntp")], 4, 32 * minute));
  expect(await faults()).toEqual([]);
  await bridge.up(bridge.envelope(ended, 3, [health(2 * minute, "none")]));
  expect(await faults()).toEqual([]);
  expect(await bridge.count("follow_up")).toBe(1);
});
