import { join } from "node:path";
import Sqlite from "better-sqlite3";

/** A bare better-sqlite3 file with the journal's row, its index and its settings: a durable commit is all that it does. */
export class BareJournal implements Disposable {
  readonly #file;
  readonly #insert;
  #logBytes = 0;
  #seq = 0;

  constructor(folder: string) {
    this.#file = new Sqlite(join(folder, "bare.sqlite"));
    this.#file.pragma("journal_mode = WAL");
    this.#file.pragma("synchronous = FULL");
    this.#file.pragma("wal_autocheckpoint = 0");
    this.#file.exec(`
      CREATE TABLE record (
        run_no INTEGER NOT NULL, seq INTEGER NOT NULL, lane INTEGER NOT NULL, kind TEXT NOT NULL,
        up_ms INTEGER NOT NULL, at_ms INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (run_no, seq)) STRICT, WITHOUT ROWID;
      CREATE INDEX record_lane ON record (run_no, lane, seq);`);
    this.#insert = this.#file.prepare("INSERT INTO record VALUES (1, ?, ?, ?, ?, ?, ?)");
  }

  commit(lane: number, kind: string, rows: readonly Uint8Array[]): void {
    this.#file.exec("BEGIN IMMEDIATE");
    for (const bytes of rows) {
      this.#seq += 1;
      this.#insert.run(this.#seq, lane, kind, this.#seq, 1_763_500_000_000 + this.#seq, bytes);
      this.#logBytes += bytes.length + 64;
    }
    this.#file.exec("COMMIT");
    this.#logBytes += 3 * 4096;
    if (this.#logBytes < 4 * 1024 * 1024) return;
    this.#logBytes = 0;
    this.#file.pragma("wal_checkpoint(PASSIVE)");
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}
