import type { UnitTree } from "../roster/units.ts";
import { BridgeError } from "../store/errors.ts";
import type { Actor } from "./actor.ts";

/** An account of a unit speaks for it and all below it; one without a unit for everybody. */
export function actsFor(tree: UnitTree, actor: Actor, unitId: string): boolean {
  return actor.unitId === undefined || tree.path(unitId).some(({ id }) => id === actor.unitId);
}

export function foreign({ name, unitId }: Actor, of: string): BridgeError {
  return new BridgeError("WHISTLE_FOREIGN", `${name} of ${unitId ?? "no unit"} does not act for ${of}`, {
    status: 403,
    hint: "An account acts for its own unit and for those below it.",
  });
}
