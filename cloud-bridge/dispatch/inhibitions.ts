import { amend, type CaseRow, type Change, move, note } from "../cases/case-rows.ts";
import { type InhibitionFacts, inhibitionFacts } from "../cases/inhibition.ts";
import { planDispatch } from "../cases/plan-dispatch.ts";
import { bringBack } from "../cases/progress.ts";
import type { DeskSettings } from "../cases/settings.ts";
import { anyStanding } from "../cases/standing.ts";
import { isEnded, stateNamed } from "../cases/states.ts";
import type { NewEntry } from "../cases/timeline.ts";
import { cancelTimer } from "../cases/timers.ts";
import { BridgeError } from "../store/errors.ts";

/**
 * The work is over, or somebody ends it before: a case in which something still stands waits for a crew like any other,
 * also one that was over when it was raised.
 * @throws BridgeError INHIBITION_UNKNOWN
 */
export async function endInhibition(
  change: Change,
  id: string,
  by: string,
  settings: DeskSettings,
): Promise<InhibitionFacts> {
  const { trx, nowMs } = change;
  const before = await trx.selectFrom("inhibitions").selectAll().where("id", "=", id).executeTakeFirst();
  if (before === undefined) {
    throw new BridgeError("INHIBITION_UNKNOWN", `there is no inhibition ${id}`, {
      status: 404,
      hint: "GET /api/v1/inhibitions lists them.",
    });
  }
  if (before.ended_at_ms !== null) return inhibitionFacts(before);
  await trx.updateTable("inhibitions").set({ ended_at_ms: nowMs, ended_by: by }).where("id", "=", id).execute();
  await cancelTimer(trx, "inhibition", id, nowMs);
  const rows = await trx.selectFrom("cases").selectAll().where("inhibited_by", "=", id).execute();
  for (const row of rows) await goOn(change, row, { id, by }, settings);
  return inhibitionFacts({ ...before, ended_at_ms: nowMs, ended_by: by });
}

async function goOn(
  change: Change,
  before: CaseRow,
  { id, by }: { readonly id: string; readonly by: string },
  settings: DeskSettings,
): Promise<void> {
  const stands = await anyStanding(change, before.id);
  const row = await amend(change, before, { inhibited_by: null, dispatchable: stands ? 1 : before.dispatchable });
  const cause = stands ? "the work is over and the alarm stands" : "the work is over";
  const entry: NewEntry = {
    kind: "inhibition-ended",
    actor: by,
    channel: "system",
    cause,
    detail: { inhibitionId: id },
  };
  const state = stateNamed(row.state);
  if (stands && isEnded(state)) {
    await planDispatch(change, await move(change, row, "reopen", entry, { late: 0 }), settings);
  } else if (stands && (state === "resolved" || state === "verifying")) {
    await bringBack(change, row, entry, settings);
  } else {
    await note(change, row.id, entry);
    await planDispatch(change, row, settings);
  }
}
