import type { NewRecord } from "../protocol/record.ts";
import type { JournalRestore, OpenAlarm } from "./contracts/journal.ts";
import type { HandOver, HeldWrite } from "./journal/holding-writer.ts";
import { endOfOwnerless, isOwnerless, type Parts } from "./ownerless-alarms.ts";
import type { Now } from "./pipeline/steady-time.ts";
import { streamOfAlarm } from "./pipeline/stream.ts";

/** What a start has: the file's word, corrected by the memory of the gateway that ended before it in this process. */
export interface TakenUp {
  readonly restored: JournalRestore;
  /** To be committed after the `start` record and before anything else. */
  readonly writes: readonly HeldWrite[];
}

/** They say what the run was that has ended. */
const OF_ITS_RUN: ReadonlySet<NewRecord["kind"]> = new Set(["start", "time", "health"]);

/**
 * The memory is newer than the file, and after a broken file it is all there is: rules go on with the alarms that it calls
 * open, and one whose newest revision lies in no file that is still sent is told again. What was never committed counts from
 * this run's start, because `upMs` of another run means nothing in it; its `atMs` stays.
 */
export function takeUp(restored: JournalRestore, before: HandOver | undefined, now: Now, parts: Parts): TakenUp {
  if (before === undefined) return withoutOwnerless({ restored, writes: [] }, now, parts);
  const { openAlarms } = before;
  const held = before.writes.flatMap(({ write: { append, ...tables }, urgency }) => {
    const records = (append ?? [])
      .filter(({ kind }) => !OF_ITS_RUN.has(kind))
      .map((record) => ({ ...record, upMs: now.upMs }));
    if (append !== undefined && records.length === 0) return [];
    return [{ urgency, write: { ...tables, ...(records.length === 0 ? {} : { append: records }) } }];
  });
  const told = new Set([
    ...restored.openAlarms.map(({ body }) => revision(body)),
    ...before.writes.flatMap(({ write }) => (write.append ?? []).flatMap(revisionOf)),
  ]);
  const again = openAlarms.filter(({ body }) => !told.has(revision(body))).map((alarm) => tellAgain(alarm, now));
  const takenUp = { restored: { ...restored, openAlarms }, writes: [...held, ...again] };
  return withoutOwnerless(takenUp, now, parts);
}

/** Also the last camera takes its alarms with it: the part that would clear them does not start without one. */
function withoutOwnerless({ restored, writes }: TakenUp, now: Now, parts: Parts): TakenUp {
  const left = restored.openAlarms.filter(({ body }) => isOwnerless(body, parts));
  if (left.length === 0) return { restored, writes };
  const ends = left.map((alarm): HeldWrite => ({ urgency: "urgent", write: endOfOwnerless(alarm, now) }));
  const openAlarms = restored.openAlarms.filter((alarm) => !left.includes(alarm));
  return { restored: { ...restored, openAlarms }, writes: [...writes, ...ends] };
}

function tellAgain(alarm: OpenAlarm, { upMs, atMs, timeQuality }: Now): HeldWrite {
  const stream = streamOfAlarm(alarm.device, alarm.subject);
  const record: NewRecord = { upMs, atMs, timeQuality, ...stream, kind: "alarm", body: alarm.body };
  return { urgency: "urgent", write: { append: [record], openAlarms: [alarm] } };
}

function revisionOf(record: NewRecord): string[] {
  return record.kind === "alarm" ? [revision(record.body)] : [];
}

function revision({ alarmId, rev }: { readonly alarmId: string; readonly rev: number }): string {
  return `${alarmId} ${rev}`;
}
