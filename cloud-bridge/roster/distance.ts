import { distanceM as greatCircleM, type Place } from "../../protocol/geodesy.ts";

/** WGS-84. */
export type GeoPosition = Place;

/** Great-circle distance; infinite where a position is unknown, so that nothing is near it. */
export function distanceM(a: GeoPosition | undefined, b: GeoPosition | undefined): number {
  return a === undefined || b === undefined ? Number.POSITIVE_INFINITY : greatCircleM(a, b);
}
