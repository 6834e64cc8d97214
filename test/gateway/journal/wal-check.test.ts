import { readFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { walFault } from "../../../gateway/journal/wal-check.ts";
import { temporaryDirectory } from "./sample-records.ts";

const PAGE_BYTES = 512;
const FRAME_BYTES = 24 + PAGE_BYTES;
const HEADER_BYTES = 32;

/** The log of a journal with `commits` commits, of which the first `stale` are in the database already. */
function logOf(commits: number, stale = 0): Uint8Array {
  const path = join(temporaryDirectory(), "some.sqlite");
  const db = new Database(path);
  try {
    db.pragma(`page_size = ${PAGE_BYTES}`);
    db.pragma("journal_mode = WAL");
    db.pragma("wal_autocheckpoint = 0");
    db.exec("CREATE TABLE record (bytes BLOB)");
    const insert = db.prepare("INSERT INTO record VALUES (randomblob(700))");
    for (let n = 0; n < stale; n += 1) insert.run();
    if (stale > 0) db.pragma("wal_checkpoint(RESTART)");
    for (let n = 0; n < commits; n += 1) insert.run();
    return readFileSync(`${path}-wal`);
  } finally {
    db.close();
  }
}

function flipped(log: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(log);
  const at = bit >> 3;
  copy[at] = (copy[at] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

test("a log that is whole, or has old frames behind its end, is not called damaged", () => {
  expect(walFault(logOf(4))).toBe(undefined);
  const reused = logOf(2, 8);
  expect(reused.length).toBeGreaterThan(HEADER_BYTES + 20 * FRAME_BYTES);
  expect(walFault(reused)).toBe(undefined);
});

test("no bit of a log can flip without being told", () => {
  const log = logOf(3);
  const silent: number[] = [];
  for (let bit = 0; bit < log.length * 8; bit += 1) if (walFault(flipped(log, bit)) === undefined) silent.push(bit);
  expect(silent).toEqual([]);
});

test("a commit that was being written when the power went is no damage, wherever it ends", () => {
  const log = logOf(3);
  for (let end = 0; end < log.length; end += 7) {
    expect(walFault(log.subarray(0, end))).toBe(undefined);
    // The file had grown already, and its blocks had not come yet.
    const unwritten = new Uint8Array(log.length);
    unwritten.set(log.subarray(0, end - ((end - HEADER_BYTES) % FRAME_BYTES)));
    if (end >= HEADER_BYTES) expect(walFault(unwritten)).toBe(undefined);
  }
});
