import type { SimulatedPlace } from "../../drivers/jt808/simulator.ts";
import { METRES_PER_DEGREE } from "../../protocol/geodesy.ts";
import { UsageError } from "../usage-error.ts";

const SPEED_MPS = 9;

/**
 * Where one of many vehicles is that drive in rings about a place, each in its own.
 * @param at `latitude,longitude`
 */
export function roundTrip(at: string, index: number): (atMs: number) => SimulatedPlace {
  const [latitudeDeg = Number.NaN, longitudeDeg = Number.NaN, ...rest] = at.split(",").map(Number);
  if (rest.length > 0 || !(Math.abs(latitudeDeg) <= 80) || !(Math.abs(longitudeDeg) <= 179)) {
    throw new UsageError(`"${at}" is no latitude,longitude such as 39.912,116.456`);
  }
  const radiusM = 300 + (index % 100) * 40;
  const metresPerDegreeEast = METRES_PER_DEGREE * Math.cos((latitudeDeg * Math.PI) / 180);
  return (atMs) => {
    const turned = ((atMs / 1000) * SPEED_MPS) / radiusM + index;
    return {
      latitudeDeg: latitudeDeg + (radiusM * Math.sin(turned)) / METRES_PER_DEGREE,
      longitudeDeg: longitudeDeg + (radiusM * Math.cos(turned)) / metresPerDegreeEast,
      speedMps: SPEED_MPS,
      bearingDeg: ((((-turned * 180) / Math.PI) % 360) + 360) % 360,
    };
  };
}
