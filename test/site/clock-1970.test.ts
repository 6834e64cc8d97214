import { expect, test } from "vitest";
import { temporaryDirectory } from "../gateway/journal/sample-records.ts";
import { BareNode, BareSite } from "./bare-node.ts";

const IN_1970_MS = 20_000;
const HOUR_MS = 3_600_000;
/** Between the test's clock and the node's, on a busy machine. */
const SLACK_MS = 5_000;

test("records made in 1970, and after a jump back, get their true time at the bridge and keep their own bytes", {
  timeout: 60_000,
}, async () => {
  const site = await BareSite.start();
  const state = temporaryDirectory();
  const clock = { atMs: IN_1970_MS, timeQuality: "none" as "none" | "ntp" };
  const node = await BareNode.start(state, clock);
  await node.alarms(2);
  await node.connect(site.identity);
  await node.drained();
  const nowMs = Date.now();
  Object.assign(clock, { atMs: nowMs, timeQuality: "ntp" });
  const upMs = node.upMs();
  await node.commit({ kind: "time", body: { upMs, utcMs: nowMs, quality: "ntp" } });
  await node.alarms(2);
  clock.atMs = nowMs - HOUR_MS;
  await node.alarms(2);
  await node.drained();
  site.look(state);
  const rows = await site.bridge.store.db
    .selectFrom("inbox")
    .select(["kind", "at_ms", "corrected_at_ms"])
    .orderBy("seq")
    .execute();
  const alarms = rows.filter(({ kind }) => kind === "alarm");
  // Never re-stamped: what the node believed stands beside what was true.
  expect(alarms.map(({ at_ms }) => at_ms)).toEqual([
    IN_1970_MS,
    IN_1970_MS,
    nowMs,
    nowMs,
    nowMs - HOUR_MS,
    nowMs - HOUR_MS,
  ]);
  for (const { corrected_at_ms } of alarms.slice(2)) {
    expect(Math.abs(Number(corrected_at_ms) - nowMs)).toBeLessThan(SLACK_MS);
  }
  await node.stop();
  const report = await site.account();
  expect(report).toMatchObject({ lost: 0, doubled: 0, unexplained: 0, altered: 0, alarms: 6, stored: report.sent });
});
