import process from "node:process";
import { expect, test } from "vitest";
import { runModel, seedOf } from "./script.ts";

test("10,000 random runs of node, link and bridge", { timeout: 1_800_000 }, () => {
  const { seed, runs, total } = runModel(10_000, seedOf(process.env));
  process.stderr.write(`model ${JSON.stringify({ seed, runs, ...total })}\n`);
  expect(total.alarms).toBeGreaterThan(1_000);
});
