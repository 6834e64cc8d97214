import { describe, expect, test } from "vitest";
import { redRun } from "./red-run.ts";

const SUITE_MS = 600_000;

describe("the fault test sees a broken promise", () => {
  test("a receipt on PUBACK loses records", { timeout: SUITE_MS }, async () => {
    const control = {
      faults: ["kill"],
      points: ["bridge-mid-ingest"],
      rounds: 6,
      negativeControl: "receipt-on-puback",
    } as const;
    const report = await redRun(control, ({ lost, unexplained }) => lost + unexplained > 0);
    expect(report.lost + report.unexplained).toBeGreaterThan(0);
  });

  test("a dropped unique key doubles cases", { timeout: SUITE_MS }, async () => {
    const report = await redRun(
      { faults: ["kill"], rounds: 2, negativeControl: "no-unique-key" },
      ({ doubled }) => doubled > 0,
    );
    expect(report.doubled).toBeGreaterThan(0);
  });
});
