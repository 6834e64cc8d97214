import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import type { AlarmBody } from "../../protocol/alarm.ts";

/** A record that the node had committed: what it owes the bridge for ever. */
export interface SentRecord {
  readonly run: string;
  readonly seq: number;
  readonly kind: string;
  readonly sha256: string;
  readonly alarmId?: string;
}

/** Copies every committed row of a journal as it appears, so that what the node deletes later is still remembered here. */
export class JournalObserver {
  readonly #file: string;
  readonly #seen = new Map<string, SentRecord>();
  readonly #heads = new Map<string, number>();

  constructor(state: string) {
    this.#file = join(state, "journal.sqlite");
  }

  get records(): ReadonlyMap<string, SentRecord> {
    return this.#seen;
  }

  /** Reads what is new. Harmless at any moment: it only reads, and a file that is not there yet has nothing to say. */
  look(): void {
    if (!existsSync(this.#file)) return;
    const db = new Database(this.#file, { readonly: true, timeout: 2000 });
    try {
      // On a busy machine the file is there well before its tables are.
      const tables = db.prepare("SELECT count(*) FROM sqlite_master WHERE name IN ('run', 'record')").pluck().get();
      if (tables !== 2) return;
      for (const { no, run } of db.prepare("SELECT no, run FROM run").all() as { no: number; run: string }[]) {
        const rows = db
          .prepare("SELECT seq, kind, bytes FROM record WHERE run_no = ? AND seq > ? ORDER BY seq")
          .all(no, this.#heads.get(run) ?? 0) as { seq: number; kind: string; bytes: Uint8Array }[];
        for (const { seq, kind, bytes } of rows) {
          const sha256 = createHash("sha256").update(bytes).digest("hex");
          const alarmId = kind === "alarm" ? { alarmId: alarmIdOf(bytes) } : {};
          this.#seen.set(`${run}/${seq}`, { run, seq, kind, sha256, ...alarmId });
          this.#heads.set(run, seq);
        }
      }
    } finally {
      db.close();
    }
  }

  /** Records committed so far that the node does not count as receipted. */
  unreceipted(): number {
    const db = new Database(this.#file, { readonly: true, timeout: 2000 });
    try {
      const sql = `SELECT count(*) FROM record WHERE NOT EXISTS (SELECT 1 FROM receipted
        WHERE receipted.run_no = record.run_no AND record.seq BETWEEN from_seq AND to_seq)`;
      return Number(db.prepare(sql).pluck().get());
    } finally {
      db.close();
    }
  }
}

function alarmIdOf(bytes: Uint8Array): string {
  return (JSON.parse(new TextDecoder().decode(bytes)) as { body: AlarmBody }).body.alarmId;
}
