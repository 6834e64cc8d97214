import { openJournal } from "../gateway/journal/open-journal.ts";
import { writePositions } from "./backlog-of-positions.ts";
import { type CustodyPart, row, say } from "./custody-part.ts";
import { median, startsToFirstReading } from "./first-reading.ts";
import { folderBytes } from "./folder-size.ts";
import { startTenMeters } from "./ten-meters.ts";

const ROWS = 10_000_000;
const STARTS = 3;
/** Ten million rows are more than the default quota takes. */
const QUOTA_BYTES = 16 * 2 ** 30;

export const startPart: CustodyPart = {
  what: "from the start of the process to the first reading with ten million rows in the journal, beside an empty one",
  async run() {
    await using meters = await startTenMeters({ config: { retention: { journalMaxBytes: QUOTA_BYTES } } });
    await startsToFirstReading(meters, "compile cache filled", 1);
    const empty = await startsToFirstReading(meters, "empty journal", STARTS);
    say(`writing ${ROWS} rows`);
    const filledMs = performance.now();
    await writePositions(meters.state, ROWS, QUOTA_BYTES);
    const fillS = (performance.now() - filledMs) / 1000;
    const full = await startsToFirstReading(meters, `${ROWS} rows`, STARTS);
    const note = `${STARTS} starts, median; peer: an empty journal in the same run`;
    const sizeMb = (await folderBytes(meters.state)) / 1e6;
    const questions = await firstQuestions(meters.state);
    return [
      row("start-to-first-reading, ten million rows", median(full.times), "ms", {
        goal: 1500,
        peer: median(empty.times),
        note,
      }),
      row("processor-to-first-reading, ten million rows", median(full.processorMs), "ms", {
        peer: median(empty.processorMs),
      }),
      row("journal of ten million rows, opening", questions.openMs, "ms"),
      row("journal of ten million rows, its thread held by the first count", questions.countMs, "ms", {
        note: "once a start, at the first health; an alarm of that moment waits as long",
      }),
      row("journal of ten million rows, size", sizeMb, "MB", { note: `written in ${Math.round(fillS)} s` }),
    ];
  },
};

async function firstQuestions(directory: string): Promise<{ readonly openMs: number; readonly countMs: number }> {
  const stamp = { upMs: 0, atMs: Date.now(), timeQuality: "ntp" } as const;
  const startedMs = performance.now();
  await using journal = await openJournal({ directory, stamp: () => stamp, quotaBytes: QUOTA_BYTES });
  const openMs = performance.now() - startedMs;
  const askedMs = performance.now();
  await journal.statistics();
  return { openMs, countMs: performance.now() - askedMs };
}
