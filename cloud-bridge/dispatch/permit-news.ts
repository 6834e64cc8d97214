import { bodyOf } from "../alarms/alarm-rows.ts";
import { amend, type CaseRow, type Change, note } from "../cases/case-rows.ts";
import { pauseClocks } from "../cases/clocks.ts";
import { heldBack } from "../cases/held-back.ts";
import { permitOfAlarm } from "../cases/permitted.ts";
import { cancelDispatch, planDispatch } from "../cases/plan-dispatch.ts";
import type { DeskSettings } from "../cases/settings.ts";
import { standingAlarms } from "../cases/standing.ts";
import type { PermitFacts } from "../fleet/permits.ts";

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
  const rows = await change.trx
    .selectFrom("cases")
    .selectAll()
    .where("site_id", "=", permit.siteId)
    .where("family", "=", "noise")
    .where("closed_at_ms", "is", null)
    .execute();
  for (const row of rows) await look(change, row, permit, by, settings);
}

async function look(
  change: Change,
  row: CaseRow,
  permit: PermitFacts,
  by: string,
  settings: DeskSettings,
): Promise<void> {
  const { isCovered, isFree } = await standing(change, row.id, permit.number);
  const detail = { permit: permit.number, permitId: permit.id };
  const entry = { actor: by, channel: "api", detail } as const;
  if (permit.revokedAtMs !== undefined) {
    if (row.dispatchable === 1 || row.inhibited_by !== null || !isFree) return;
    const freed = await amend(change, row, { dispatchable: 1 });
    await note(change, row.id, { ...entry, kind: "permit-ended", cause: permit.revokeCause ?? "it was revoked" });
    await planDispatch(change, freed, settings);
    return;
  }
  if (!isCovered || row.dispatchable === 0 || (await isNoted(change, row.id, permit.id))) return;
  if (row.state !== "open") {
    return note(change, row.id, {
      ...entry,
      kind: "permit-recorded",
      cause: "a permit covers it, and it is being worked on",
    });
  }
  await cancelDispatch(change, row.id);
  const held = await amend(change, row, { dispatchable: 0, auto_dispatch_at_ms: null });
  await pauseClocks(change, held);
  await note(change, row.id, { ...entry, kind: "permit-held", cause: "a permit covers every alarm of it that stands" });
}

/** `isCovered`: something stands, all of it under permits and some under this one. `isFree`: something stands that nothing holds back. */
async function standing(
  change: Change,
  caseId: string,
  number: string,
): Promise<{ readonly isCovered: boolean; readonly isFree: boolean }> {
  const alarms = await standingAlarms(change.trx, caseId).selectAll("alarms").where("alarms.late", "=", 0).execute();
  const permits: (string | undefined)[] = [];
  let isFree = false;
  for (const alarm of alarms) {
    const body = bodyOf(alarm);
    permits.push(await permitOfAlarm(change, alarm, body));
    isFree ||= (await heldBack(change, alarm, body)) === undefined;
  }
  return { isCovered: permits.includes(number) && !permits.includes(undefined), isFree };
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
