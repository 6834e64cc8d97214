import { spawnSync } from "node:child_process";
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { LocalSystem } from "../../cli/sim/local-system.ts";
import type { NodeAccounting } from "../../cloud-bridge/api/schema/fleet.ts";
import { openJournal } from "../../gateway/journal/open-journal.ts";
import { scratchFolder } from "../fakes/rigs.ts";
import { alarm, position, stampAt, temporaryDirectory } from "../gateway/journal/sample-records.ts";
import { noisyNode } from "../site/noisy-node.ts";

const shao = join(import.meta.dirname, "../../cli/shao.js");

function backup(...words: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [shao, "backup", ...words], { encoding: "utf8" });
  return { status, stdout, stderr };
}

test("a journal is copied while it is written; its copy proves whole, opens, and one flipped byte is found", async () => {
  const directory = temporaryDirectory();
  const out = join(temporaryDirectory(), "copy");
  await using live = await openJournal({ directory, stamp: stampAt(), groupMs: 1, reserveBytes: 65_536 });
  const { run } = live.restored;
  await live.write({ append: [position(), alarm()] }, "urgent");
  expect(backup("gateway", directory, "--out", out, "--verify")).toMatchObject({ status: 0 });
  await live.write({ append: [position()] }, "grouped");
  expect(backup("gateway", directory, "--out", out)).toMatchObject({ status: 1 });

  const restored = temporaryDirectory();
  copyFileSync(join(out, "journal.sqlite"), join(restored, "journal.sqlite"));
  await using again = await openJournal({ directory: restored, stamp: stampAt(), groupMs: 1, reserveBytes: 65_536 });
  expect(again.restored.previous).toEqual({ run, lastSeq: 2 });
  expect(await again.lacking(run, [[1, 3]])).toEqual([[3, 3]]);

  const copy = readFileSync(join(out, "journal.sqlite"));
  copy[5000] = (copy[5000] ?? 0) ^ 1;
  writeFileSync(join(out, "journal.sqlite"), copy);
  expect(backup("verify", out)).toMatchObject({ status: 1, stdout: expect.stringContaining("BACKUP_BROKEN") });
}, 60_000);

test("a bridge restored from a backup that records have overtaken gets from its node all that it forgot", {
  timeout: 240_000,
}, async () => {
  const folder = scratchFolder();
  onTestFinished(() => folder.remove());
  const meters = await noisyNode({ keepReceipted: true });
  onTestFinished(() => meters.close());
  const { system, adminToken } = await LocalSystem.create({ directory: join(folder.path, "state") });
  let bridge = await system.startBridge(["--log-level", "error"]);
  onTestFinished(async () => void (await bridge.stop()));
  const admin = await system.signIn(adminToken);
  system.writeNodeConfig("site-01", meters.config);
  await system.pair(admin, "site-01");
  const node = system.startNode("site-01", ["--log-level", "error"]);
  onTestFinished(async () => void (await node.stop()));

  const inbox = () => {
    const db = new Database(join(system.bridgeState, "bridge.sqlite"), { readonly: true, timeout: 10_000 });
    const rows = db.prepare("SELECT run || '/' || seq AS place, sha256 FROM inbox WHERE node = 'site-01'").all();
    const alarms = db.prepare("SELECT alarm_id FROM alarms WHERE node = 'site-01' AND family = 'noise'").pluck().all();
    db.close();
    return {
      rows: new Map((rows as { place: string; sha256: string }[]).map(({ place, sha256 }) => [place, sha256])),
      alarms: new Set(alarms as string[]),
    };
  };
  const until = async (is: () => boolean) => {
    for (let tries = 0; tries < 600 && !is(); tries += 1) await wait(100);
    expect(is()).toBe(true);
  };
  await until(() => inbox().rows.size > 40);
  const out = join(folder.path, "backup");
  const made = backup(
    "bridge",
    "--config",
    join(system.directory, "bridge.yaml"),
    "--out",
    out,
    "--with-keys",
    "--verify",
  );
  expect(made.stderr).toContain("private keys");
  expect(made.status).toBe(0);
  const atBackup = inbox().rows.size;
  await until(() => inbox().rows.size > atBackup + 60);
  const atDeath = inbox();
  bridge.kill("SIGKILL");
  await bridge.ended;

  for (const suffix of ["", "-wal", "-shm"])
    rmSync(join(system.bridgeState, `bridge.sqlite${suffix}`), { force: true });
  copyFileSync(join(out, "bridge.sqlite"), join(system.bridgeState, "bridge.sqlite"));
  const forgotten = [...atDeath.rows.keys()].filter((place) => !inbox().rows.has(place));
  expect(forgotten.length).toBeGreaterThan(30);
  bridge = await system.startBridge(["--log-level", "error"]);
  await until(() => {
    const { rows } = inbox();
    return [...atDeath.rows.keys()].every((place) => rows.has(place));
  });
  const now = inbox();
  for (const [place, sha256] of atDeath.rows) expect(now.rows.get(place)).toBe(sha256);
  for (const alarmId of atDeath.alarms) expect(now.alarms).toContain(alarmId);
  const account = (await admin.call("GET", "/api/v1/nodes/site-01/accounting")) as NodeAccounting;
  expect(account.total).toMatchObject({ unexplained: 0, declared: 0 });
  process.stderr.write(
    `backup: ${atBackup} records in it, ${atDeath.rows.size} at the death, ${forgotten.length} given again\n`,
  );
});
