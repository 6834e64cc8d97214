import type { NoisePeriodReading } from "../../drivers/driver.ts";
import { encodeLevels } from "../../protocol/level-series.ts";
import type { NoiseBody } from "../../protocol/noise.ts";
import { roundedStatistics } from "./level-statistics.ts";

const LONGEST_S = 3600;

/** A period with the station's own statistics: a series without any level, one gap over all of it. */
export function noisePeriodBody(reading: NoisePeriodReading): NoiseBody {
  const { fromMs, toMs, quantity, statistics, flags, isBackfill } = reading;
  const seconds = Math.min(LONGEST_S, Math.max(1, Math.round((toMs - fromMs) / 1000)));
  const series = encodeLevels(
    fromMs,
    Array.from({ length: seconds }, () => ({ levelDb: null, flags })),
  );
  return {
    quantity,
    series,
    statistics: roundedStatistics(statistics),
    statisticsBy: "station",
    ...(isBackfill && { isBackfill }),
  };
}
