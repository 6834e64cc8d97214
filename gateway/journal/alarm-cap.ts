import type { AlarmBody } from "../../protocol/alarm.ts";
import { newAlarmId } from "../../protocol/new-ids.ts";
import { contains } from "../../protocol/ranges.ts";
import type { NewRecord } from "../../protocol/record.ts";
import type { Stamp } from "./messages.ts";
import type { Deletion } from "./record-rows.ts";
import type { RunState, RunTable } from "./run-table.ts";
import type { SheddingPlan } from "./shedding-plan.ts";
import { SHELF, type Shelf } from "./shelf.ts";
import type { SqliteDatabase } from "./sqlite.ts";
import { recordOf, type StoredJson } from "./stored-record.ts";
import { STORY } from "./story-rows.ts";

const REVISED_A_ROUND = 200;
const ENDED_A_ROUND = 64;
/** Among so many of the oldest ended alarms, those that the bridge has go first. */
const ENDED_LOOKED_AT = 2000;

type AlarmRecord = Extract<StoredJson, { kind: "alarm" }>;

interface StoryRow {
  readonly run_no: number;
  readonly seq: number;
  readonly alarm_id: string;
  readonly shelf: Shelf;
  readonly is_over: number;
}

/**
 * Makes the alarms of a flapping rule fit their share: old revisions go, each alarm keeping its newest; then ended alarms that
 * the bridge has; then the oldest ended ones fold into one count per key (device, subject, rule), which is an alarm of its own
 * with a revision for each time that it grows. Open alarms, and those that may still be raised again, are never touched.
 */
export class AlarmCap {
  readonly #runs: RunTable;
  readonly #revised;
  readonly #ended;
  readonly #rowsOf;
  readonly #folds;
  readonly #bytes;

  constructor(db: SqliteDatabase, runs: RunTable) {
    this.#runs = runs;
    this.#revised = db.prepare(
      `SELECT run_no, seq, alarm_id, shelf, is_over FROM story WHERE shelf = ${SHELF.alarm} AND alarm_id IN (
         SELECT alarm_id FROM story WHERE shelf = ${SHELF.alarm} GROUP BY alarm_id HAVING count(*) > 1 LIMIT ?)
       ORDER BY alarm_id, rev, run_no, seq`,
    );
    this.#ended = db
      .prepare(
        `SELECT alarm_id FROM story WHERE shelf = ${SHELF.alarm} AND is_over > 0
           AND alarm_id NOT IN (SELECT alarm_id FROM alarm) ORDER BY alarm_id LIMIT ?`,
      )
      .pluck();
    this.#rowsOf = db.prepare(
      "SELECT run_no, seq, alarm_id, shelf, is_over FROM story WHERE alarm_id = ? ORDER BY shelf, rev, run_no, seq",
    );
    this.#folds = db.prepare(
      `SELECT run_no, seq, alarm_id, shelf, is_over FROM story WHERE is_over = ${STORY.fold} ORDER BY alarm_id, rev`,
    );
    this.#bytes = db.prepare("SELECT bytes FROM record WHERE run_no = ? AND shelf = ? AND seq = ?").pluck();
  }

  /** @returns undefined when nothing of the alarms may go */
  plan(stamp: Stamp): SheddingPlan | undefined {
    return this.#oldRevisions() ?? this.#endedAlarms(stamp);
  }

  #oldRevisions(): SheddingPlan | undefined {
    const rows = this.#revised.all(REVISED_A_ROUND) as StoryRow[];
    const old = rows.filter((row, at) => rows[at + 1]?.alarm_id === row.alarm_id);
    return this.#planOf(old, []);
  }

  #endedAlarms(stamp: Stamp): SheddingPlan | undefined {
    const ids = this.#ended.all(ENDED_LOOKED_AT) as string[];
    const stories = ids.map((id) => this.#rowsOf.all(id) as StoryRow[]);
    const sent = stories.filter((rows) => rows.every((row) => row.shelf !== SHELF.alarm || this.#isReceipted(row)));
    if (sent.length > 0) return this.#planOf(sent.slice(0, ENDED_A_ROUND).flat(), []);
    const folding = stories.filter((rows) => !rows.some(({ is_over }) => is_over === STORY.fold));
    return this.#fold(folding.slice(0, ENDED_A_ROUND), stamp);
  }

  #fold(stories: readonly (readonly StoryRow[])[], stamp: Stamp): SheddingPlan | undefined {
    const byKey = new Map<string, AlarmRecord[]>();
    const gone: StoryRow[] = [];
    for (const rows of stories) {
      const record = this.#record(rows.findLast(({ shelf }) => shelf === SHELF.alarm));
      if (record === undefined) continue;
      gone.push(...rows);
      byKey.set(keyOf(record), [...(byKey.get(keyOf(record)) ?? []), record]);
    }
    const append: NewRecord[] = [];
    const before = this.#standingFolds();
    for (const [key, records] of byKey) {
      const fold = before.get(key);
      append.push(folded(fold?.record, records, stamp));
      if (fold !== undefined) gone.push(fold.row);
    }
    return this.#planOf(gone, append);
  }

  /** By key, the newest count. */
  #standingFolds(): Map<string, { readonly row: StoryRow; readonly record: AlarmRecord }> {
    const folds = new Map<string, { readonly row: StoryRow; readonly record: AlarmRecord }>();
    for (const row of this.#folds.all() as StoryRow[]) {
      const record = this.#record(row);
      if (record !== undefined) folds.set(keyOf(record), { row, record });
    }
    return folds;
  }

  #record(row: StoryRow | undefined): AlarmRecord | undefined {
    if (row === undefined) return undefined;
    const bytes: unknown = this.#bytes.get(row.run_no, row.shelf, row.seq);
    const record = bytes instanceof Uint8Array ? recordOf(bytes) : undefined;
    return record?.kind === "alarm" ? record : undefined;
  }

  #isReceipted({ run_no, seq }: StoryRow): boolean {
    const state = this.#runs.byNo(run_no);
    return state !== undefined && contains(state.receipted, seq);
  }

  #planOf(rows: readonly StoryRow[], append: readonly NewRecord[]): SheddingPlan | undefined {
    const deletions: Deletion[] = [];
    for (const [, of] of Map.groupBy(rows, ({ run_no, shelf }) => `${run_no} ${shelf}`)) {
      const state: RunState | undefined = this.#runs.byNo(of[0]?.run_no ?? 0);
      const shelf = of[0]?.shelf;
      if (state !== undefined && shelf !== undefined) deletions.push({ state, shelf, seqs: of.map(({ seq }) => seq) });
    }
    return deletions.length === 0 ? undefined : { deletions, append };
  }
}

function keyOf({ device, subject, body }: AlarmRecord): string {
  return JSON.stringify([device, subject?.type, subject?.id, body.rule]);
}

function folded(before: AlarmRecord | undefined, records: readonly AlarmRecord[], stamp: Stamp): NewRecord {
  const all = before === undefined ? records : [before, ...records];
  const newest = all.reduce((a, b) => (b.body.stateAtMs > a.body.stateAtMs ? b : a));
  const peaks = all.flatMap(({ body: { peak } }) => (peak === undefined ? [] : [peak]));
  const peak = peaks.length === 0 ? undefined : peaks.reduce((a, b) => (b.value > a.value ? b : a));
  const firstRaisedAtMs = Math.min(...all.map(({ body }) => body.folded?.firstRaisedAtMs ?? body.raisedAtMs));
  const { stateAtMs, family, nature, rule, ruleKind, ruleSet, limits, position } = newest.body;
  const body: AlarmBody = {
    alarmId: before?.body.alarmId ?? newAlarmId(stamp.atMs),
    rev: (before?.body.rev ?? 0) + 1,
    phase: "cleared",
    family,
    nature,
    rule,
    ruleKind,
    ...(ruleSet === undefined ? {} : { ruleSet }),
    raisedAtMs: firstRaisedAtMs,
    stateAtMs,
    clearedAtMs: newest.body.clearedAtMs ?? stateAtMs,
    limits,
    windows: [],
    ...(peak === undefined ? {} : { peak }),
    ...(position === undefined ? {} : { position }),
    evidence: [],
    folded: {
      count: all.reduce((sum, record) => sum + (record.body.folded?.count ?? 1), 0),
      firstRaisedAtMs,
      lastStateAtMs: stateAtMs,
    },
  };
  const { device, subject } = newest;
  const place = { ...(device === undefined ? {} : { device }), ...(subject === undefined ? {} : { subject }) };
  return { ...stamp, ...place, kind: "alarm", body };
}
