import process from "node:process";
import { expect, test } from "vitest";
import { runModel, seedOf } from "./script.ts";

test("200 random runs of node, link and bridge lose no alarm, double no case, account for every seq, and drain", () => {
  const { seed, runs, total } = runModel(200, seedOf(process.env));
  process.stderr.write(`model ${JSON.stringify({ seed, runs, ...total })}\n`);
  expect(total.alarms).toBeGreaterThan(0);
  expect(total.declared).toBeGreaterThan(0);
});
