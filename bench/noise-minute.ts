import { levelStatistics, roundedStatistics } from "../gateway/pipeline/level-statistics.ts";
import { encodeLevels } from "../protocol/level-series.ts";
import type { BodyOf } from "../protocol/record.ts";

/** A minute of 60 levels as a street has them: a walk of ±2 dB a second between 35 and 90 dB. */
export function noiseMinute(fromMs: number, quantity: "LAeq1s" | "LAF" = "LAeq1s"): BodyOf<"noise"> {
  let levelDb = 55;
  const levels = Array.from({ length: 60 }, (_, second) => {
    levelDb = Math.min(90, Math.max(35, levelDb + (Math.random() - 0.5) * 4));
    return { atMs: fromMs + second * 1000, levelDb: Math.round(levelDb * 10) / 10, flags: [] };
  });
  const statistics = roundedStatistics(levelStatistics(levels.map((level) => ({ ...level, quantity }))));
  return { quantity, series: encodeLevels(fromMs, levels), statistics };
}
