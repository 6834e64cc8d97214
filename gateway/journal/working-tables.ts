import type { AlarmBody } from "../../protocol/alarm.ts";
import { SAME_ALARM_MS } from "../../protocol/limits.ts";
import type { OpenAlarm, WorkingLevel } from "../contracts/journal.ts";
import type { EncodedWrite } from "./messages.ts";
import type { SqliteDatabase } from "./sqlite.ts";
import { crcOf, jsonOf, recordOf } from "./stored-record.ts";

/** What the pipeline takes up again after a start: open and recent alarms, and levels of an unfinished minute. */
export class WorkingTables {
  readonly #db: SqliteDatabase;
  readonly #upsertAlarm;
  readonly #closeAlarm;
  readonly #insertLevel;
  readonly #dropLevels;
  readonly #revisions;
  #damaged = { alarms: 0, levels: 0 };

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
    this.#revisions = db.prepare(
      `SELECT record.crc, record.bytes FROM story JOIN record USING (run_no, shelf, seq)
       WHERE story.alarm_id = ? AND record.kind = 'alarm' ORDER BY story.rev DESC`,
    );
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

  /** Rows so far whose content was damaged: an alarm then goes on as its newest whole record says, and a level is left out. */
  get damaged(): { readonly alarms: number; readonly levels: number } {
    return this.#damaged;
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
    return rows.flatMap((row) => {
      const flags = jsonOf(row.flags);
      if (!Array.isArray(flags)) {
        this.#damaged.levels += 1;
        return [];
      }
      return [
        {
          device: row.device,
          atMs: row.at_ms,
          levelDb: row.level_db,
          quantity: row.quantity,
          flags: flags as string[],
        },
      ];
    });
  }

  #alarms(where: string, parameters: readonly number[]): OpenAlarm[] {
    const rows = this.#db
      .prepare(`SELECT alarm_id, device, subject, body FROM alarm WHERE ${where} ORDER BY changed_at_ms`)
      .all(...parameters) as { alarm_id: string; device: string; subject: string; body: string }[];
    return rows.flatMap(({ alarm_id, device, subject, body: text }) => {
      const written = jsonOf(text) as AlarmBody | undefined;
      if (written?.alarmId === alarm_id) return [{ device, subject, body: written }];
      this.#damaged.alarms += 1;
      const body = this.#newestRevision(alarm_id);
      return body === undefined ? [] : [{ device, subject, body }];
    });
  }

  #newestRevision(alarmId: string): AlarmBody | undefined {
    for (const { crc, bytes } of this.#revisions.iterate(alarmId) as Iterable<{ crc: number; bytes: Uint8Array }>) {
      const record = crcOf(bytes) === crc ? recordOf(bytes) : undefined;
      if (record?.kind === "alarm") return record.body;
    }
    return undefined;
  }
}

interface LevelRow {
  readonly device: string;
  readonly at_ms: number;
  readonly level_db: number | null;
  readonly quantity: string;
  readonly flags: string;
}
