import process from "node:process";
import { describe, expect, test } from "vitest";
import { type FaultOptions, type FaultReport, faultRun } from "./fault-run.ts";
import { needFaultRigs } from "./need-fault-rigs.ts";

const SEED = Number(process.env["SHAO_SEED"] ?? Date.now() % 1_000_000);
const SUITE_MS = 600_000;
/** A death at a harmless moment proves nothing: it is tried again, but not for ever. */
const TRIES = 4;

/** Runs until it is red, with another seed each time. */
async function redRun(options: Omit<FaultOptions, "seed">): Promise<FaultReport> {
  for (let tries = 0; ; tries += 1) {
    const report = await faultRun({ ...options, seed: SEED + tries });
    process.stderr.write(`${options.negativeControl}: ${JSON.stringify(report)}\n`);
    if (!report.clean || tries + 1 === TRIES) return report;
  }
}

describe("the fault test sees a broken promise", () => {
  test("a receipt on PUBACK loses records", { timeout: SUITE_MS }, async () => {
    const report = await redRun({
      faults: ["kill"],
      points: ["bridge-mid-ingest"],
      rounds: 6,
      negativeControl: "receipt-on-puback",
    });
    expect(report.lost + report.unexplained).toBeGreaterThan(0);
  });

  test("a journal and a database that do not wait for the disk lose records in a power cut", {
    timeout: SUITE_MS,
  }, async (context) => {
    needFaultRigs(context, "cut");
    const report = await redRun({ faults: ["cut"], rounds: 4, negativeControl: "synchronous-normal" });
    expect(report.lost).toBeGreaterThan(0);
  });

  test("a run id that is used again mixes the records of two boxes", { timeout: SUITE_MS }, async () => {
    const report = await redRun({ faults: ["cloned-card"], rounds: 1, negativeControl: "run-id-reused" });
    expect(report.altered).toBeGreaterThan(0);
  });

  test("a dropped unique key doubles cases", { timeout: SUITE_MS }, async () => {
    const report = await redRun({ faults: ["kill"], rounds: 2, negativeControl: "no-unique-key" });
    expect(report.doubled).toBeGreaterThan(0);
  });
});
