import type { GatewayFaultPoints } from "../contracts/fault-points.ts";
import { GatewayError } from "../contracts/gateway-error.ts";
import { RecordRows } from "./record-rows.ts";
import { RunTable } from "./run-table.ts";
import { RECORD_TABLES, SCHEMA, SCHEMA_VERSION } from "./schema.ts";
import type { SqliteDatabase } from "./sqlite.ts";
import { recordOf, shelfOfBytes } from "./stored-record.ts";
import { StoryRows, storyOf } from "./story-rows.ts";
import { Tally } from "./tally.ts";

const ROWS_A_STEP = 2000;
const STEPS_A_CHECKPOINT = 10;

/**
 * Makes the tables of a new file, or brings those of an earlier version up. Each step is a transaction of its own, after which
 * a death, or a start of this program, goes on where it was; an earlier program refuses the file from the first step on.
 * Every row keeps its run, its seq and its bytes.
 * @throws GatewayError JOURNAL_VERSION for a file of a later version
 */
export function migrate(db: SqliteDatabase, faultPoints: GatewayFaultPoints): void {
  const version = trueVersion(db);
  const step = (act: () => void) =>
    db
      .transaction(() => {
        act();
        faultPoints.reach("gateway-mid-migration");
      })
      .immediate();
  if (version === 0) {
    step(() => {
      db.exec(SCHEMA);
      db.pragma(`user_version = ${SCHEMA_VERSION}`);
    });
    return;
  }
  if (version === 1) {
    step(() => {
      db.exec(`UPDATE run SET head = (SELECT coalesce(max(seq), 0) FROM record WHERE run_no = run.no) WHERE head IS NULL;
        ALTER TABLE record RENAME TO record_v1;
        DROP INDEX record_lane;
        ${RECORD_TABLES}`);
      db.pragma(`user_version = ${SCHEMA_VERSION}`);
    });
  } else if (version !== SCHEMA_VERSION) {
    throw new GatewayError("JOURNAL_VERSION", `journal has version ${String(version)}, this is ${SCHEMA_VERSION}`, {
      hint: "It was written by a newer Shao. Install that version again, or give this one an empty `state`.",
    });
  }
  if (!hasOldRows(db)) return;
  moveOldRows(db, step);
  step(() => db.exec("DROP TABLE record_v1"));
  db.pragma("wal_checkpoint(PASSIVE)");
}

const VERSION_SETTING = "schema.version";

/**
 * The head of the file has it, and a row of its own: where the two differ the head has lost a bit, and neither a file with rows
 * must be begun anew, nor must one of ours be refused as another program's.
 */
function trueVersion(db: SqliteDatabase): unknown {
  const version = db.pragma("user_version", { simple: true });
  const shelved = db.prepare("SELECT 1 FROM pragma_table_info('record') WHERE name = 'shelf'").get() !== undefined;
  if (!shelved || version === SCHEMA_VERSION) return version;
  const written: unknown = db.prepare("SELECT value FROM setting WHERE key = ?").pluck().get(VERSION_SETTING);
  if (written !== String(SCHEMA_VERSION) && version !== 0) return version;
  db.pragma(`user_version = ${SCHEMA_VERSION}`);
  return SCHEMA_VERSION;
}

/** Of a file that is of this version now. */
export function noteVersion(db: SqliteDatabase): void {
  const written: unknown = db.prepare("SELECT value FROM setting WHERE key = ?").pluck().get(VERSION_SETTING);
  if (written === String(SCHEMA_VERSION)) return;
  db.prepare("INSERT OR REPLACE INTO setting (key, value) VALUES (?, ?)").run(VERSION_SETTING, String(SCHEMA_VERSION));
}

/** Whether rows of version 1 have not all been moved yet. */
export function hasOldRows(db: SqliteDatabase): boolean {
  return db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'record_v1'").get() !== undefined;
}

interface OldRow {
  readonly run_no: number;
  readonly seq: number;
  readonly lane: number;
  readonly kind: string;
  readonly up_ms: number;
  readonly at_ms: number;
  readonly bytes: Uint8Array;
}

function moveOldRows(db: SqliteDatabase, step: (act: () => void) => void): void {
  const runs = new RunTable(db);
  const byNo = new Map([...runs.all()].map((state) => [state.no, state]));
  const tally = new Tally(db);
  const rows = new RecordRows(db, runs, tally, new StoryRows(db));
  const oldest = db.prepare("SELECT * FROM record_v1 ORDER BY run_no, seq LIMIT ?");
  const moved = db.prepare("DELETE FROM record_v1 WHERE (run_no, seq) <= (?, ?)");
  for (let steps = 1; ; steps += 1) {
    const found = oldest.all(ROWS_A_STEP) as OldRow[];
    const last = found.at(-1);
    if (last === undefined) return;
    step(() => {
      // First, so that its pages take the same rows again and a full file need not grow.
      moved.run(last.run_no, last.seq);
      for (const { run_no, seq, lane, kind, up_ms, at_ms, bytes } of found) {
        const state = byNo.get(run_no);
        if (state === undefined) continue;
        const record = recordOf(bytes);
        const shelf = shelfOfBytes(kind, lane, record);
        const story = record === undefined ? undefined : storyOf(record);
        rows.insert(state, { seq, shelf, kind, upMs: up_ms, atMs: at_ms, bytes, story });
      }
      tally.write();
    });
    tally.settled();
    if (steps % STEPS_A_CHECKPOINT === 0) db.pragma("wal_checkpoint(PASSIVE)");
  }
}
