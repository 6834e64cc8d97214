import type { SimulatedPosition } from "../../drivers/gps-nmea/simulator.ts";
import { METRES_PER_DEGREE } from "../../protocol/geodesy.ts";
import { UsageError } from "../usage-error.ts";

export interface JourneyOptions {
  readonly at: string;
  readonly to?: string;
  readonly speed: string;
}

/** A receiver that stands at one place, or drives to another and back again. */
export function journey(options: JourneyOptions): (atMs: number) => SimulatedPosition {
  const from = parsePlace(options.at);
  if (options.to === undefined) return () => from;
  const to = parsePlace(options.to);
  const speedMps = Number(options.speed);
  if (!(speedMps > 0)) throw new UsageError(`"${options.speed}" is no speed in m/s`);
  const north = (to.latitudeDeg - from.latitudeDeg) * METRES_PER_DEGREE;
  const east = (to.longitudeDeg - from.longitudeDeg) * METRES_PER_DEGREE * Math.cos((from.latitudeDeg * Math.PI) / 180);
  const legMs = (Math.hypot(north, east) / speedMps) * 1000;
  if (!(legMs > 0)) return () => from;
  const there = (Math.atan2(east, north) * 180) / Math.PI;
  const startedAtMs = Date.now();
  return (atMs) => {
    const leg = (atMs - startedAtMs) / legMs;
    const isBack = Math.floor(leg) % 2 !== 0;
    const share = isBack ? 1 - (leg - Math.floor(leg)) : leg - Math.floor(leg);
    return {
      latitudeDeg: from.latitudeDeg + (to.latitudeDeg - from.latitudeDeg) * share,
      longitudeDeg: from.longitudeDeg + (to.longitudeDeg - from.longitudeDeg) * share,
      speedMps,
      bearingDeg: (there + (isBack ? 180 : 0) + 360) % 360,
    };
  };
}

function parsePlace(text: string): { readonly latitudeDeg: number; readonly longitudeDeg: number } {
  const [latitudeDeg = Number.NaN, longitudeDeg = Number.NaN, ...rest] = text.split(",").map(Number);
  if (rest.length > 0 || !(Math.abs(latitudeDeg) <= 90) || !(Math.abs(longitudeDeg) <= 180)) {
    throw new UsageError(`"${text}" is no latitude,longitude such as 39.912,116.456`);
  }
  return { latitudeDeg, longitudeDeg };
}
