import { existsSync, readFileSync } from "node:fs";
import { NO_RANGES, type Ranges, rangesFrom, rangesOfSeqs, subtract, union } from "../../protocol/ranges.ts";
import { type OpenedJournal, storedRows } from "./inspect.ts";
import { crcOf, recordOf } from "./stored-record.ts";
import { walFault } from "./wal-check.ts";

export interface JournalFault {
  readonly code: string;
  readonly message: string;
}

/** Faults of the file, its log, its rows and its books, in words; none where all is well. */
export function* journalFaults(opened: OpenedJournal): Generator<JournalFault> {
  const { db, file } = opened;
  try {
    for (const line of db.pragma("integrity_check") as { integrity_check: string }[]) {
      if (line.integrity_check !== "ok") yield { code: "JOURNAL_BROKEN", message: line.integrity_check };
    }
  } catch (error) {
    yield { code: "JOURNAL_BROKEN", message: String(error instanceof Error ? error.message : error) };
  }
  const log = `${file}-wal`;
  const torn = existsSync(log) ? walFault(readFileSync(log)) : undefined;
  if (torn !== undefined) yield { code: "JOURNAL_BROKEN", message: `${log}: ${torn}` };

  // One moment of a journal that is being written: rows, runs and books of the same commit.
  const moment = { ...opened, runs: opened.runs };
  const held = new Map<string, number[]>();
  const declared = new Map<string, Ranges>();
  const faults: JournalFault[] = [];
  for (const { run, seq, kind, crc, bytes } of storedRows(
    moment,
    {},
    ({ run: of, table, afterSeq, beforeSeq, reason }) => {
      const until = beforeSeq === undefined ? "to its end" : `before seq ${beforeSeq}`;
      faults.push({
        code: "JOURNAL_BROKEN",
        message: `run ${of}, ${table}: unreadable after seq ${afterSeq}, ${until}: ${reason}`,
      });
    },
  )) {
    held.set(run, held.get(run) ?? []);
    held.get(run)?.push(seq);
    const record = recordOf(bytes);
    if ((crc !== null && crcOf(bytes) !== crc) || record?.seq !== seq || record.kind !== kind) {
      yield { code: "JOURNAL_ROW", message: `run ${run} seq ${seq}: the bytes are not those of this record` };
    } else if (record.kind === "shed") {
      const { run: of, ranges } = record.body;
      declared.set(of, union(declared.get(of) ?? NO_RANGES, rangesFrom(ranges)));
    }
  }
  yield* faults;
  for (const { run, head, deleted, receipted } of opened.runs.all()) {
    const seqs = rangesOfSeqs(held.get(run) ?? []);
    const count = held.get(run)?.length ?? 0;
    // Rows that a gateway wrote since this look began are no fault.
    const missing = head - deleted - (held.get(run) ?? []).filter((seq) => seq <= head).length;
    if (missing > 0) {
      yield { code: "JOURNAL_ROW", message: `run ${run}: ${missing} rows are missing that nobody deleted` };
    }
    const gone = head === 0 ? NO_RANGES : subtract(subtract([[1, head]], seqs), receipted);
    const silent = subtract(gone, declared.get(run) ?? NO_RANGES);
    // A shed that has had its receipt may be gone itself; what it declared then is the bridge's to know.
    const mayBeTold = count > 0 && receipted.length > 0;
    if (silent.length > 0 && !mayBeTold) {
      const list = silent.slice(0, 10).map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`));
      yield { code: "JOURNAL_ROW", message: `run ${run}: seqs ${list.join(", ")} are neither here nor declared` };
    }
  }
}
