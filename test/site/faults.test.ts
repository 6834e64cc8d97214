import process from "node:process";
import { describe, expect, test } from "vitest";
import { faultRun } from "./fault-run.ts";
import { needFaultRigs } from "./need-fault-rigs.ts";

const SEED = Number(process.env["SHAO_SEED"] ?? Date.now() % 1_000_000);
const SUITE_MS = 300_000;

/** `npm run fault-test -- --help` runs the same with any faults, count, seed, fault points and negative control. */
describe("custody through faults", () => {
  test("12 kills of either half lose nothing, double nothing, leave nothing unexplained", {
    timeout: SUITE_MS,
  }, async () => {
    const report = await faultRun({ faults: ["kill"], rounds: 12, seed: SEED });
    process.stderr.write(`${JSON.stringify(report)}\n`);
    expect(report).toMatchObject({ lost: 0, doubled: 0, unexplained: 0, altered: 0, drained: true, clean: true });
    expect(report.kills).toBeGreaterThanOrEqual(12);
    expect(report.points).toMatchObject({ "gateway-mid-migration": 1, "bridge-mid-migration": 1 });
  });

  test("8 of two processes of one bridge, their gateway and the Mosquitto between them neither", {
    timeout: SUITE_MS,
  }, async (context) => {
    needFaultRigs(context, "broker-killed", "two-bridges");
    const report = await faultRun({ faults: ["kill", "broker-killed"], rounds: 8, seed: SEED, hasTwoBridges: true });
    process.stderr.write(`${JSON.stringify(report)}\n`);
    expect(report).toMatchObject({ lost: 0, doubled: 0, unexplained: 0, altered: 0, drained: true, clean: true });
    expect(report.faults).toMatchObject({ kill: expect.any(Number), "broker-killed": expect.any(Number) });
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
