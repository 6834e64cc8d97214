import { spawnSync } from "node:child_process";
import { cpSync, lstatSync, rmSync } from "node:fs";
import Database from "better-sqlite3";

/** Each waits for the lock as long as a busy database is waited for. */
const CHECKPOINT_TRIES = 10;

/** Brings the log into the file, from outside. */
export function checkpoint(file: string): void {
  const db = new Database(file);
  try {
    // A connection that has read nothing does not know yet that there is a log, and says -1 for its length.
    db.prepare("SELECT count(*) FROM sqlite_master").get();
    // Somebody who reads at this moment makes it stop half way, without an error.
    for (let tries = 1; ; tries += 1) {
      // A flipped bit in its head makes it a file without a log.
      if (db.pragma("journal_mode", { simple: true }) !== "wal") break;
      const [done] = db.pragma("wal_checkpoint(TRUNCATE)") as { busy: number; log: number }[];
      if (done?.busy === 0 && done.log === 0) break;
      if (tries === CHECKPOINT_TRIES) throw new Error(`${file} is never free for a checkpoint`);
    }
  } finally {
    db.close();
  }
  // The log's new length is not synced by SQLite: a cut could bring the old log back, and a tear replay half of it.
  spawnSync("sync", ["-f", file]);
}

/** Not the sockets, and not the disk's own folder. */
function isCopied(path: string): boolean {
  const about = lstatSync(path);
  return about.isFile() || (about.isDirectory() && !path.endsWith("lost+found"));
}

/** Copies a state folder of a process that is not running; the disk's own folder stays out. */
export function copyState(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true, filter: isCopied });
}
