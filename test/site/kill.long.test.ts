import { expect, test } from "vitest";
import { killRun } from "./kill-run.ts";

const SEED = Number(process.env["SHAO_SEED"] ?? Date.now() % 1_000_000);
const KILLS = 1_000;
/** Runs of this length, each with its own bridge and journal, so that one fault is found near where it happened. */
const KILLS_A_RUN = 100;
const LONG_MS = 4 * 3_600_000;

test(`${KILLS} kills lose nothing, double nothing, leave nothing unexplained`, { timeout: LONG_MS }, async () => {
  const points = new Map<string, number>();
  for (let run = 0; run < KILLS / KILLS_A_RUN; run += 1) {
    const report = await killRun({ kills: KILLS_A_RUN, seed: SEED + run });
    process.stderr.write(`${JSON.stringify(report)}\n`);
    expect(report).toMatchObject({ lost: 0, doubled: 0, unexplained: 0, altered: 0, clean: true });
    for (const [point, count] of Object.entries(report.faultPoints))
      points.set(point, (points.get(point) ?? 0) + count);
  }
  process.stderr.write(`${JSON.stringify({ kills: KILLS, faultPoints: Object.fromEntries(points) })}\n`);
});
