import { describe, expect, test } from "vitest";
import { killRun } from "./kill-run.ts";

const SEED = Number(process.env["SHAO_SEED"] ?? Date.now() % 1_000_000);
const SUITE_MS = 300_000;

/** `npm run kill-test -- --help` runs the same with any count, seed, fault points and negative control. */
describe("custody through kills", () => {
  test("20 kills of either half lose nothing, double nothing, leave nothing unexplained", {
    timeout: SUITE_MS,
  }, async () => {
    const report = await killRun({ kills: 20, seed: SEED });
    process.stderr.write(`${JSON.stringify(report)}\n`);
    expect(report).toMatchObject({ lost: 0, doubled: 0, unexplained: 0, altered: 0, clean: true });
    expect(report.alarms).toBeGreaterThan(10);
  });

  test("a receipt on PUBACK loses records, and is seen to", { timeout: SUITE_MS }, async () => {
    const points = ["bridge-mid-ingest"];
    const report = await killRun({ kills: 6, seed: SEED, negativeControl: "receipt-on-puback", points });
    process.stderr.write(`${JSON.stringify(report)}\n`);
    expect(report.clean).toBe(false);
    expect(report.lost + report.unexplained).toBeGreaterThan(0);
  });

  test("a dropped unique key doubles cases, and is seen to", { timeout: SUITE_MS }, async () => {
    const report = await killRun({ kills: 3, seed: SEED, negativeControl: "no-unique-key" });
    process.stderr.write(`${JSON.stringify(report)}\n`);
    expect(report.clean).toBe(false);
    expect(report.doubled).toBeGreaterThan(0);
  });
});
