/** Metres; x to the right, y away from the camera, z up. */
export type Point = readonly [x: number, y: number, z: number];
export type Colour = readonly [red: number, green: number, blue: number];

/** Where a thing stands and which way its own x axis points, radians from the world's. */
export interface Place {
  readonly x: number;
  readonly y: number;
  readonly heading: number;
}

/** A camera above (0, 0), looking along y and down by `pitch`. Radians. */
export interface View {
  readonly heightM: number;
  readonly pitch: number;
  readonly fieldOfView: number;
  readonly widthPx: number;
  readonly heightPx: number;
}

export interface Light {
  readonly level: number;
  readonly sun: Point;
  readonly sunLevel: number;
}

export interface Glow {
  readonly x: number;
  readonly y: number;
  readonly radiusPx: number;
  readonly colour: Colour;
}

const NEAR_M = 0.5;

/** Flat faces, painted in the order in which they come: far things first. */
export class Canvas {
  readonly view: View;
  readonly glows: Glow[] = [];
  readonly #light: Light;
  readonly #faces: string[] = [];
  readonly #focalPx: number;

  constructor(view: View, light: Light) {
    this.view = view;
    this.#light = light;
    this.#focalPx = view.widthPx / 2 / Math.tan(view.fieldOfView / 2);
  }

  get horizonPx(): number {
    return this.view.heightPx / 2 - this.#focalPx * Math.tan(this.view.pitch);
  }

  /** Pixels and depth of a point. */
  project([x, y, z]: Point): { readonly x: number; readonly y: number; readonly depthM: number } {
    const { heightM, pitch, widthPx, heightPx } = this.view;
    const [cos, sin] = [Math.cos(pitch), Math.sin(pitch)];
    const below = z - heightM;
    const depthM = y * cos - below * sin;
    const up = y * sin + below * cos;
    const scale = this.#focalPx / Math.max(depthM, 1e-3);
    return { x: widthPx / 2 + x * scale, y: heightPx / 2 - up * scale, depthM };
  }

  /** A face; of a closed body, whose middle is `inside`, only where it looks to the camera. */
  face(points: readonly Point[], colour: Colour, inside?: Point): void {
    const [a, b, c] = points;
    if (a === undefined || b === undefined || c === undefined) return;
    let normal = unit(cross(minus(b, a), minus(c, a)));
    const middle = meanOf(points);
    const toEye = minus([0, 0, this.view.heightM], middle);
    if (inside !== undefined) {
      if (dot(normal, minus(middle, inside)) < 0) normal = times(normal, -1);
      if (dot(normal, toEye) <= 0) return;
    } else if (dot(normal, toEye) < 0) normal = times(normal, -1);
    const { level, sun, sunLevel } = this.#light;
    this.polygon(points, times(colour, level + sunLevel * Math.max(0, dot(normal, sun))));
  }

  /** Unshaded. */
  polygon(points: readonly Point[], colour: Colour): void {
    const seen = points.map((point) => this.project(point));
    if (seen.some(({ depthM }) => depthM < NEAR_M)) return;
    const corners = seen.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
    this.#faces.push(`<polygon points="${corners}" fill="${rgbText(colour)}"/>`);
  }

  /** A box of a thing's own axes: x forward, y left, z up. */
  box(low: Point, high: Point, colour: Colour, place: Place): void {
    const corners = [low[0], high[0]].flatMap((x) =>
      [low[1], high[1]].flatMap((y) => [low[2], high[2]].map((z) => at(place, [x, y, z]))),
    );
    const inside = meanOf(corners);
    for (const face of [
      [0, 1, 3, 2],
      [4, 5, 7, 6],
      [0, 1, 5, 4],
      [2, 3, 7, 6],
      [1, 3, 7, 5],
    ]) {
      this.face(
        face.map((corner) => corners[corner] ?? inside),
        colour,
        inside,
      );
    }
  }

  /** A disc that stands upright along `along`: wheels and lamps. */
  disc(centre: Point, along: Point, radiusM: number, colour: Colour): void {
    const rim = Array.from({ length: 12 }, (_, i): Point => {
      const turn = (i / 12) * 2 * Math.PI;
      const side = times(along, Math.cos(turn) * radiusM);
      return [centre[0] + side[0], centre[1] + side[1], centre[2] + Math.sin(turn) * radiusM];
    });
    this.polygon(rim, times(colour, this.#light.level + 0.2));
  }

  /** A lamp, added to the picture once all is painted. */
  glow(point: Point, radiusM: number, colour: Colour): void {
    const { x, y, depthM } = this.project(point);
    if (depthM > NEAR_M) this.glows.push({ x, y, radiusPx: (this.#focalPx * radiusM) / depthM, colour });
  }

  svg(sky: Colour, ground: Colour): string {
    const { widthPx, heightPx } = this.view;
    const horizon = Math.max(0, this.horizonPx);
    const { level, sunLevel, sun } = this.#light;
    const lit = times(ground, level + sunLevel * Math.max(0, sun[2]));
    const back = `<rect width="${widthPx}" height="${heightPx}" fill="${rgbText(sky)}"/><rect y="${horizon.toFixed(1)}" width="${widthPx}" height="${heightPx}" fill="${rgbText(lit)}"/>`;
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${widthPx}" height="${heightPx}">${back}${this.#faces.join("")}</svg>`;
  }
}

/** A point of a thing's own axes in the world. */
export function at({ x, y, heading }: Place, [px, py, pz]: Point): Point {
  const [cos, sin] = [Math.cos(heading), Math.sin(heading)];
  return [x + px * cos - py * sin, y + px * sin + py * cos, pz];
}

export function times<V extends Point | Colour>([a, b, c]: V, by: number): Point {
  return [a * by, b * by, c * by];
}

export function minus([a, b, c]: Point, [d, e, f]: Point): Point {
  return [a - d, b - e, c - f];
}

export function dot([a, b, c]: Point, [d, e, f]: Point): number {
  return a * d + b * e + c * f;
}

export function meanOf(points: readonly Point[]): Point {
  const sum = points.reduce<Point>(([a, b, c], [d, e, f]) => [a + d, b + e, c + f], [0, 0, 0]);
  return times(sum, 1 / points.length);
}

function cross([a, b, c]: Point, [d, e, f]: Point): Point {
  return [b * f - c * e, c * d - a * f, a * e - b * d];
}

function unit(vector: Point): Point {
  const length = Math.hypot(...vector);
  return length < 1e-9 ? [0, 0, 1] : times(vector, 1 / length);
}

function rgbText(colour: Colour): string {
  return `rgb(${colour.map((value) => Math.round(Math.min(255, Math.max(0, value)))).join(",")})`;
}
