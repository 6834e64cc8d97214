import type { CustodyJournal } from "./contracts/journal.ts";
import type { Logger } from "./contracts/logger.ts";

/** What a journal found at its start, and what happens in it, in the log. */
export function tellOfJournal(journal: CustodyJournal, log: Logger): void {
  const { setAside: file, salvaged } = journal.restored;
  if (file !== undefined) {
    const hint =
      "Alarms and settings of it go on, as far as they could be read; `shao journal export` may read the rest.";
    log.error({ code: "JOURNAL_SET_ASIDE", file, salvaged, hint }, "journal was damaged and set aside");
  }
  journal.onNews(({ code, message }) => log.error({ code, reason: message }, "journal tells"));
}
