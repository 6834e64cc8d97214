import sharp from "sharp";
import { seededRandom } from "../seeded-random.ts";
import { Canvas, type Colour, type Light, type Place, type View } from "./canvas.ts";
import { type DumpTruck, drawTruck, makeTruck } from "./dump-truck.ts";
import { between, pick } from "./seeded.ts";

export interface GateSceneOptions {
  readonly seed: number;
  readonly isNight: boolean;
  readonly widthPx?: number;
  readonly heightPx?: number;
}

/** Where the truck is: 0 outside on the left, 0.5 at the gate, 1 gone on the right. Absent: nobody there. */
export interface TruckAt {
  readonly isCovered: boolean;
  readonly way: number;
}

const GROUND: readonly [Colour, ...Colour[]] = [
  [96, 96, 98],
  [128, 124, 116],
  [120, 98, 72],
];
const WALL: readonly [Colour, ...Colour[]] = [
  [110, 150, 170],
  [150, 150, 150],
  [60, 110, 180],
];
const BUILDING: readonly [Colour, ...Colour[]] = [
  [150, 140, 130],
  [180, 175, 170],
  [120, 110, 110],
];

const REACH_M = 17;
const LANE_M = 13;
const NIGHT = 0.62;

/** The gate of a building site as a camera on a pole sees it. The same seed gives the same place. */
export class GateScene {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly #options: GateSceneOptions;
  readonly #view: View;
  readonly #light: Light;
  readonly #trucks: Readonly<Record<"covered" | "bare", DumpTruck>>;

  constructor(options: GateSceneOptions) {
    const { seed, isNight, widthPx = 640, heightPx = 360 } = options;
    const random = seededRandom(seed);
    this.#options = options;
    this.widthPx = widthPx;
    this.heightPx = heightPx;
    const heightM = between(random, 5, 6.5);
    this.#view = {
      heightM,
      pitch: between(random, 0.28, 0.36),
      fieldOfView: between(random, 1.1, 1.25),
      widthPx,
      heightPx,
    };
    const turn = between(random, 0, 2 * Math.PI);
    const sun = [Math.cos(turn) * 0.5, Math.sin(turn) * 0.5, 0.7] as const;
    this.#light = { level: 0.6, sun, sunLevel: isNight ? 0.15 : 0.45 };
    this.#trucks = { covered: makeTruck(random, true), bare: makeTruck(random, false) };
  }

  /** @param frame number of the picture: noise is another one in each @returns RGB, rows from the top */
  async picture(frame: number, truck: TruckAt | undefined): Promise<Uint8Array> {
    const { seed, isNight } = this.#options;
    const random = seededRandom(seed + 1);
    const canvas = new Canvas(this.#view, this.#light);
    const ground = pick(random, GROUND);
    this.#drawBackground(canvas, random);
    if (truck !== undefined) {
      const place: Place = { x: -REACH_M + 2 * REACH_M * truck.way, y: LANE_M, heading: 0.1 };
      const shadow = Array.from({ length: 12 }, (_, i) => {
        const turn = (i / 12) * 2 * Math.PI;
        return [place.x + 4.6 * Math.cos(turn), place.y + 1.7 * Math.sin(turn), 0.01] as const;
      });
      canvas.face(shadow, [52, 50, 48]);
      drawTruck(canvas, this.#trucks[truck.isCovered ? "covered" : "bare"], place, isNight);
    }
    const svg = canvas.svg([190, 205, 225], ground);
    const pixels = await sharp(Buffer.from(svg)).removeAlpha().raw().toBuffer();
    this.#finish(pixels, canvas, seededRandom(seed * 7919 + frame));
    return pixels;
  }

  #drawBackground(canvas: Canvas, random: () => number): void {
    const farM = 24;
    for (const x of [-22, -4, 16]) {
      const colour = pick(random, BUILDING);
      const [wide, tall] = [between(random, 9, 15), between(random, 9, 22)];
      const place = { x, y: farM + between(random, 8, 22), heading: 0 };
      canvas.box([-wide / 2, -3, 0], [wide / 2, 3, tall], colour, place);
      for (let u = -wide / 2 + 1; u < wide / 2 - 1; u += 2.2) {
        for (let v = 1.5; v < tall - 1.5; v += 3) {
          const y = place.y - 3.02;
          const left = place.x + u;
          canvas.face(
            [
              [left, y, v],
              [left + 1.1, y, v],
              [left + 1.1, y, v + 1.4],
              [left, y, v + 1.4],
            ],
            [70, 74, 80],
          );
        }
      }
    }
    const wall = pick(random, WALL);
    for (let i = -14; i < 14; i++) {
      const x = i * 2.5;
      if (Math.abs(x - 4) <= 4) continue;
      const tone = between(random, 0.92, 1.05);
      const [red, green, blue] = wall;
      canvas.box([-1.25, -0.06, 0], [1.2, 0.06, 2.4], [red * tone, green * tone, blue * tone], {
        x,
        y: farM,
        heading: 0,
      });
    }
    for (let i = 0; i < 12; i++) {
      const x = -20 + i * 3.6;
      canvas.face(
        [
          [x, LANE_M - 3, 0.02],
          [x + 1.8, LANE_M - 3, 0.02],
          [x + 1.8, LANE_M - 2.8, 0.02],
          [x, LANE_M - 2.8, 0.02],
        ],
        [215, 210, 190],
      );
    }
  }

  /** Light of lamps by night, and what a sensor adds. */
  #finish(pixels: Uint8Array, canvas: Canvas, random: () => number): void {
    const { widthPx, heightPx } = this;
    const { isNight } = this.#options;
    const noise = isNight ? 16 : 8;
    // One table of noise, begun elsewhere in each picture: a sensor's is no better.
    const table = Float32Array.from({ length: 8191 }, () => (random() + random() + random() - 1.5) * noise);
    let next = Math.floor(random() * table.length);
    for (let y = 0; y < heightPx; y++) {
      const upward = ((y / heightPx - 0.62) / 0.5) ** 2;
      for (let x = 0; x < widthPx; x++) {
        const lamp = Math.exp(-(((x / widthPx - 0.5) / 0.55) ** 2) - upward);
        const light = isNight ? Math.min(1.1, 1 - NIGHT + 0.55 * lamp) : 1;
        for (let channel = 0; channel < 3; channel++) {
          const at = (y * widthPx + x) * 3 + channel;
          let value = (pixels[at] ?? 0) * light + (table[next] ?? 0);
          next = next + 1 === table.length ? 0 : next + 1;
          if (value < 0) value = 0;
          pixels[at] = value > 255 ? 255 : value;
        }
      }
    }
    for (const { x, y, radiusPx, colour } of canvas.glows)
      addGlow(pixels, widthPx, heightPx, x, y, Math.max(1, radiusPx), colour);
  }
}

function addGlow(
  pixels: Uint8Array,
  width: number,
  height: number,
  cx: number,
  cy: number,
  radius: number,
  colour: Colour,
): void {
  const reach = Math.ceil(radius * 4) + 2;
  for (let y = Math.max(0, Math.floor(cy - reach)); y < Math.min(height, cy + reach); y++) {
    for (let x = Math.max(0, Math.floor(cx - reach)); x < Math.min(width, cx + reach); x++) {
      const far = ((x - cx) ** 2 + (y - cy) ** 2) / radius ** 2;
      const strength = Math.exp(-far * 1.6) + 0.35 * Math.exp(-far * 0.25);
      for (let channel = 0; channel < 3; channel++) {
        const at = (y * width + x) * 3 + channel;
        pixels[at] = Math.min(255, (pixels[at] ?? 0) + strength * (colour[channel] ?? 0));
      }
    }
  }
}
