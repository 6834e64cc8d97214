import process from "node:process";
import { expect } from "vitest";
import { encodeEnvelope } from "../../../protocol/envelope.ts";
import type { NewRecord } from "../../../protocol/record.ts";
import { BridgeBench, T0 } from "../../cloud-bridge/ingest/bridge-bench.ts";
import { JournalTable } from "../../fakes/journal-table.ts";
import { anotherAlarm, health, minute, position, temporaryDirectory } from "./sample-records.ts";

const MINUTES_A_DAY = 1440;
/** The rule flaps: an alarm of its own every twelve minutes, with updates and an end. */
const FLAP_MIN = 12;
const RUN = "m".repeat(22);
const STANDING = 3;

/** Days without a link, with every promise about them checked; then the drain into the real ingest. */
export async function offlineFor(days: number, quotaBytes: number): Promise<void> {
  const journal = new JournalTable({ directory: temporaryDirectory(), quotaBytes }, T0 - days * 86_400_000, RUN);
  const sizes: number[] = [];
  let made = 0;
  const alarmOf = (n: number, change = {}) =>
    anotherAlarm(n, { raisedAtMs: journal.nowMs, stateAtMs: journal.nowMs, ...change });
  const stamped = (record: NewRecord): NewRecord => ({ ...record, ...journal.stamp() });
  for (; made < STANDING; made += 1) {
    const open = alarmOf(made);
    const openAlarms = [{ device: "noise-01", subject: "", body: open.body }];
    expect(journal.write({ append: [stamped(open)], openAlarms }, "urgent")).toHaveLength(1);
  }
  let now: ReturnType<typeof anotherAlarm> | undefined;
  for (let day = 0; day < days; day += 1) {
    for (let m = 0; m < MINUTES_A_DAY; m += 1) {
      journal.nowMs += 60_000;
      const { nowMs } = journal;
      const phase = m % FLAP_MIN;
      if (phase === 0) {
        now = alarmOf(made);
        made += 1;
        const openAlarms = [{ device: "noise-01", subject: "", body: now.body }];
        expect(journal.write({ append: [stamped(now)], openAlarms }, "urgent")).toHaveLength(1);
      } else if (now !== undefined && (phase === 2 || phase === 4)) {
        now = { ...now, body: { ...now.body, rev: phase, phase: "updated", stateAtMs: nowMs } };
        const openAlarms = [{ device: "noise-01", subject: "", body: now.body }];
        expect(journal.write({ append: [stamped(now)], openAlarms }, "urgent")).toHaveLength(1);
      } else if (now !== undefined && phase === 6) {
        const body = { ...now.body, rev: 6, phase: "cleared" as const, stateAtMs: nowMs, clearedAtMs: nowMs };
        const write = { append: [stamped({ ...now, body })], closedAlarms: [body.alarmId] };
        expect(journal.write(write, "urgent")).toHaveLength(1);
        now = undefined;
      }
      journal.write({ append: [minute(nowMs), position(nowMs), health()].map(stamped) });
      if (m % 10 === 0) journal.store.tend(journal.stamp());
    }
    sizes.push(journal.sizeBytes());
  }
  const statistics = journal.store.statistics();
  const table = sizes.map((size, day) => `day ${day + 1}: ${(size / 1e6).toFixed(2)} MB`);
  process.stderr.write(`month offline: ${made} alarms, head ${journal.store.runs()[0]?.head}; ${table.join(", ")}\n`);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(quotaBytes);
  // Flat from when it first was full.
  expect(sizes.at(-1)).toBeLessThanOrEqual((sizes[5] ?? 0) * 1.01);
  expect(statistics).toMatchObject({ alarmStoreFull: true, full: false });
  expect(journal.unexplained()).toEqual([]);
  expect(journal.store.tables.openAlarms()).toHaveLength(STANDING + (now === undefined ? 0 : 1));

  const records = journal.rows(RUN, 1, Number.MAX_SAFE_INTEGER);
  const alarms = records.flatMap((record) => (record.kind === "alarm" ? [record.body] : []));
  const folds = alarms.filter(({ folded }) => folded !== undefined);
  const alive = new Set(alarms.filter(({ folded }) => folded === undefined).map(({ alarmId }) => alarmId));
  expect(folds).toHaveLength(1);
  expect((folds[0]?.folded?.count ?? 0) + alive.size).toBe(made);
  for (let n = 0; n < STANDING; n += 1) expect(alive).toContain(anotherAlarm(n).body.alarmId);

  // The link is back: the real ingest takes what is left.
  await using bridge = await BridgeBench.open();
  await bridge.online();
  const head = journal.store.runs()[0]?.head ?? 0;
  const open = journal.store.tables.openAlarms().map(({ body }) => body.alarmId);
  await bridge.hello({ runs: [{ run: RUN, first: 1, head }], current: RUN, open });
  const rows = journal.store.reader.read({
    ...{ run: RUN, ranges: [[1, head]], lanes: [0, 1, 2, 3, 4], maxRecords: 1e9, maxBytes: 1e12 },
  });
  for (let at = 0; at < rows.length; at += 200) {
    const items = rows.slice(at, at + 200).map(({ bytes }) => bytes);
    const answers = await bridge.up(encodeEnvelope({ run: RUN, head, upMs: journal.stamp().upMs }, items));
    for (const answer of answers) {
      if (answer.type !== "receipt") continue;
      expect(answer.refused).toEqual([]);
      journal.store.markReceipted(RUN, answer.ranges);
    }
  }
  expect(journal.store.statistics().unreceipted).toBe(0);
  const ledger = await bridge.store.db.selectFrom("runs").selectAll().where("run", "=", RUN).executeTakeFirstOrThrow();
  const count = (ranges: string) =>
    (JSON.parse(ranges) as [number, number][]).reduce((sum, [from, to]) => sum + to - from + 1, 0);
  expect(count(ledger.stored) + count(ledger.declared)).toBe(head);
  expect(await bridge.count("quarantine")).toBe(0);
  const atBridge = await bridge.store.db.selectFrom("alarms").selectAll().where("family", "=", "noise").execute();
  const counted = atBridge.reduce((sum, { body }) => sum + ((JSON.parse(body).folded?.count as number) ?? 1), 0);
  expect(counted).toBe(made);
  // The bridge knows which are open, and owes each a follow-up.
  const standing = atBridge.filter(({ phase, superseded }) => phase !== "cleared" && superseded === 0);
  expect(standing.map(({ alarm_id }) => alarm_id).sort()).toEqual(open.sort());
  expect(await bridge.count("follow_up")).toBeGreaterThanOrEqual(atBridge.length);
}
