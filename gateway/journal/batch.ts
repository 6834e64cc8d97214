import type { AlarmBody } from "../../protocol/alarm.ts";
import type { NewRecord } from "../../protocol/record.ts";
import { encodeAfterSeq, recordBytes } from "../../protocol/record-encode.ts";
import type { JournalWrite, StoredRecord } from "../contracts/journal.ts";
import type { BatchOutcome, EncodedRecord, EncodedWrite, WriteOutcome } from "./messages.ts";
import { behindNewest } from "./newest-health.ts";
import { laneOfShelf, shelfOf } from "./shelf.ts";
import { storyOf } from "./story-rows.ts";
import { toFault } from "./thread-fault.ts";

/** Writes of one commit, encoded on this side of the thread. What cannot be encoded refuses its own write only. */
export class Batch {
  readonly writes: readonly EncodedWrite[];
  readonly #refused: readonly (WriteOutcome | undefined)[];

  constructor(writes: readonly JournalWrite[]) {
    const records: EncodedRecord[] = [];
    const accepted: { readonly write: JournalWrite; readonly from: number }[] = [];
    this.#refused = writes.map((write) => {
      const from = records.length;
      try {
        for (const record of write.append ?? []) records.push(encoded(record));
      } catch (error) {
        records.length = from;
        return { fault: toFault(error) };
      }
      accepted.push({ write, from });
      return undefined;
    });
    const onShelves = behindNewest(records);
    this.writes = accepted.map(({ write, from }, at) => {
      const { append: _, closedAlarms = [], ...others } = write;
      const closed = closedAlarms.map((alarmId) => ({ alarmId, last: lastWord(write, alarmId) }));
      return { ...others, append: onShelves.slice(from, accepted[at + 1]?.from), closed };
    });
  }

  /** @returns one outcome for each of the writes that it was made of, in their order */
  outcomes(answer: BatchOutcome): readonly (WriteOutcome | undefined)[] {
    const answers = answer.outcomes.values();
    return this.#refused.map((refused) => refused ?? answers.next().value);
  }

  /** Everything that the commit wrote, in the order of its seqs. */
  committed(run: string, { outcomes, shed }: BatchOutcome): readonly StoredRecord[] {
    const rows = [...shed];
    for (const [at, outcome] of outcomes.entries()) {
      if (!("seqs" in outcome)) continue;
      const append = this.writes[at]?.append ?? [];
      for (const [n, [shelf, , upMs, , afterSeq]] of append.entries()) {
        const seq = outcome.seqs[n];
        if (seq !== undefined)
          rows.push({ run, seq, lane: laneOfShelf(shelf), upMs, bytes: recordBytes(seq, afterSeq) });
      }
    }
    return rows;
  }
}

/** @throws ProtocolError BODY_TOO_LARGE */
export function encoded(record: NewRecord): EncodedRecord {
  const story = storyOf(record);
  const row = [shelfOf(record), record.kind, record.upMs, record.atMs, encodeAfterSeq(record)] as const;
  return story === undefined ? row : [...row, story];
}

function lastWord(write: JournalWrite, alarmId: string): AlarmBody | undefined {
  for (const record of write.append?.toReversed() ?? []) {
    if (record.kind === "alarm" && record.body.alarmId === alarmId) return record.body;
  }
  return undefined;
}
