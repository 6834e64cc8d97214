import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { levelStatistics, mergedLaeqDb } from "../../../../gateway/pipeline/level-statistics.ts";
import { needRigs } from "../../../fakes/rigs.ts";

/** The raw formulas in another language and another library: energies in Pa², percentiles by counting who exceeds. */
const SECOND_OPINION = `
import json, sys
import numpy as np
P0 = 20e-6
def opinion(levels):
    a = np.array(levels, dtype=np.float64)
    p2 = P0**2 * np.power(10.0, a / 10.0)
    leq = 10 * np.log10(p2.mean() / P0**2)
    values = np.unique(a)
    def exceeded(percent):
        # the lowest measured level that fewer than percent % of the seconds exceed
        return float(min(v for v in values if np.count_nonzero(a > v) * 100 < percent * a.size))
    return dict(laeqDb=leq, lamaxDb=a.max(), laminDb=a.min(), sdDb=a.std(), selDb=10 * np.log10(p2.sum() / P0**2),
                **{f"l{n}Db": exceeded(n) for n in (5, 10, 50, 90, 95)})
for line in sys.stdin:
    print(json.dumps(opinion(json.loads(line))))
`;

function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test("numpy says the same of 200 random series", (context) => {
  needRigs(context, "numpy");
  const random = noise(20261122);
  const series = Array.from({ length: 200 }, (_, index) =>
    Array.from({ length: 1 + Math.floor(random() * 400) }, () =>
      index % 7 === 0 ? Math.round(400 + random() * 20) / 10 : Math.round(200 + random() * 1200) / 10,
    ),
  );
  const { status, stdout, stderr } = spawnSync("/usr/bin/python3", ["-c", SECOND_OPINION], {
    input: series.map((levels) => JSON.stringify(levels)).join("\n"),
    encoding: "utf8",
  });
  expect(status, stderr).toBe(0);
  const opinions = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, number>);
  expect(opinions).toHaveLength(series.length);
  for (const [index, opinion] of opinions.entries()) {
    const ours: Record<string, number | null> = levelStatistics(
      (series[index] ?? []).map((levelDb) => ({ levelDb, flags: [] })),
    );
    for (const [key, value] of Object.entries(opinion)) expect(ours[key], `${key} of ${index}`).toBeCloseTo(value, 6);
  }
  const all = series.flat();
  const blocks = series.map((levels, index) => ({ laeqDb: opinions[index]?.["laeqDb"] ?? null, valid: levels.length }));
  const whole = levelStatistics(all.map((levelDb) => ({ levelDb, flags: [] }))).laeqDb ?? 0;
  expect(mergedLaeqDb(blocks)).toBeCloseTo(whole, 6);
});
