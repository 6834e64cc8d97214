import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../gateway/journal/sample-records.ts";
import { BareNode, BareSite } from "./bare-node.ts";

test("a bridge restored from a backup gets again what it had receipted after it, also of a node that slept through it", {
  timeout: 60_000,
}, async () => {
  const site = await BareSite.start();
  const state = temporaryDirectory();
  const first = await BareNode.start(state);
  await first.alarms(2);
  await first.connect(site.identity);
  await first.drained();

  const file = join(site.state, "bridge.sqlite");
  const backup = join(temporaryDirectory(), "backup.sqlite");
  const db = new Database(file, { readonly: true });
  await db.backup(backup).finally(() => db.close());

  await first.alarms(3);
  await first.drained();
  site.look(state);
  await first.stop();
  await site.bridge.close();
  for (const suffix of ["-wal", "-shm"]) rmSync(file + suffix, { force: true });
  copyFileSync(backup, file);
  await site.restart();

  const again = await BareNode.start(state);
  await again.alarms(1);
  await again.connect(site.identity);
  await again.drained();
  site.look(state);
  await again.stop();
  const report = await site.account();
  expect(report).toMatchObject({ lost: 0, doubled: 0, unexplained: 0, altered: 0, alarms: 6, stored: report.sent });
});
