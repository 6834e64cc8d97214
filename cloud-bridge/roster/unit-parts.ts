import type { Trx } from "../store/database.ts";
import { readUnitTree, type UnitTree } from "./units.ts";

/**
 * Whose crews are not ours: those of units that neither are one of `unitIds`, nor stand above or below one. A department
 * stands for the territory that it belongs to.
 * @param unitIds that have a part; with none nobody is foreign
 * @returns of a unit its name, or undefined where it has a part
 */
export async function foreignUnits(
  trx: Trx,
  unitIds: readonly string[],
): Promise<(unitId: string) => string | undefined> {
  if (unitIds.length === 0) return () => undefined;
  const tree = await readUnitTree(trx);
  const parts = unitIds.map((id) => territory(tree, id));
  return (unitId) => {
    const own = territory(tree, unitId);
    const isOurs = parts.some((part) => isWithin(tree, own, part) || isWithin(tree, part, own));
    return isOurs ? undefined : (tree.get(unitId)?.name ?? unitId);
  };
}

function territory(tree: UnitTree, unitId: string): string {
  return tree.path(unitId).findLast(({ level }) => level !== "department")?.id ?? unitId;
}

function isWithin(tree: UnitTree, unitId: string, outer: string): boolean {
  return unitId === outer || tree.path(unitId).some(({ id }) => id === outer);
}
