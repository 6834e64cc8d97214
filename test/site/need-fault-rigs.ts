import process from "node:process";
import { lacks } from "./fault-needs.ts";
import { faultNamed } from "./faults/registry.ts";

/** Goes on only where this machine can do all these faults: a loud skip here, a failure in CI. */
export function needFaultRigs(context: { skip(reason: string): void }, ...faults: readonly string[]): void {
  for (const name of faults) {
    const why = (faultNamed(name).needs ?? []).map(lacks).find((reason) => reason !== undefined);
    if (why === undefined) continue;
    if (process.env["CI"] !== undefined) throw new Error(why);
    context.skip(why);
  }
}
