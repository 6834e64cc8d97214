import process from "node:process";
import { lacks, type Need } from "./fault-needs.ts";
import { faultNamed } from "./faults/registry.ts";

/** Goes on only where this machine can do all these faults, or has what a run needs: a loud skip here, a failure in CI. */
export function needFaultRigs(context: { skip(reason: string): void }, ...faults: readonly (string | Need)[]): void {
  for (const name of faults) {
    const needs: readonly Need[] =
      name === "two-bridges" || name === "mosquitto" ? [name] : (faultNamed(name).needs ?? []);
    const why = needs.map((need) => lacks(need)).find((reason) => reason !== undefined);
    if (why === undefined) continue;
    if (process.env["CI"] !== undefined) throw new Error(why);
    context.skip(why);
  }
}
