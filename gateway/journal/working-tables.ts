import type { AlarmBody } from "../../protocol/alarm.ts";
import { SAME_ALARM_MS } from "../../protocol/limits.ts";
import type { OpenAlarm, WorkingLevel } from "../contracts/journal.ts";
import type { EncodedWrite } from "./messages.ts";
import type { SqliteDatabase } from "./sqlite.ts";

/** What the pipeline takes up again after a start: open and recent alarms, and levels of an unfinished minute. */
export class WorkingTables {
  readonly #db: SqliteDatabase;
  readonly #upsertAlarm;
  readonly #closeAlarm;
  readonly #insertLevel;
  readonly #dropLevels;

  constructor(db: SqliteDatabase) {
    this.#db = db;
    this.#upsertAlarm = db.prepare(
      `INSERT INTO alarm (alarm_id, device, subject, is_open, changed_at_ms, body) VALUES (?, ?, ?, 1, ?, ?)
       ON CONFLICT (alarm_id) DO UPDATE SET is_open = 1, device = excluded.device, subject = excluded.subject,
         changed_at_ms = excluded.changed_at_ms, body = excluded.body`,
    );
    this.#closeAlarm = db.prepare(
      "UPDATE alarm SET is_open = 0, changed_at_ms = coalesce(?, changed_at_ms), body = coalesce(?, body) WHERE alarm_id = ?",
    );
    this.#insertLevel = db.prepare(
      "INSERT OR REPLACE INTO level (device, at_ms, level_db, quantity, flags) VALUES (?, ?, ?, ?, ?)",
    );
    this.#dropLevels = db.prepare("DELETE FROM level WHERE device = ? AND at_ms < ?");
  }

  /** Call it inside the transaction of the write. */
  apply(write: EncodedWrite): void {
    for (const { device, subject, body } of write.openAlarms ?? []) {
      this.#upsertAlarm.run(body.alarmId, device, subject, body.stateAtMs, JSON.stringify(body));
    }
    for (const { alarmId, last } of write.closed) {
      this.#closeAlarm.run(last?.stateAtMs ?? null, last === undefined ? null : JSON.stringify(last), alarmId);
    }
    for (const { device, atMs, levelDb, quantity, flags } of write.levels ?? []) {
      this.#insertLevel.run(device, atMs, levelDb, quantity, JSON.stringify(flags));
    }
    for (const { device, atMs } of write.dropLevelsBefore ?? []) this.#dropLevels.run(device, atMs);
  }

  openAlarms(): OpenAlarm[] {
    return this.#alarms("is_open = 1", []);
  }

  /** @param nowMs a clock that stands before the clearing (1970) cannot tell how long ago that was: it counts as recent */
  recentAlarms(nowMs: number): OpenAlarm[] {
    return this.#alarms("is_open = 0 AND changed_at_ms >= ?", [nowMs - SAME_ALARM_MS]);
  }

  forgetOldAlarms(nowMs: number): void {
    this.#db.prepare("DELETE FROM alarm WHERE is_open = 0 AND changed_at_ms < ?").run(nowMs - 2 * SAME_ALARM_MS);
  }

  levels(): WorkingLevel[] {
    const rows = this.#db.prepare("SELECT * FROM level ORDER BY device, at_ms").all() as LevelRow[];
    return rows.map((row) => ({
      device: row.device,
      atMs: row.at_ms,
      levelDb: row.level_db,
      quantity: row.quantity,
      flags: JSON.parse(row.flags) as string[],
    }));
  }

  #alarms(where: string, parameters: readonly number[]): OpenAlarm[] {
    const rows = this.#db
      .prepare(`SELECT device, subject, body FROM alarm WHERE ${where} ORDER BY changed_at_ms`)
      .all(...parameters) as { device: string; subject: string; body: string }[];
    return rows.map(({ device, subject, body }) => ({ device, subject, body: JSON.parse(body) as AlarmBody }));
  }
}

interface LevelRow {
  readonly device: string;
  readonly at_ms: number;
  readonly level_db: number | null;
  readonly quantity: string;
  readonly flags: string;
}
