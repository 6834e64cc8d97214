import { describe, expect, test } from "vitest";
import { needFaultRigs } from "./need-fault-rigs.ts";
import { redRun } from "./red-run.ts";

const LONG_MS = 600_000;

describe("the fault test sees a broken promise", () => {
  test("a journal and a database that do not wait for the disk lose records in a power cut", {
    timeout: LONG_MS,
  }, async (context) => {
    needFaultRigs(context, "cut");
    const report = await redRun(
      { faults: ["cut"], rounds: 4, negativeControl: "synchronous-normal" },
      ({ lost }) => lost > 0,
    );
    expect(report.lost).toBeGreaterThan(0);
  });

  test("a run id that is used again mixes the records of two boxes", { timeout: LONG_MS }, async () => {
    const report = await redRun(
      { faults: ["cloned-card"], rounds: 1, negativeControl: "run-id-reused" },
      ({ altered }) => altered > 0,
    );
    expect(report.altered).toBeGreaterThan(0);
  });
});
