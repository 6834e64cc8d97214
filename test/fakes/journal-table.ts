import { onTestFinished } from "vitest";
import type { JournalWrite } from "../../gateway/contracts/journal.ts";
import { Batch } from "../../gateway/journal/batch.ts";
import { openDatabase } from "../../gateway/journal/database.ts";
import { JournalStore } from "../../gateway/journal/journal-store.ts";
import type { JournalSettings, Stamp, Urgency } from "../../gateway/journal/messages.ts";
import { RunTable } from "../../gateway/journal/run-table.ts";
import { PAGE_BYTES } from "../../gateway/journal/sqlite.ts";
import { contains, NO_RANGES, type Ranges, rangesFrom, union } from "../../protocol/ranges.ts";
import type { BodyOf, NewRecord } from "../../protocol/record.ts";

const ALL = { lanes: [0, 1, 2, 3, 4], maxRecords: 1e9, maxBytes: 1e12, includeReceipted: true } as const;

export type HeldRecord = NewRecord & { readonly seq: number };

/** The journal's tables without their thread: a real file, a clock of the test's own, and no waiting. */
export class JournalTable {
  readonly run: string;
  readonly store: JournalStore;
  readonly db;
  nowMs: number;
  readonly #startMs: number;

  constructor(settings: Partial<JournalSettings> & { readonly directory: string }, nowMs: number, run: string) {
    this.nowMs = nowMs;
    this.#startMs = nowMs;
    this.run = run;
    const full: JournalSettings = {
      ...{ quotaBytes: 64 << 20, reserveBytes: 65_536, keepReceiptedMs: 30 * 86_400_000, minFreeDiskBytes: 0 },
      ...settings,
      stamp: this.stamp(),
    };
    this.db = openDatabase(full.directory, Math.floor(full.quotaBytes / PAGE_BYTES));
    this.db.pragma("synchronous = OFF");
    const runs = new RunTable(this.db);
    const current = this.db.transaction(() => runs.begin(run, nowMs)).immediate();
    this.store = new JournalStore(this.db, runs, current, full);
    onTestFinished(() => void this.db.close());
  }

  stamp(): Stamp {
    return { upMs: this.nowMs - this.#startMs, atMs: this.nowMs, timeQuality: "ntp" };
  }

  /** Records one after another, while time goes on. */
  each(count: number, stepMs: number, make: (nowMs: number) => NewRecord): NewRecord[] {
    return Array.from({ length: count }, () => {
      this.nowMs += stepMs;
      return make(this.nowMs);
    });
  }

  /** @returns the seqs, or the code of the refusal; trims and checkpoints as the thread does */
  write(write: JournalWrite, urgency: Urgency = "grouped"): readonly number[] | string {
    const batch = new Batch([write]);
    const [outcome] = batch.outcomes(this.store.write(batch.writes, urgency, this.stamp()));
    while (this.store.wantsTrim) {
      const before = this.store.runs()[0]?.head;
      this.store.trim();
      if (before === this.store.runs()[0]?.head) break;
    }
    if (this.store.wantsCheckpoint) this.store.checkpoint();
    if (outcome === undefined) return "nothing";
    return "seqs" in outcome ? outcome.seqs : outcome.fault.code;
  }

  /** Every record that is held, by run. */
  held(): ReadonlyMap<string, readonly HeldRecord[]> {
    return new Map(this.store.runs().map(({ run, head }) => [run, this.rows(run, 1, Math.max(1, head))]));
  }

  rows(run: string, from: number, to: number): readonly HeldRecord[] {
    return this.store.reader
      .read({ run, ranges: [[from, to]], ...ALL })
      .map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString()));
  }

  /** What is declared of each run by the `shed` records that are held. */
  declared(): ReadonlyMap<string, Ranges> {
    const declared = new Map<string, Ranges>();
    for (const records of this.held().values()) {
      for (const record of records) {
        if (record.kind !== "shed") continue;
        const { run, ranges } = record.body as BodyOf<"shed">;
        declared.set(run, union(declared.get(run) ?? NO_RANGES, rangesFrom(ranges)));
      }
    }
    return declared;
  }

  /** Seqs that are neither held, nor declared, nor in `receipted`: there must be none. */
  unexplained(receipted: ReadonlyMap<string, Ranges> = new Map()): string[] {
    const declared = this.declared();
    const held = this.held();
    return this.store.runs().flatMap(({ run, head }) => {
      const seqs = new Set(held.get(run)?.map(({ seq }) => seq));
      const explained = union(declared.get(run) ?? NO_RANGES, receipted.get(run) ?? NO_RANGES);
      const missing: string[] = [];
      for (let seq = 1; seq <= head; seq += 1) {
        if (!seqs.has(seq) && !contains(explained, seq)) missing.push(`${run}/${seq}`);
      }
      return missing;
    });
  }

  sizeBytes(): number {
    return this.store.statistics().sizeBytes;
  }
}
