import type { AlarmBody } from "../../protocol/alarm.ts";
import type { RunState } from "./run-table.ts";
import type { Shelf } from "./shelf.ts";
import type { SqliteDatabase } from "./sqlite.ts";

/** Whether an alarm's revision leaves it standing, ends it, or is itself a count of ended ones. */
export const STORY = { standing: 0, over: 1, fold: 2 } as const;

/** Of which alarm a row tells. */
export type Story = readonly [alarmId: string, rev: number, isOver: number];

/** @returns undefined for a record that tells of no alarm */
export function storyOf(record: { readonly kind: string; readonly body: unknown }): Story | undefined {
  if (record.kind === "evidence") return [(record.body as { alarmId: string }).alarmId, 0, STORY.standing];
  if (record.kind !== "alarm") return undefined;
  const { alarmId, rev, phase, nature, folded } = record.body as AlarmBody;
  if (folded !== undefined) return [alarmId, rev, STORY.fold];
  return [alarmId, rev, phase === "cleared" || nature === "event" ? STORY.over : STORY.standing];
}

/** Which rows tell of which alarm, so that the alarm cap finds old revisions and ended alarms without reading the rows. */
export class StoryRows {
  readonly #insert;
  readonly #remove;

  constructor(db: SqliteDatabase) {
    this.#insert = db.prepare(
      "INSERT OR REPLACE INTO story (run_no, seq, alarm_id, shelf, rev, is_over) VALUES (?, ?, ?, ?, ?, ?)",
    );
    this.#remove = db.prepare("DELETE FROM story WHERE run_no = ? AND seq BETWEEN ? AND ?");
  }

  insert(state: RunState, seq: number, shelf: Shelf, [alarmId, rev, isOver]: Story): void {
    this.#insert.run(state.no, seq, alarmId, shelf, rev, isOver);
  }

  remove(state: RunState, fromSeq: number, toSeq: number): void {
    this.#remove.run(state.no, fromSeq, toSeq);
  }
}
