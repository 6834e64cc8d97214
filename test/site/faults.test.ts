import process from "node:process";
import { describe, expect, test } from "vitest";
import { faultRun } from "./fault-run.ts";
import { needFaultRigs } from "./need-fault-rigs.ts";

const SEED = Number(process.env["SHAO_SEED"] ?? Date.now() % 1_000_000);
const SUITE_MS = 300_000;

/** `npm run fault-test -- --help` runs the same with any faults, count, seed, fault points and negative control. */
describe("custody through faults", () => {
  test("20 kills of either half lose nothing, double nothing, leave nothing unexplained", {
    timeout: SUITE_MS,
  }, async () => {
    const report = await faultRun({ faults: ["kill"], rounds: 20, seed: SEED });
    process.stderr.write(`${JSON.stringify(report)}\n`);
    expect(report).toMatchObject({ lost: 0, doubled: 0, unexplained: 0, altered: 0, drained: true, clean: true });
    expect(report.kills).toBeGreaterThanOrEqual(20);
    expect(report.points).toMatchObject({ "gateway-mid-migration": 1, "bridge-mid-migration": 1 });
  });

  test("5 power cuts under the disk of either half take back no commit and no receipt", {
    timeout: SUITE_MS,
  }, async (context) => {
    needFaultRigs(context, "cut");
    const report = await faultRun({ faults: ["cut"], rounds: 5, seed: SEED });
    process.stderr.write(`${JSON.stringify(report)}\n`);
    expect(report).toMatchObject({ lost: 0, doubled: 0, unexplained: 0, altered: 0, drained: true, clean: true });
    expect(report.cuts).toBe(5);
  });
});
