import type { AlarmBody } from "../../protocol/alarm.ts";
import { SAME_ALARM_MS } from "../../protocol/limits.ts";
import { subjectKey } from "../../protocol/subject-key.ts";
import type { OpenAlarm, WorkingLevel } from "../contracts/journal.ts";
import type { EncodedWrite } from "./messages.ts";
import { type AlarmRow, checkOfAlarm, checkOfLevel, isWholeAlarm, isWholeLevel, type LevelRow } from "./row-check.ts";
import type { SqliteDatabase } from "./sqlite.ts";
import { crcOf, jsonOf, recordOf, type StoredJson } from "./stored-record.ts";
import { STORY, storyOf } from "./story-rows.ts";

/** What the pipeline takes up again after a start: open and recent alarms, and levels of an unfinished minute. */
export class WorkingTables {
  readonly #db: SqliteDatabase;
  readonly #upsertAlarm;
  readonly #alarm;
  readonly #insertLevel;
  readonly #dropLevels;
  readonly #revisions;
  readonly #damagedAlarms = new Set<string>();
  #damagedLevels = 0;

  constructor(db: SqliteDatabase) {
    this.#db = db;
    this.#upsertAlarm = db.prepare(
      `INSERT INTO alarm (alarm_id, device, subject, is_open, changed_at_ms, body, crc)
       VALUES (@alarm_id, @device, @subject, @is_open, @changed_at_ms, @body, @crc)
       ON CONFLICT (alarm_id) DO UPDATE SET device = excluded.device, subject = excluded.subject,
         is_open = excluded.is_open, changed_at_ms = excluded.changed_at_ms, body = excluded.body, crc = excluded.crc`,
    );
    this.#alarm = db.prepare("SELECT * FROM alarm WHERE alarm_id = ?");
    this.#insertLevel = db.prepare(
      `INSERT OR REPLACE INTO level (device, at_ms, level_db, quantity, flags, crc)
       VALUES (@device, @at_ms, @level_db, @quantity, @flags, @crc)`,
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
      this.#put({ device, subject, is_open: 1, ...said(body) });
    }
    for (const { alarmId, last } of write.closed) {
      const row = this.#alarm.get(alarmId) as AlarmRow | undefined;
      if (row === undefined) continue;
      // A row that is damaged already must not get a check that says otherwise.
      if (last !== undefined || isWholeAlarm(row)) {
        this.#put({ ...row, is_open: 0, ...(last === undefined ? {} : said(last)) });
      }
    }
    for (const { device, atMs, levelDb, quantity, flags } of write.levels ?? []) {
      const row = { device, at_ms: atMs, level_db: levelDb, quantity, flags: JSON.stringify(flags) };
      this.#insertLevel.run({ ...row, crc: checkOfLevel(row) });
    }
    for (const { device, atMs } of write.dropLevelsBefore ?? []) this.#dropLevels.run(device, atMs);
  }

  /** Rows so far whose content was damaged: an alarm then goes on as its newest whole record says, and a level is left out. */
  get damaged(): { readonly alarms: number; readonly levels: number } {
    return { alarms: this.#damagedAlarms.size, levels: this.#damagedLevels };
  }

  /** Writes damaged rows anew as they were taken up, and drops those of which nothing whole is left: they are told once. */
  mend(): void {
    for (const row of this.#db.prepare("SELECT * FROM alarm").all() as AlarmRow[]) {
      if (writtenIn(row) !== undefined) continue;
      const taken = this.#takenUp(row);
      if (taken === undefined) this.#db.prepare("DELETE FROM alarm WHERE alarm_id = ?").run(row.alarm_id);
      else this.#put(taken.row);
    }
    for (const row of this.#db.prepare("SELECT * FROM level").all() as LevelRow[]) {
      if (flagsIn(row) === undefined)
        this.#db.prepare("DELETE FROM level WHERE device = ? AND at_ms = ?").run(row.device, row.at_ms);
    }
  }

  openAlarms(): OpenAlarm[] {
    return this.#alarms(({ is_open }) => is_open === 1);
  }

  /** @param nowMs a clock that stands before the clearing (1970) cannot tell how long ago that was: it counts as recent */
  recentAlarms(nowMs: number): OpenAlarm[] {
    return this.#alarms(({ is_open, changed_at_ms }) => is_open === 0 && changed_at_ms >= nowMs - SAME_ALARM_MS);
  }

  forgetOldAlarms(nowMs: number): void {
    this.#db.prepare("DELETE FROM alarm WHERE is_open = 0 AND changed_at_ms < ?").run(nowMs - 2 * SAME_ALARM_MS);
  }

  levels(): WorkingLevel[] {
    const rows = this.#db.prepare("SELECT * FROM level ORDER BY device, at_ms").all() as LevelRow[];
    return rows.flatMap((row) => {
      const flags = flagsIn(row);
      if (flags === undefined) {
        this.#damagedLevels += 1;
        return [];
      }
      return [
        {
          device: row.device,
          atMs: row.at_ms,
          levelDb: row.level_db,
          quantity: row.quantity,
          flags,
        },
      ];
    });
  }

  /** Reads all of them: what a damaged row says of itself is no reason to pass it over. */
  #alarms(isMeant: (row: UncheckedAlarm) => boolean): OpenAlarm[] {
    const rows = this.#db.prepare("SELECT * FROM alarm ORDER BY changed_at_ms").all() as AlarmRow[];
    return rows.flatMap((row) => {
      const { device, subject } = row;
      const body = writtenIn(row);
      if (body !== undefined) return isMeant(row) ? [{ device, subject, body }] : [];
      this.#damagedAlarms.add(row.alarm_id);
      const taken = this.#takenUp(row);
      return taken !== undefined && isMeant(taken.row)
        ? [{ device: taken.row.device, subject: taken.row.subject, body: taken.body }]
        : [];
    });
  }

  /** A damaged row as its newest whole record says. */
  #takenUp({
    alarm_id,
    device: wrote,
  }: AlarmRow): { readonly row: UncheckedAlarm; readonly body: AlarmBody } | undefined {
    const newest = this.#newestRevision(alarm_id);
    if (newest === undefined) return undefined;
    const { device = wrote, subject, body } = newest;
    const is_open = storyOf(newest)?.[2] === STORY.over ? 0 : 1;
    return { row: { device, subject: subjectKey(subject), is_open, ...said(body) }, body };
  }

  #newestRevision(alarmId: string): AlarmRecord | undefined {
    for (const { crc, bytes } of this.#revisions.iterate(alarmId) as Iterable<{ crc: number; bytes: Uint8Array }>) {
      const record = crcOf(bytes) === crc ? recordOf(bytes) : undefined;
      if (record?.kind === "alarm") return record;
    }
    return undefined;
  }

  #put(row: UncheckedAlarm): void {
    this.#upsertAlarm.run({ ...row, crc: checkOfAlarm(row) });
  }
}

type UncheckedAlarm = Omit<AlarmRow, "crc">;
type AlarmRecord = Extract<StoredJson, { kind: "alarm" }>;

function said(body: AlarmBody): Pick<AlarmRow, "alarm_id" | "changed_at_ms" | "body"> {
  return { alarm_id: body.alarmId, changed_at_ms: body.stateAtMs, body: JSON.stringify(body) };
}

/** @returns undefined where the row is not what was written */
function writtenIn(row: AlarmRow): AlarmBody | undefined {
  const body = isWholeAlarm(row) ? (jsonOf(row.body) as AlarmBody | undefined) : undefined;
  return body?.alarmId === row.alarm_id ? body : undefined;
}

function flagsIn(row: LevelRow): readonly string[] | undefined {
  const flags = isWholeLevel(row) ? jsonOf(row.flags) : undefined;
  return Array.isArray(flags) ? (flags as string[]) : undefined;
}
