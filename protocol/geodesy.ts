/** A place on the ground, WGS-84, degrees. */
export interface Place {
  readonly latitudeDeg: number;
  readonly longitudeDeg: number;
}

const RADIANS = Math.PI / 180;

/**
 * Mean radius R1 of the earth, metres.
 * @source H. Moritz, Geodetic Reference System 1980, Journal of Geodesy 74 (2000): 6 371 008.7714 m
 */
export const EARTH_RADIUS_M = 6_371_008.8;

/** Length of one degree along a meridian of that sphere, metres. */
export const METRES_PER_DEGREE = EARTH_RADIUS_M * RADIANS;

/**
 * Great-circle distance on that sphere, metres: within 0.6 % of the ellipsoid, right across the date line too.
 * @source R. W. Sinnott, Virtues of the Haversine, Sky and Telescope 68 (1984)
 */
export function distanceM(from: Place, to: Place): number {
  const latitude = ((to.latitudeDeg - from.latitudeDeg) * RADIANS) / 2;
  const longitude = ((to.longitudeDeg - from.longitudeDeg) * RADIANS) / 2;
  const h =
    Math.sin(latitude) ** 2 +
    Math.cos(from.latitudeDeg * RADIANS) * Math.cos(to.latitudeDeg * RADIANS) * Math.sin(longitude) ** 2;
  return 2 * EARTH_RADIUS_M * Math.asin(Math.min(1, Math.sqrt(h)));
}
