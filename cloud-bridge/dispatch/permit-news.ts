import { amend, type CaseRow, type Change, note } from "../cases/case-rows.ts";
import { inhibitionOf } from "../cases/inhibition.ts";
import { standingPermits } from "../cases/permitted.ts";
import { holdIfPermitted, planDispatch } from "../cases/plan-dispatch.ts";
import type { DeskSettings } from "../cases/settings.ts";
import type { NewEntry } from "../cases/timeline.ts";
import { cancelTimer, setTimer } from "../cases/timers.ts";
import { findPermit, type PermitFacts } from "../fleet/permits.ts";
import type { Trx } from "../store/database.ts";

/**
 * A permit was recorded or revoked while cases of its site are open. One that waits for a crew, and all of whose standing
 * alarms are covered now, is held as if the permit had been known; where somebody has been sent already the desk is told and
 * decides. One that it held, and nothing covers any more, waits for a crew. Harmless to repeat.
 */
export async function permitNews(
  change: Change,
  permit: PermitFacts,
  by: string,
  settings: DeskSettings,
): Promise<void> {
  const entry = { actor: by, channel: "api" } as const;
  if (permit.revokedAtMs === undefined) return begin(change, permit, entry);
  await cancelTimer(change.trx, "permit", permit.id, change.nowMs);
  await end(change, permit, { ...entry, cause: permit.revokeCause ?? "it was revoked" }, settings);
}

/** Set with the permit itself: when its time begins the open cases of its site are looked at, and when that ends. */
export async function timePermit(trx: Trx, permit: PermitFacts, nowMs: number): Promise<void> {
  if (nowMs < permit.toMs) await setTimer(trx, "permit", permit.id, permit.fromMs, nowMs);
}

/** The time of a permit begins or ends. */
export async function permitDue(change: Change, id: string, settings: DeskSettings): Promise<void> {
  const { trx, nowMs } = change;
  const permit = await findPermit(trx, id);
  if (permit.revokedAtMs !== undefined) return;
  const entry = { actor: "system:timer", channel: "system" } as const;
  if (nowMs >= permit.toMs) return end(change, permit, { ...entry, cause: "its time is over" }, settings);
  await setTimer(trx, "permit", id, nowMs < permit.fromMs ? permit.fromMs : permit.toMs, nowMs);
  await begin(change, permit, entry);
}

type Said = Omit<NewEntry, "kind" | "detail">;

async function begin(change: Change, permit: PermitFacts, said: Said): Promise<void> {
  const detail = { permit: permit.number, permitId: permit.id };
  for (const row of await casesUnder(change, permit)) {
    const permits = (await standingPermits(change, row.id)).map((standing) => standing.permit);
    if (!permits.includes(permit.number) || permits.includes(undefined)) continue;
    if (row.dispatchable === 0 || (await isNoted(change, row.id, permit.id))) continue;
    if ((await holdIfPermitted(change, row, { ...said, detail })) !== undefined) continue;
    const cause = "a permit covers it, and it is being worked on";
    await note(change, row.id, { ...said, kind: "permit-recorded", cause, detail });
  }
}

async function end(change: Change, permit: PermitFacts, said: Said, settings: DeskSettings): Promise<void> {
  const detail = { permit: permit.number, permitId: permit.id };
  for (const row of await casesUnder(change, permit)) {
    if (row.dispatchable === 1 || row.inhibited_by !== null || !(await isFree(change, row.id))) continue;
    const freed = await amend(change, row, { dispatchable: 1 });
    await note(change, row.id, { ...said, kind: "permit-ended", detail });
    await planDispatch(change, freed, settings);
  }
}

async function casesUnder({ trx }: Change, permit: PermitFacts): Promise<readonly CaseRow[]> {
  return trx
    .selectFrom("cases")
    .selectAll()
    .where("site_id", "=", permit.siteId)
    .where("family", "=", "noise")
    .where("closed_at_ms", "is", null)
    .execute();
}

/** Whether something stands that nothing holds back now. */
async function isFree(change: Change, caseId: string): Promise<boolean> {
  for (const { alarm, permit } of await standingPermits(change, caseId)) {
    if (permit === undefined && (await inhibitionOf(change, alarm)) === undefined) return true;
  }
  return false;
}

async function isNoted({ trx }: Change, caseId: string, permitId: string): Promise<boolean> {
  const entries = await trx
    .selectFrom("timeline")
    .select("detail")
    .where("case_id", "=", caseId)
    .where("kind", "=", "permit-recorded")
    .execute();
  return entries.some(({ detail }) => detail?.includes(permitId) === true);
}
