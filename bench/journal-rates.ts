import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { CustodyJournal } from "../gateway/contracts/journal.ts";
import { openJournal } from "../gateway/journal/open-journal.ts";
import type { AlarmBody } from "../protocol/alarm.ts";
import type { NewRecord } from "../protocol/record.ts";
import { encodeRecord } from "../protocol/record-encode.ts";
import { BareJournal } from "./bare-journal.ts";

/** What `custody-journal.ts` runs as a process of its own, on a fast and on a slow disk; prints its figures as JSON. */
export interface JournalRates {
  /** Records a second of wall time, and of processor time of all threads; the best round. */
  readonly oneByOne: Rate;
  /** Ten batches wait at a time, each for a commit of its own. */
  readonly tenAlone: Rate;
  /** Ten batches wait at a time, and those that wait share a commit. */
  readonly tenGrouped: Rate;
  readonly bare: Rate;
  /** ms from the call to the answer, of one alarm at a time. */
  readonly alarmMs: readonly number[];
  /** ms of one row committed by a bare loop, turn by turn with the alarms. */
  readonly bareMs: readonly number[];
}
export interface Rate {
  readonly perS: number;
  readonly perProcessorS: number;
}

const BATCH = 100;
const OUTSTANDING = 10;
const NOW_MS = 1_763_500_000_000;
const STAMP = { upMs: 0, atMs: NOW_MS, timeQuality: "ntp" } as const;

async function main(records: number, alarms: number, rounds: number): Promise<JournalRates> {
  const folder = mkdtempSync(join(tmpdir(), "shao-rates-"));
  const journal = await openJournal({ directory: join(folder, "journal"), stamp: () => STAMP, groupMs: 0 });
  const batches = Math.ceil(records / BATCH);
  const rows = Array.from({ length: BATCH }, (_, at) => encodeRecord(at + 1, position(at)));
  const rates = { oneByOne: [] as Rate[], tenAlone: [] as Rate[], tenGrouped: [] as Rate[], bare: [] as Rate[] };
  using bare = new BareJournal(folder);
  try {
    for (let round = 0; round < rounds; round += 1) {
      rates.oneByOne.push(await timed(records, () => writeBatches(journal, batches, 1, "urgent")));
      rates.tenAlone.push(await timed(records, () => writeBatches(journal, batches, OUTSTANDING, "urgent")));
      rates.tenGrouped.push(await timed(records, () => writeBatches(journal, batches, OUTSTANDING, "grouped")));
      const loop = () => {
        for (let n = 0; n < batches; n += 1) bare.commit(2, "position", rows);
      };
      rates.bare.push(await timed(records, async () => loop()));
    }
    const alarmMs: number[] = [];
    const bareMs: number[] = [];
    for (let n = 0; n < alarms; n += 1) {
      const record = alarm(n);
      const startedMs = performance.now();
      await journal.write(
        { append: [record], openAlarms: [{ device: "noise-01", subject: "", body: record.body }] },
        "urgent",
      );
      alarmMs.push(performance.now() - startedMs);
      const bytes = encodeRecord(n + 1, record);
      const bareStartedMs = performance.now();
      bare.commit(0, "alarm", [bytes]);
      bareMs.push(performance.now() - bareStartedMs);
    }
    return {
      oneByOne: best(rates.oneByOne),
      tenAlone: best(rates.tenAlone),
      tenGrouped: best(rates.tenGrouped),
      bare: best(rates.bare),
      alarmMs,
      bareMs,
    };
  } finally {
    await journal.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `outstanding` batches wait for their commit at a time. */
async function writeBatches(
  journal: CustodyJournal,
  batches: number,
  outstanding: number,
  urgency: "urgent" | "grouped",
): Promise<void> {
  let next = 0;
  const write = async () => {
    for (let batch = next++; batch < batches; batch = next++) {
      await journal.write({ append: Array.from({ length: BATCH }, (_, at) => position(batch * BATCH + at)) }, urgency);
    }
  };
  await Promise.all(Array.from({ length: outstanding }, write));
}

async function timed(records: number, act: () => Promise<void>): Promise<Rate> {
  const processor = process.cpuUsage();
  const startedMs = performance.now();
  await act();
  const seconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(processor);
  return { perS: records / seconds, perProcessorS: records / ((user + system) / 1e6) };
}

function best(rates: readonly Rate[]): Rate {
  return {
    perS: Math.max(...rates.map(({ perS }) => perS)),
    perProcessorS: Math.max(...rates.map(({ perProcessorS }) => perProcessorS)),
  };
}

function position(n: number): NewRecord {
  const atMs = NOW_MS + n * 1000;
  const body = { latitudeDeg: 39.9, longitudeDeg: 116.4, fix: "gnss", speedMps: 3, bearingDeg: 10 } as const;
  return { upMs: n * 1000, atMs, timeQuality: "ntp", kind: "position", device: "gps", body };
}

function alarm(n: number) {
  const body: AlarmBody = {
    alarmId: `01890a5d-ac96-7b7c-8f89-${String(n).padStart(12, "0")}`,
    rev: 1,
    phase: "raised",
    family: "noise",
    nature: "condition",
    rule: "night-noise",
    ruleKind: "trigger",
    raisedAtMs: NOW_MS,
    stateAtMs: NOW_MS,
    limits: { raiseDb: 70, clearDb: 67 },
    windows: [],
    evidence: [],
  };
  return { ...STAMP, kind: "alarm", device: "noise-01", body } as const;
}

const [records = 50_000, alarms = 500, rounds = 3] = process.argv.slice(2).map(Number);
process.stdout.write(`${JSON.stringify(await main(records, alarms, rounds))}\n`);
