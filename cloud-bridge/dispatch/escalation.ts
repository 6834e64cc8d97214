import { amend, type CaseRow, type Change, note } from "../cases/case-rows.ts";
import { slaOf } from "../cases/catalogue.ts";
import { catalogueNamed } from "../cases/catalogue-rows.ts";
import { allowedUntilMs } from "../cases/clocks.ts";
import type { DeskSettings } from "../cases/settings.ts";
import { isEnded, stateNamed } from "../cases/states.ts";
import { setTimer } from "../cases/timers.ts";
import { readUnitTree } from "../roster/units.ts";

const THERE_OR_REST = ["on-scene", "resolved", "verifying", "suspended"];

/** Nobody is on scene in time: the supervisor of the shift hears of it. */
export async function arrivalOverdue(change: Change, row: CaseRow): Promise<void> {
  if (isEnded(stateNamed(row.state)) || THERE_OR_REST.includes(row.state)) return;
  await amend(change, row, { escalated_to: row.escalated_to ?? "supervisor" });
  await note(change, row.id, {
    kind: "arrival-overdue",
    actor: "system:timer",
    channel: "system",
    cause: "nobody is on scene in time",
    detail: { to: "supervisor", ...(await unitAbove(change, row, ["street", "district"])) },
  });
}

/** The case is not over in time: it is supervised (督办) by the district, and after a further while by the city. */
export async function totalOverdue(change: Change, row: CaseRow, settings: DeskSettings): Promise<void> {
  if (isEnded(stateNamed(row.state)) || row.clock_paused_at_ms !== null) return;
  const level = row.escalated_to === "district" || row.escalated_to === "city" ? "city" : "district";
  const count = row.supervision_count + 1;
  await amend(change, row, { escalated_to: level, supervision_count: count });
  await note(change, row.id, {
    kind: "supervised",
    actor: "system:timer",
    channel: "system",
    cause: "the case is not over in time",
    detail: { level, count, ...(await unitAbove(change, row, [level])) },
  });
  if (level === "city" || row.catalogue === null || row.catalogue_version === null) return;
  const catalogue = await catalogueNamed(change.trx, row.catalogue, row.catalogue_version);
  const sla = slaOf(
    catalogue,
    catalogue.categories.find(({ code }) => code === row.category),
  );
  const more = { clock: sla.clock, minutes: sla.cityMinutes, workingDays: sla.cityWorkingDays };
  const atMs = await allowedUntilMs(change, settings, row.unit_id, change.nowMs, more);
  await setTimer(change.trx, "total", row.id, atMs, change.nowMs);
}

async function unitAbove({ trx }: Change, { unit_id }: CaseRow, levels: readonly string[]) {
  if (unit_id === null) return {};
  const unit = (await readUnitTree(trx)).path(unit_id).findLast(({ level }) => levels.includes(level));
  return unit === undefined ? {} : { unitId: unit.id };
}
