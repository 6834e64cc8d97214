import type { GeoPoint } from "../../../api/schema/common.ts";

const METRES_PER_DEG = 111_320;

/** Where a plan looks: its middle, and how many metres one pixel shows. */
export interface Look {
  readonly latitudeDeg: number;
  readonly longitudeDeg: number;
  readonly metresPerPixel: number;
}

/** Where a unit answers for. */
export interface Ground {
  readonly id: string;
  readonly name: string;
  readonly outlines: readonly (readonly Pick<GeoPoint, "latitudeDeg" | "longitudeDeg">[])[];
}

export interface Spot {
  readonly x: number;
  readonly y: number;
}

const widthOf = (latitudeDeg: number): number => METRES_PER_DEG * Math.cos((latitudeDeg * Math.PI) / 180);

/** Pixels from the middle, x to the east, y to the south: flat, which holds for a city. */
export const spotOf = (look: Look, point: Pick<GeoPoint, "latitudeDeg" | "longitudeDeg">): Spot => ({
  x: ((point.longitudeDeg - look.longitudeDeg) * widthOf(look.latitudeDeg)) / look.metresPerPixel,
  y: ((look.latitudeDeg - point.latitudeDeg) * METRES_PER_DEG) / look.metresPerPixel,
});

export const pointAt = (look: Look, { x, y }: Spot): { latitudeDeg: number; longitudeDeg: number } => ({
  latitudeDeg: look.latitudeDeg - (y * look.metresPerPixel) / METRES_PER_DEG,
  longitudeDeg: look.longitudeDeg + (x * look.metresPerPixel) / widthOf(look.latitudeDeg),
});

/** How far apart two places are, as flat as the plan is. */
export function metresBetween(
  a: Pick<GeoPoint, "latitudeDeg" | "longitudeDeg">,
  b: Pick<GeoPoint, "latitudeDeg" | "longitudeDeg">,
): number {
  const { x, y } = spotOf({ ...a, metresPerPixel: 1 }, b);
  return Math.hypot(x, y);
}

export const LEAST_METRES_PER_PIXEL = 0.1;
const MOST_METRES_PER_PIXEL = 2000;
const LEAST_REACH_M = 400;
const MARGIN = 1.25;

/** The look that shows all points; half a kilometre about a single one. */
export function lookAtAll(
  points: readonly Pick<GeoPoint, "latitudeDeg" | "longitudeDeg">[],
  { width, height }: { readonly width: number; readonly height: number },
): Look | undefined {
  if (points.length === 0) return undefined;
  const lats = points.map(({ latitudeDeg }) => latitudeDeg);
  const lons = points.map(({ longitudeDeg }) => longitudeDeg);
  const [south, north] = [Math.min(...lats), Math.max(...lats)];
  const [west, east] = [Math.min(...lons), Math.max(...lons)];
  const latitudeDeg = (south + north) / 2;
  const eastM = Math.max(LEAST_REACH_M, (east - west) * widthOf(latitudeDeg) * MARGIN);
  const northM = Math.max(LEAST_REACH_M, (north - south) * METRES_PER_DEG * MARGIN);
  const metresPerPixel = Math.max(eastM / Math.max(1, width), northM / Math.max(1, height));
  return { latitudeDeg, longitudeDeg: (west + east) / 2, metresPerPixel };
}

/** Nearer or farther by a factor; what lies under `spot` stays there. */
export function zoomed(look: Look, factor: number, spot: Spot = { x: 0, y: 0 }): Look {
  const wanted = look.metresPerPixel * factor;
  const metresPerPixel = Math.min(MOST_METRES_PER_PIXEL, Math.max(LEAST_METRES_PER_PIXEL, wanted));
  const under = pointAt(look, spot);
  const next = { ...under, metresPerPixel };
  return { ...pointAt(next, { x: -spot.x, y: -spot.y }), metresPerPixel };
}

export const moved = (look: Look, { x, y }: Spot): Look => ({ ...look, ...pointAt(look, { x, y }) });

/** A round length that is drawn about so many pixels long: 1, 2 or 5 times a power of ten. */
export function roundLengthM(metresPerPixel: number, pixels: number): number {
  const wanted = metresPerPixel * pixels;
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = [5, 2, 1].find((n) => n * power <= wanted) ?? 1;
  return step * power;
}

/** `39.912, 116.456`, as a map or a message gives it; nothing where it is not a place on Earth, or the 0, 0 of no place. */
export function pointIn(text: string): { latitudeDeg: number; longitudeDeg: number } | undefined {
  const found = /^\s*(-?\d{1,2}(?:\.\d+)?)\s*[,，;\s]\s*(-?\d{1,3}(?:\.\d+)?)\s*$/.exec(text);
  if (!found) return undefined;
  const [latitudeDeg, longitudeDeg] = [Number(found[1]), Number(found[2])];
  if (Math.abs(latitudeDeg) > 90 || Math.abs(longitudeDeg) > 180) return undefined;
  return latitudeDeg === 0 && longitudeDeg === 0 ? undefined : { latitudeDeg, longitudeDeg };
}
