import { expect, test, vi } from "vitest";
import { temporaryDirectory } from "../gateway/journal/sample-records.ts";
import { BareNode, BareSite } from "./bare-node.ts";

const SOON = { timeout: 20_000, interval: 50 };

test("two boxes on copies of one card are both kept, record by record, and the shared id is told", {
  timeout: 60_000,
}, async () => {
  const site = await BareSite.start();
  const card = temporaryDirectory();
  const first = await BareNode.start(card);
  await first.alarms(3);
  const copy = first.killedCopy();
  await first.connect(site.identity);
  const second = await BareNode.start(copy);
  await second.connect(site.identity);
  await first.alarms(3);
  await second.alarms(3);
  // One client id: they put each other out, again and again.
  await vi.waitFor(async () => expect(await site.faults()).toContain("node-id-shared"), SOON);
  site.look(card);
  site.look(copy);
  await second.stop();
  await first.drained();
  await first.stop();
  const again = await BareNode.start(copy);
  await again.connect(site.identity);
  await again.drained();
  site.look(copy);
  await again.stop();
  const report = await site.account();
  expect(report).toMatchObject({ lost: 0, doubled: 0, unexplained: 0, altered: 0, alarms: 9, stored: report.sent });
});
