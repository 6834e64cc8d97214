import type { CustodyJournal } from "./contracts/journal.ts";
import type { Logger } from "./contracts/logger.ts";

/** What a journal found at its start, and what happens in it, in the log. */
export function tellOfJournal(journal: CustodyJournal, log: Logger): void {
  const { setAside: file, salvaged, logFault, damaged } = journal.restored;
  if (file !== undefined) {
    const hint =
      "Alarms and settings of it go on, as far as they could be read; `shao journal export` may read the rest.";
    log.error({ code: "JOURNAL_SET_ASIDE", file, salvaged, hint }, "journal was damaged and set aside");
  }
  if (logFault !== undefined) {
    const hint =
      "Look at the node's memory card. What was lost and the bridge had heard of is declared; the log as it was is kept.";
    log.error(
      { code: "JOURNAL_LOG_DAMAGED", ...logFault, hint },
      "journal's log was damaged, its last records may be gone",
    );
  }
  if (damaged !== undefined) {
    const hint =
      "Look at the node's memory card. Those alarms go on as their newest whole record says; such levels are left out.";
    log.error({ code: "JOURNAL_ROW", ...damaged, hint }, "open alarms or levels of the journal were damaged");
  }
  journal.onNews(({ code, message }) => log.error({ code, reason: message }, "journal tells"));
}
