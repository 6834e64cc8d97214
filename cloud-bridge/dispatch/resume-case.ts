import { type CaseRow, type Change, move } from "../cases/case-rows.ts";
import { resumeClocks } from "../cases/clocks.ts";
import { planDispatch } from "../cases/plan-dispatch.ts";
import type { DeskSettings } from "../cases/settings.ts";
import { needsCrewAgain } from "../cases/standing.ts";
import type { NewEntry } from "../cases/timeline.ts";
import { cancelTimer } from "../cases/timers.ts";

/** Ends a suspension: a case that was being verified goes on with that unless it is loud, any other waits for a crew again. */
export async function resumeCase(
  change: Change,
  row: CaseRow,
  entry: NewEntry,
  settings: DeskSettings,
): Promise<CaseRow> {
  await cancelTimer(change.trx, "resume", row.id, change.nowMs);
  const cleared = { before_suspend: null, suspended_until_ms: null };
  const wasVerifying = row.before_suspend === "verifying" || row.before_suspend === "resolved";
  if (wasVerifying && !(await needsCrewAgain(change, row.id)))
    return resumeClocks(change, await move(change, row, "resume-verifying", entry, cleared), settings);
  const resumed = await resumeClocks(change, await move(change, row, "resume", entry, cleared), settings);
  return planDispatch(change, resumed, settings);
}
