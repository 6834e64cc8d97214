import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { SHELF } from "../../gateway/journal/shelf.ts";
import { crcOf } from "../../gateway/journal/stored-record.ts";
import type { AlarmBody } from "../../protocol/alarm.ts";
import type { EvidenceBody, EvidenceLostBody } from "../../protocol/evidence.ts";
import type { SeqRange } from "../../protocol/session.ts";

/** A record that the node had committed: what it owes the bridge for ever. */
export interface SentRecord {
  readonly run: string;
  readonly seq: number;
  readonly kind: string;
  readonly sha256: string;
  readonly alarmId?: string;
  /** Hashes of the clips that an evidence names, or of the file that was given up. */
  readonly files?: readonly string[];
}

const FILE = "journal.sqlite";
const OBSERVE_EVERY_MS = 150;

/**
 * Copies every committed row of a journal as it appears, so that what the node deletes later is still remembered here.
 * SQLite shows a row to another process only after the sync of its commit: what is seen here was acknowledged.
 */
export class JournalObserver {
  readonly state: string;
  readonly #seen = new Map<string, SentRecord>();
  readonly #heads = new Map<string, number>();
  readonly #destroyed = new Set<string>();
  #receipted: readonly { readonly run: string; readonly ranges: readonly SeqRange[] }[] = [];
  #custodyEpoch: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(state: string) {
    this.state = state;
  }

  get records(): Iterable<SentRecord> {
    return this.#seen.values();
  }

  /** Runs of which something was seen. */
  get runs(): number {
    return this.#heads.size;
  }

  /** What the disk, not the node, lost: committed, and gone from the file after it was damaged. As `run/seq`. */
  get destroyed(): ReadonlySet<string> {
    return this.#destroyed;
  }

  /** What this node counted as receipted at the last look. */
  get receipted(): readonly { readonly run: string; readonly ranges: readonly SeqRange[] }[] {
    return this.#receipted;
  }

  /** The bridge's epoch under which it counts them. */
  get custodyEpoch(): string | undefined {
    return this.#custodyEpoch;
  }

  watch(): void {
    this.#timer ??= setInterval(() => this.look(), OBSERVE_EVERY_MS);
  }

  /** Looks no more until `watch`: the file may go away under it. */
  pause(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Reads what is new. Harmless at any moment: it only reads, and a file that is not there yet has nothing to say. */
  look(): void {
    const db = this.#open();
    if (db === undefined) return;
    try {
      for (const { no, run } of db.prepare("SELECT no, run FROM run").all() as { no: number; run: string }[]) {
        const rows = db
          .prepare("SELECT seq, kind, crc, bytes FROM record WHERE run_no = ? AND seq > ? ORDER BY seq")
          .all(no, this.#heads.get(run) ?? 0) as { seq: number; kind: string; crc: number; bytes: Uint8Array }[];
        for (const { seq, kind, crc, bytes } of rows) {
          // A copy of a damaged card is seen for the first time with what the damage did to it.
          if (crcOf(bytes) !== crc) continue;
          this.#seen.set(`${run}/${seq}`, { run, seq, kind, sha256: sha256(bytes), ...promised(kind, bytes) });
          this.#heads.set(run, seq);
        }
      }
      this.#receipted = receiptedOf(db);
      this.#custodyEpoch = custodyEpochOf(db);
    } catch (error) {
      // A disk whose power was cut, or a file that was damaged, is looked at again later.
      if (!isOfDisk(error)) throw error;
    } finally {
      db.close();
    }
  }

  /**
   * Records committed so far that the node does not count as receipted; undefined while nobody can say.
   * @param epoch of the bridge as it is now: marks made under another one prove nothing; undefined for a node that keeps
   *   marks without custody, which a negative control is
   */
  unreceipted(epoch: string | undefined): number | undefined {
    const db = this.#open();
    if (db === undefined) return undefined;
    try {
      if (epoch !== undefined && custodyEpochOf(db) !== epoch) return undefined;
      return unreceiptedOf(db);
    } catch (error) {
      if (!isOfDisk(error)) throw error;
      return undefined;
    } finally {
      db.close();
    }
  }

  /** Files in its custody that the bridge, as it is now, has not said to have, and that were not given up. */
  unsentFiles(epoch: string | undefined): number {
    const folder = join(this.state, "evidence", "files");
    if (!existsSync(folder)) return 0;
    return readdirSync(folder).filter((name) => name.endsWith(".json") && !isOver(join(folder, name), epoch)).length;
  }

  /**
   * Damages the files of a node that is not running, and notes what is gone by that: rows that stood there before and do
   * not stand there, or stand otherwise, in a copy opened after it; and what of a run was to be declared, where nothing says
   * any more that there was this run.
   */
  damage(act: () => void): void {
    this.look();
    const [before, runsBefore] = [rowsOf(this.state), runsOf(this.state)];
    act();
    const [after, runsAfter] = [rowsOf(this.state), runsOf(this.state)];
    for (const [key, hash] of before) if (after.get(key) !== hash) this.#destroyed.add(key);
    for (const [key, { run }] of this.#seen) if (runsBefore.has(run) && !runsAfter.has(run)) this.#destroyed.add(key);
  }

  #open(): Database.Database | undefined {
    const file = join(this.state, FILE);
    if (!existsSync(file)) return undefined;
    let db: Database.Database | undefined;
    try {
      db = new Database(file, { readonly: true, timeout: 2000 });
      // On a busy machine the file is there well before its tables are.
      if (hasTables(db)) return db;
    } catch (error) {
      if (!isOfDisk(error)) throw error;
    }
    db?.close();
    return undefined;
  }
}

function runsOf(state: string): ReadonlySet<string> {
  return new Set(inCopy(state, (db) => db.prepare("SELECT run FROM run").pluck().all() as string[]) ?? []);
}

/** Every row that SQLite still gives out, by `run/seq`. */
function rowsOf(state: string): ReadonlyMap<string, string> {
  const rows = new Map<string, string>();
  inCopy(state, (db) => {
    const all = "SELECT run, seq, bytes FROM record JOIN run ON run.no = record.run_no";
    for (const walk of [() => walkOf(db, all), () => shelves(db)]) {
      try {
        for (const { run, seq, bytes } of walk()) rows.set(`${run}/${seq}`, sha256(bytes));
        return;
      } catch (error) {
        if (!isDamage(error)) throw error;
      }
    }
  });
  return rows;
}

/** @returns undefined where the file cannot be read */
function inCopy<T>(state: string, read: (db: Database.Database) => T): T | undefined {
  const scratch = mkdtempSync(join(tmpdir(), "shao-damage-"));
  try {
    for (const suffix of ["", "-wal"]) {
      if (existsSync(join(state, FILE + suffix)))
        copyFileSync(join(state, FILE + suffix), join(scratch, FILE + suffix));
    }
    const db = new Database(join(scratch, FILE));
    try {
      return hasTables(db) ? read(db) : undefined;
    } finally {
      db.close();
    }
  } catch (error) {
    if (!isOfDisk(error)) throw error;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return undefined;
}

/**
 * A page that an earlier damage spoilt ends one walk: what lies before and behind it in each shelf still stands, and must not
 * pass for gone, or for never there, when the next damage comes.
 */
function* shelves(db: Database.Database): Iterable<WalkedRow> {
  const runs = db.prepare("SELECT no, run FROM run").all() as { no: number; run: string }[];
  for (const { no, run } of runs) {
    for (const shelf of Object.values(SHELF)) {
      for (const order of ["ASC", "DESC"]) {
        const some = `SELECT ? AS run, seq, bytes FROM record WHERE run_no = ? AND shelf = ? ORDER BY seq ${order}`;
        try {
          yield* walkOf(db, some, run, no, shelf);
          break;
        } catch (error) {
          if (!isDamage(error)) throw error;
        }
      }
    }
  }
}

interface WalkedRow {
  readonly run: string;
  readonly seq: number;
  readonly bytes: Uint8Array;
}

function walkOf(db: Database.Database, sql: string, ...values: readonly unknown[]): Iterable<WalkedRow> {
  return db.prepare(sql).iterate(...values) as Iterable<WalkedRow>;
}

/** A card that just goes is over. */
function isOver(card: string, epoch: string | undefined): boolean {
  try {
    const { stored, givenUp } = JSON.parse(readFileSync(card, "utf8")) as {
      stored?: { epoch: string };
      givenUp?: string;
    };
    return givenUp !== undefined || (stored !== undefined && (epoch === undefined || stored.epoch === epoch));
  } catch {
    return !existsSync(card);
  }
}

function hasTables(db: Database.Database): boolean {
  return db.prepare("SELECT count(*) FROM sqlite_master WHERE name IN ('run', 'record')").pluck().get() === 2;
}

function receiptedOf(db: Database.Database): JournalObserver["receipted"] {
  const byRun = new Map<string, SeqRange[]>();
  const sql = "SELECT run, from_seq, to_seq FROM receipted JOIN run ON run.no = receipted.run_no";
  for (const row of db.prepare(sql).all() as { run: string; from_seq: number; to_seq: number }[]) {
    byRun.set(row.run, [...(byRun.get(row.run) ?? []), [row.from_seq, row.to_seq]]);
  }
  return [...byRun].map(([run, ranges]) => ({ run, ranges }));
}

/** Of the rows that SQLite still gives out: others are told as destroyed, or as lost, in the end. */
function unreceiptedOf(db: Database.Database): number {
  const count = (where: string) => {
    const sql = `SELECT count(*) FROM record WHERE ${where} AND NOT EXISTS (SELECT 1 FROM receipted
      WHERE receipted.run_no = record.run_no AND record.seq BETWEEN from_seq AND to_seq)`;
    return Number(db.prepare(sql).pluck().get());
  };
  try {
    return count("true");
  } catch (error) {
    if (!isDamage(error)) throw error;
  }
  let sum = 0;
  for (const no of db.prepare("SELECT no FROM run").pluck().all()) {
    for (const shelf of Object.values(SHELF)) {
      try {
        sum += count(`run_no = ${Number(no)} AND shelf = ${shelf}`);
      } catch (error) {
        if (!isDamage(error)) throw error;
      }
    }
  }
  return sum;
}

function isDamage(error: unknown): boolean {
  return isOfDisk(error) && String((error as { code?: unknown }).code).startsWith("SQLITE_CORRUPT");
}

function custodyEpochOf(db: Database.Database): string | undefined {
  return db.prepare("SELECT value FROM setting WHERE key = 'custody.epoch'").pluck().get() as string | undefined;
}

function isOfDisk(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return code.startsWith("SQLITE_") && code !== "SQLITE_ERROR";
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** What a record owes beside itself: its alarm a case, its clips their files. */
function promised(kind: string, bytes: Uint8Array): Pick<SentRecord, "alarmId" | "files"> {
  if (kind !== "alarm" && kind !== "evidence" && kind !== "evidence-lost") return {};
  const { body } = JSON.parse(new TextDecoder().decode(bytes)) as { body: unknown };
  if (kind === "alarm") return { alarmId: (body as AlarmBody).alarmId };
  if (kind === "evidence-lost") return { files: [(body as EvidenceLostBody).sha256] };
  const { parts } = body as EvidenceBody;
  return { files: parts.filter(({ type }) => type === "clip").map((part) => part.sha256) };
}
