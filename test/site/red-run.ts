import process from "node:process";
import { type FaultOptions, type FaultReport, faultRun } from "./fault-run.ts";

const SEED = Number(process.env["SHAO_SEED"] ?? Date.now() % 1_000_000);
/** A death at a harmless moment proves nothing: it is tried again, but not for ever. */
const TRIES = 4;

/** Runs until `isSeen`, with another seed each time: a run can also be unclean since it did not drain in time. */
export async function redRun(
  options: Omit<FaultOptions, "seed">,
  isSeen: (report: FaultReport) => boolean,
): Promise<FaultReport> {
  for (let tries = 0; ; tries += 1) {
    const report = await faultRun({ ...options, seed: SEED + tries });
    process.stderr.write(`${options.negativeControl}: ${JSON.stringify(report)}\n`);
    if ((!report.clean && isSeen(report)) || tries + 1 === TRIES) return report;
  }
}
