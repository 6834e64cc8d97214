import { expect, test } from "vitest";
import { killRun } from "./kill-run.ts";

const SEED = Number(process.env["SHAO_SEED"] ?? Date.now() % 1_000_000);
const KILLS = 1_000;
/** Runs of this length, each with its own bridge and journal, so that one fault is found near where it happened. */
const KILLS_A_RUN = 50;
/** A half that starts keeps one core busy; the other runs wait for their turn. */
const AT_ONCE = 2;
const LONG_MS = 4 * 3_600_000;

test(`${KILLS} kills lose nothing, double nothing, leave nothing unexplained`, { timeout: LONG_MS }, async () => {
  const points = new Map<string, number>();
  const seeds = Array.from({ length: KILLS / KILLS_A_RUN }, (_, run) => SEED + run);
  let killed = 0;
  const stream = async () => {
    for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
      const report = await killRun({ kills: KILLS_A_RUN, seed });
      killed += report.kills;
      process.stderr.write(`${JSON.stringify({ killed, of: KILLS, ...report })}\n`);
      expect(report).toMatchObject({ lost: 0, doubled: 0, unexplained: 0, altered: 0, clean: true });
      for (const [point, count] of Object.entries(report.faultPoints))
        points.set(point, (points.get(point) ?? 0) + count);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, stream));
  process.stderr.write(`${JSON.stringify({ kills: killed, seed: SEED, faultPoints: Object.fromEntries(points) })}\n`);
  expect(killed).toBe(KILLS);
});
