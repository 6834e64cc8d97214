import type { Actor } from "../../cloud-bridge/dispatch/actor.ts";
import type { NewWhistle } from "../../cloud-bridge/dispatch/whistles.ts";
import { putUnit } from "../../cloud-bridge/roster/units.ts";
import { deskRig, newKey, SITE } from "./desk-rig.ts";

export const of = (name: string, unitId: string): Actor => ({ id: name, name, role: "dispatcher", unitId });
export const STREET = of("hujialou.desk", "street");
export const CENTRE = of("chaoyang.grid", "chaoyang");
export const CITY = of("city.grid", "beijing");
export const POLICE = of("police.desk", "police");
export const WATER = of("water.desk", "water");

/** A city of two districts; a street with two departments beside it, one street and one department across the border. */
export async function cityRig(settings: Parameters<typeof deskRig>[0] = {}) {
  const rig = await deskRig(settings);
  const put = (id: string, level: Parameters<typeof putUnit>[1]["level"], parentId?: string) =>
    putUnit(rig.db, { id, name: `The ${id}`, level, ...(parentId === undefined ? {} : { parentId }) });
  await put("beijing", "city");
  await put("chaoyang", "district", "beijing");
  await put("dongcheng", "district", "beijing");
  await put("street", "street", "chaoyang");
  await put("jianwai", "street", "chaoyang");
  await put("police", "department", "chaoyang");
  await put("water", "department", "chaoyang");
  await put("dongcheng-police", "department", "dongcheng");
  const report = { source: "patrol", externalId: "p-1", channel: "patrol", title: "Pipe burst, road sinks" } as const;
  const { report: taken } = await rig.desk.casework.takeReport(STREET, { ...report, position: SITE });
  const { caseId } = taken;
  const whistle = (more: Partial<NewWhistle> = {}): NewWhistle => ({
    ...{ caseId, kind: "emergency", fromUnitId: "street", unitIds: ["police", "water"], leadUnitId: "water" },
    text: "Close the road, shut the main",
    ...more,
  });
  const { casework } = rig.desk;
  return {
    ...rig,
    caseId,
    whistle,
    blow: (more: Partial<NewWhistle> = {}, actor = STREET) => casework.blowWhistle(actor, whistle(more), newKey()),
    act: (id: string, actor: Actor, request: Parameters<typeof casework.actOnWhistle>[2]) =>
      casework.actOnWhistle(actor, id, request, newKey()),
    leg: (id: string, actor: Actor, request: Parameters<typeof casework.actOnWhistleLeg>[2]) =>
      casework.actOnWhistleLeg(actor, id, request, newKey()),
    detail: () => rig.desk.views.caseDetail(caseId),
  };
}
