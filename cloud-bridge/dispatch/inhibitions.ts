import { isStanding } from "../alarms/faults.ts";
import { amend, type CaseRow, type Change, move, note } from "../cases/case-rows.ts";
import { type InhibitionFacts, inhibitionFacts } from "../cases/inhibition.ts";
import { holdIfInhibited, planDispatch } from "../cases/plan-dispatch.ts";
import { bringBack } from "../cases/progress.ts";
import type { DeskSettings } from "../cases/settings.ts";
import { anyStanding } from "../cases/standing.ts";
import { isEnded, stateNamed } from "../cases/states.ts";
import type { NewEntry } from "../cases/timeline.ts";
import { cancelTimer, setTimer } from "../cases/timers.ts";
import { BridgeError } from "../store/errors.ts";

/** The time of some work begins or ends. Harmless to repeat. */
export async function inhibitionDue(change: Change, id: string, settings: DeskSettings): Promise<void> {
  const { trx, nowMs } = change;
  const work = await trx.selectFrom("inhibitions").selectAll().where("id", "=", id).executeTakeFirst();
  if (work === undefined || work.ended_at_ms !== null) return;
  if (nowMs >= work.to_ms) return void (await endInhibition(change, id, "system:timer", settings));
  await setTimer(trx, "inhibition", id, nowMs < work.from_ms ? work.from_ms : work.to_ms, nowMs);
  if (nowMs < work.from_ms) return;
  // One to which somebody was sent goes on: who is there sees to it.
  for (const row of await casesAt(change, work.node, work.site_id)) await holdIfInhibited(change, row, "system:timer");
}

/** Live cases that wait for a crew, with an alarm that stands there. */
async function casesAt({ trx }: Change, node: string | null, siteId: string | null): Promise<readonly CaseRow[]> {
  return trx
    .selectFrom("cases")
    .selectAll("cases")
    .where("cases.state", "=", "open")
    .where("cases.dispatchable", "=", 1)
    .where("cases.late", "=", 0)
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom("case_alarms")
          .innerJoin("alarms", "alarms.alarm_id", "case_alarms.alarm_id")
          .select("alarms.alarm_id")
          .whereRef("case_alarms.case_id", "=", "cases.id")
          .where(isStanding)
          .$if(node !== null, (alarms) => alarms.where("alarms.node", "=", node))
          .$if(siteId !== null, (alarms) => alarms.where("alarms.site_id", "=", siteId)),
      ),
    )
    .execute();
}

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
