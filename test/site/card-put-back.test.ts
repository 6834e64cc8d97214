import { expect, test } from "vitest";
import { temporaryDirectory } from "../gateway/journal/sample-records.ts";
import { BareNode, BareSite } from "./bare-node.ts";

const DAY_MS = 86_400_000;

test("a card put back after a month brings what it still had, and neither card's records are asked for in vain", {
  timeout: 60_000,
}, async () => {
  const nowMs = Date.now();
  const site = await BareSite.start();
  const old = temporaryDirectory();
  const before = await BareNode.start(old, { atMs: nowMs - 31 * DAY_MS, timeQuality: "ntp" });
  await before.alarms(2);
  await before.connect(site.identity);
  await before.drained();
  await before.stop();
  // Three more that never went out.
  const offline = await BareNode.start(old, { atMs: nowMs - 30 * DAY_MS, timeQuality: "ntp" });
  await offline.alarms(3);
  site.look(old);
  await offline.stop();

  const fresh = temporaryDirectory();
  for (const daysAgo of [29, 15, 1]) {
    const month = await BareNode.start(fresh, { atMs: nowMs - daysAgo * DAY_MS, timeQuality: "ntp" });
    await month.alarms(2);
    await month.connect(site.identity);
    await month.drained();
    site.look(fresh);
    await month.stop();
  }

  const back = await BareNode.start(old, { atMs: nowMs, timeQuality: "ntp" });
  await back.alarms(1);
  await back.connect(site.identity);
  await back.drained();
  site.look(old);
  const { json } = await site.admin.ask("/api/v1/nodes/site-1/accounting");
  expect(json).toMatchObject({ total: { outstanding: 0, unexplained: 0, declared: 0 } });
  await back.stop();
  const report = await site.account();
  expect(report).toMatchObject({ lost: 0, doubled: 0, unexplained: 0, altered: 0, alarms: 12, stored: report.sent });
});
