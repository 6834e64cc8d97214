import process from "node:process";
import { expect, test } from "vitest";
import { FAULT_POINTS } from "../../cloud-bridge/store/fault-points.ts";
import { GATEWAY_FAULT_POINTS } from "../../gateway/contracts/fault-points.ts";
import { type FaultOptions, faultRun } from "./fault-run.ts";
import { FaultTotals } from "./fault-totals.ts";
import { FAULTS } from "./faults/registry.ts";
import { needFaultRigs } from "./need-fault-rigs.ts";

const SEED = Number(process.env["SHAO_SEED"] ?? Date.now() % 1_000_000);
const KILLS = 3_000;
const CUTS = 200;
const MIXED = 200;
const TWO = 400;
/** A half that starts keeps one core busy, one that waits for its fault point none. */
const AT_ONCE = 3;
const LONG_MS = 4 * 3_600_000;

/** Many runs, each with its own bridge and journal, so that a finding lies near where it happened. */
async function manyRuns(options: Omit<FaultOptions, "seed">, strokes: number): Promise<FaultTotals> {
  const totals = new FaultTotals();
  const seeds = Array.from({ length: Math.ceil(strokes / options.rounds) }, (_, run) => SEED + run);
  const stream = async () => {
    for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
      const report = await faultRun({ ...options, seed, keepUnclean: ".cache/unclean-runs" });
      totals.add(report);
      process.stderr.write(`${JSON.stringify(report)}\n${totals.line()}\n`);
      expect(report).toMatchObject({ lost: 0, doubled: 0, unexplained: 0, altered: 0, clean: true });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, stream));
  process.stderr.write(`${JSON.stringify({ total: true, seed: SEED, ...totals.sums() })}\n`);
  return totals;
}

test(`${KILLS} kills lose nothing, and every fault point was reached`, { timeout: LONG_MS }, async () => {
  const { kills, points } = (await manyRuns({ faults: ["kill"], rounds: 100 }, KILLS)).sums();
  expect(kills).toBeGreaterThanOrEqual(KILLS);
  expect(Object.keys(points).sort()).toEqual([...GATEWAY_FAULT_POINTS, ...FAULT_POINTS].sort());
});

test(`${CUTS} power cuts take back no commit and no receipt`, { timeout: LONG_MS }, async (context) => {
  needFaultRigs(context, "cut");
  expect((await manyRuns({ faults: ["cut"], rounds: 20 }, CUTS)).sums().cuts).toBe(CUTS);
});

test(`${TWO} strokes at two processes of one bridge, the broker outside and their gateways lose nothing`, {
  timeout: LONG_MS,
}, async (context) => {
  const names = FAULTS.filter(({ lanes }) => lanes.includes("second-bridge") || lanes.includes("link")).map(
    ({ name }) => name,
  );
  needFaultRigs(context, "two-bridges", ...names);
  const { faults } = (await manyRuns({ faults: names, rounds: 40, hasTwoBridges: true }, TWO)).sums();
  expect(Object.keys(faults).sort()).toEqual([...names].sort());
});

test("every fault, mixed with every other, leaves nothing lost, doubled or unexplained, with the broker inside", {
  timeout: LONG_MS,
}, async (context) => {
  const names = FAULTS.filter(({ needs = [] }) => !needs.includes("mosquitto")).map(({ name }) => name);
  needFaultRigs(context, ...names);
  const { faults } = (await manyRuns({ faults: names, rounds: 40 }, MIXED)).sums();
  expect(Object.keys(faults).sort()).toEqual([...names].sort());
});

test("and with the broker outside", { timeout: LONG_MS }, async (context) => {
  const names = FAULTS.map(({ name }) => name);
  needFaultRigs(context, ...names);
  const { faults } = (await manyRuns({ faults: names, rounds: 40 }, MIXED)).sums();
  expect(Object.keys(faults).sort()).toEqual([...names].sort());
});
