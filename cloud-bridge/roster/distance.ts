/** WGS-84. */
export interface GeoPosition {
  readonly latitudeDeg: number;
  readonly longitudeDeg: number;
}

const EARTH_RADIUS_M = 6_371_008.8;

/** Great-circle distance; infinite where a position is unknown, so that nothing is near it. */
export function distanceM(a: GeoPosition | undefined, b: GeoPosition | undefined): number {
  if (a === undefined || b === undefined) return Number.POSITIVE_INFINITY;
  const radians = Math.PI / 180;
  const latitude = ((b.latitudeDeg - a.latitudeDeg) * radians) / 2;
  const longitude = ((b.longitudeDeg - a.longitudeDeg) * radians) / 2;
  const h =
    Math.sin(latitude) ** 2 +
    Math.cos(a.latitudeDeg * radians) * Math.cos(b.latitudeDeg * radians) * Math.sin(longitude) ** 2;
  return 2 * EARTH_RADIUS_M * Math.asin(Math.min(1, Math.sqrt(h)));
}
