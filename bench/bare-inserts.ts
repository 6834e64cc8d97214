import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import Sqlite from "better-sqlite3";

/**
 * What the database alone can take on this disk: the inbox's row and its two indexes, a prepared insert a row, a durable
 * transaction for every `perCommit` of them. Nothing is unpacked, hashed, read or checked.
 */
export function bareInserts(
  records: readonly Uint8Array[],
  perCommit: number,
): { readonly perS: number; readonly perProcessorS: number } {
  const folder = mkdtempSync(join(tmpdir(), "shao-bare-"));
  const file = new Sqlite(join(folder, "bare.sqlite"));
  try {
    file.pragma("journal_mode = WAL");
    file.pragma("synchronous = FULL");
    file.pragma("cache_size = -32000");
    file.exec(`
      CREATE TABLE inbox (
        node TEXT NOT NULL, run TEXT NOT NULL, seq INTEGER NOT NULL, received_at_ms INTEGER NOT NULL,
        kind TEXT NOT NULL, device TEXT, subject_type TEXT, subject_id TEXT,
        up_ms INTEGER NOT NULL, at_ms INTEGER NOT NULL, corrected_at_ms INTEGER, time_quality TEXT NOT NULL,
        sha256 TEXT NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (node, run, seq)) STRICT;
      CREATE INDEX inbox_by_series ON inbox (node, device, kind, at_ms);`);
    const insert = file.prepare(`INSERT INTO inbox VALUES (${Array.from({ length: 14 }, () => "?").join(",")})`);
    const sha256 = "0".repeat(64);
    const processor = process.cpuUsage();
    const startedMs = performance.now();
    for (let at = 0; at < records.length; at += perCommit) {
      file.exec("BEGIN IMMEDIATE");
      for (const [index, bytes] of records.slice(at, at + perCommit).entries()) {
        const seq = at + index + 1;
        const atMs = 1_763_500_000_000 + seq * 60_000;
        insert.run("bench", "run", seq, atMs, "noise", "noise-01", null, null, seq, atMs, atMs, "ntp", sha256, bytes);
      }
      file.exec("COMMIT");
    }
    const seconds = (performance.now() - startedMs) / 1000;
    const { user, system } = process.cpuUsage(processor);
    return { perS: records.length / seconds, perProcessorS: records.length / ((user + system) / 1e6) };
  } finally {
    file.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
