import { statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { expect, test } from "vitest";
import { openForReading, storedRows } from "../../gateway/journal/inspect.ts";
import { encodeHello, helloPages } from "../../protocol/hello.ts";
import { EdgeNode } from "../fakes/edge-node.ts";
import { temporaryDirectory } from "../gateway/journal/sample-records.ts";
import { BareNode, BareSite } from "./bare-node.ts";
import { flipBit } from "./faults/damage.ts";
import { seededRandom } from "./seeded-random.ts";

const SEED = Number(process.env["SHAO_SEED"] ?? Date.now() % 1_000_000);
const HARMS = 12;
const WAL = "journal.sqlite-wal";

function rows(state: string): readonly string[] {
  using journal = openForReading(state);
  return [...storedRows(journal)].map(({ run, seq, bytes }) => `${run}/${seq} ${Buffer.from(bytes).toString()}`);
}

/** @returns for how many of the harms something was missing afterwards */
async function harmed(harm: (wal: string, random: () => number) => void, isTold = false): Promise<number> {
  const random = seededRandom(SEED);
  const node = await BareNode.start(temporaryDirectory(), { atMs: Date.UTC(2026, 5, 1), timeQuality: "ntp" });
  await node.alarms(12);
  const run = node.journal.restored.run;
  let shorter = 0;
  let told = 0;
  for (let n = 0; n < HARMS; n += 1) {
    const state = node.killedCopy();
    const before = rows(state);
    expect(before).toHaveLength(13);
    harm(join(state, WAL), random);
    const again = await BareNode.start(state, { atMs: Date.UTC(2026, 5, 2), timeQuality: "ntp" });
    expect(again.journal.restored.run).not.toBe(run);
    const { logFault } = again.journal.restored;
    await again.stop();
    const after = rows(state).filter((row) => row.startsWith(`${run}/`));
    // What is there is what was written, without a hole: a tail may be gone, never a middle, and never another content.
    expect(after).toEqual(before.slice(0, after.length));
    if (after.length < before.length) shorter += 1;
    if (logFault !== undefined) told += 1;
    // What was acknowledged is not passed over in silence where the log itself can show it.
    if (isTold && after.length < before.length) expect(logFault?.file).toMatch(/-wal\.damaged-/u);
    if (after.length === before.length && isTold) expect(logFault).toBe(undefined);
  }
  process.stderr.write(`${shorter} of ${HARMS} lost records, ${told} were noticed at the start\n`);
  return shorter;
}

test("a log that is cut at any byte loses its tail and nothing else, and what is left is what was written", {
  timeout: 120_000,
}, async () => {
  process.stderr.write(`seed ${SEED}\n`);
  expect(await harmed((wal, random) => truncateSync(wal, Math.floor(random() * statSync(wal).size)))).toBeGreaterThan(
    0,
  );
});

test("a bit that flips anywhere in the log alters no record", { timeout: 120_000 }, async () => {
  process.stderr.write(`seed ${SEED}\n`);
  expect(await harmed((wal, random) => flipBit(wal, random), true)).toBeGreaterThan(0);
});

test("what a torn log lost, and the bridge had heard of, is declared by the node", { timeout: 60_000 }, async () => {
  const site = await BareSite.start();
  const state = temporaryDirectory();
  const node = await BareNode.start(state);
  await node.alarms(6);
  const { run } = node.journal.restored;
  const copy = node.killedCopy();
  await node.stop();
  // The bridge heard of all seven records and has none.
  const edge = await EdgeNode.connect(site.identity);
  const hello = { session: edge.session, current: run, runs: [{ run, first: 1, head: 7 }], open: [] };
  for (const page of helloPages(hello)) {
    await edge.client.publishAsync("shao/site-1/up", Buffer.from(encodeHello(page)), { qos: 1 });
  }
  await edge.client.endAsync();
  const wal = join(copy, WAL);
  site.look(copy).damage(() => truncateSync(wal, Math.floor(statSync(wal).size * 0.7)));
  const again = await BareNode.start(copy);
  await again.alarms(2);
  await again.connect(site.identity);
  await again.drained();
  await site.accounted();
  site.look(copy);
  await again.stop();
  const report = await site.account();
  expect(report).toMatchObject({ lost: 0, doubled: 0, unexplained: 0, altered: 0, destroyedUnheard: 0 });
  expect(report.destroyed).toBeGreaterThan(0);
  expect(report.destroyedShown).toBe(report.destroyed);
});
