import { at, type Canvas, type Colour, meanOf, minus, type Place, type Point, times } from "./canvas.ts";
import { between, pick } from "./seeded.ts";

const PAINT: readonly [Colour, ...Colour[]] = [
  [200, 60, 40],
  [230, 190, 60],
  [60, 110, 180],
  [60, 130, 90],
  [180, 110, 40],
];
const EARTH: readonly [Colour, ...Colour[]] = [
  [112, 84, 58],
  [140, 110, 78],
  [96, 92, 86],
  [160, 138, 104],
];
const TARP: readonly [Colour, ...Colour[]] = [
  [38, 92, 60],
  [40, 70, 120],
  [60, 62, 66],
  [96, 86, 70],
];

/** A truck that carries earth (渣土车). Made once, drawn in as many pictures as wished. */
export interface DumpTruck {
  readonly lengthM: number;
  readonly widthM: number;
  readonly cabM: number;
  readonly cabHeightM: number;
  readonly rimM: number;
  readonly floorM: number;
  readonly paint: Colour;
  readonly bed: Colour;
  readonly load: Colour;
  readonly isCovered: boolean;
  readonly domeM: number;
  /** Heights of the load and tones of its faces, from 0 to 1. */
  readonly relief: readonly number[];
}

export function makeTruck(random: () => number, isCovered: boolean): DumpTruck {
  return {
    lengthM: between(random, 7.2, 9),
    widthM: between(random, 2.3, 2.55),
    cabM: between(random, 1.9, 2.3),
    cabHeightM: between(random, 2.8, 3.1),
    rimM: between(random, 2.2, 2.6),
    floorM: 1.15,
    paint: pick(random, PAINT),
    bed: pick(random, PAINT),
    load: pick(random, isCovered ? TARP : EARTH),
    isCovered,
    domeM: between(random, 0.15, 0.4),
    relief: Array.from({ length: 64 }, random),
  };
}

/** Its longer half points along x. From far to near, as seen from the camera. */
export function drawTruck(canvas: Canvas, truck: DumpTruck, place: Place, hasLights: boolean): void {
  const half = truck.widthM / 2;
  const tail = -truck.lengthM / 2;
  const cabBack = truck.lengthM / 2 - truck.cabM;
  const forward: Point = [Math.cos(place.heading), Math.sin(place.heading), 0];
  const isCabNearer = -(forward[0] * place.x + forward[1] * place.y) > 0;
  canvas.box(
    [tail + 0.2, -half * 0.75, 0.5],
    [truck.lengthM / 2 - 0.2, half * 0.75, truck.floorM],
    [45, 45, 48],
    place,
  );
  drawWheels(canvas, truck, place);
  const bed = (): void => drawBed(canvas, truck, place, tail, cabBack - 0.15, half);
  const cab = (): void => drawCab(canvas, truck, place, cabBack, half, hasLights);
  for (const draw of isCabNearer ? [bed, cab] : [cab, bed]) draw();
}

function drawWheels(canvas: Canvas, { lengthM, widthM }: DumpTruck, place: Place): void {
  const along: Point = [Math.cos(place.heading), Math.sin(place.heading), 0];
  for (const side of [-1, 1]) {
    for (const x of [-lengthM / 2 + 0.9, -lengthM / 2 + 2.25, lengthM / 2 - 1.3]) {
      const hub = at(place, [x, (side * widthM) / 2, 0.52]);
      const out = minus(at(place, [x, side * widthM, 0.52]), hub);
      if (out[0] * hub[0] + out[1] * hub[1] > 0) continue;
      canvas.disc(hub, along, 0.52, [28, 28, 30]);
      canvas.disc(hub, along, 0.26, [120, 120, 122]);
    }
  }
}

function drawCab(
  canvas: Canvas,
  { lengthM, cabHeightM, paint }: DumpTruck,
  place: Place,
  back: number,
  half: number,
  hasLights: boolean,
): void {
  const front = lengthM / 2;
  canvas.box([back, -half, 0.6], [front, half, cabHeightM], paint, place);
  const [low, high] = [cabHeightM * 0.58, cabHeightM * 0.9];
  const inside = at(place, [(back + front) / 2, 0, 1.8]);
  const pane = (corners: readonly Point[], colour: Colour): void =>
    canvas.face(
      corners.map((corner) => at(place, corner)),
      colour,
      inside,
    );
  const x = front + 0.01;
  pane(
    [
      [x, -half * 0.88, low],
      [x, half * 0.88, low],
      [x, half * 0.82, high],
      [x, -half * 0.82, high],
    ],
    [50, 62, 74],
  );
  for (const side of [-1, 1]) {
    const y = side * (half + 0.01);
    pane(
      [
        [back + 0.5, y, low],
        [front - 0.2, y, low],
        [front - 0.35, y, high],
        [back + 0.5, y, high],
      ],
      [50, 62, 74],
    );
  }
  pane(
    [
      [x, -half, 0.45],
      [x, half, 0.45],
      [x, half, 0.95],
      [x, -half, 0.95],
    ],
    [70, 70, 74],
  );
  if (!hasLights) return;
  for (const side of [-1, 1]) {
    canvas.glow(at(place, [front + 0.05, side * half * 0.75, 0.85]), 0.3, [230, 220, 190]);
    canvas.glow(at(place, [-lengthM / 2 - 0.05, side * half * 0.85, 1]), 0.1, [170, 20, 15]);
  }
}

function drawBed(canvas: Canvas, truck: DumpTruck, place: Place, tail: number, front: number, half: number): void {
  const { floorM, rimM, bed, isCovered } = truck;
  const corners = [
    [tail, -half],
    [front, -half],
    [front, half],
    [tail, half],
  ] as const;
  const inside = at(place, [(tail + front) / 2, 0, (rimM + floorM) / 2]);
  const wall = (index: number, colour: Colour, body?: Point): void => {
    const [ax = 0, ay = 0] = corners[index] ?? [];
    const [bx = 0, by = 0] = corners[(index + 1) % 4] ?? [];
    const face: readonly Point[] = [
      [ax, ay, floorM],
      [bx, by, floorM],
      [bx, by, rimM],
      [ax, ay, rimM],
    ];
    canvas.face(
      face.map((point) => at(place, point)),
      colour,
      body,
    );
  };
  if (!isCovered) {
    for (const index of [0, 1, 2, 3]) wall(index, times(bed, 0.5));
    drawSurface(canvas, truck, place, tail, front, half - 0.07, rimM - 0.15, 0.75);
  }
  for (const index of [0, 1, 2, 3]) wall(index, bed, inside);
  if (!isCovered) {
    drawSurface(canvas, truck, place, tail + 0.3, front - 0.3, half - 0.3, rimM + 0.02, 0.65);
    return;
  }
  drawSurface(canvas, truck, place, tail, front, half, rimM, truck.domeM);
  for (const side of [-1, 1]) {
    const y = side * (half + 0.02);
    const skirt: readonly Point[] = [
      [tail, y, rimM - 0.3],
      [front, y, rimM - 0.3],
      [front, y, rimM],
      [tail, y, rimM],
    ];
    canvas.face(
      skirt.map((point) => at(place, point)),
      times(truck.load, 0.9),
      inside,
    );
  }
}

/** Earth lies rough and dark and light; a tarpaulin is smooth. */
function drawSurface(
  canvas: Canvas,
  { load, relief, isCovered }: DumpTruck,
  place: Place,
  tail: number,
  front: number,
  half: number,
  baseM: number,
  riseM: number,
): void {
  const [nx, ny] = [9, 6];
  const rough = (i: number): number => relief[i % relief.length] ?? 0.5;
  const height = (i: number, j: number): number => {
    const dome = Math.sin((Math.PI * i) / (nx - 1)) * Math.sin((Math.PI * j) / (ny - 1));
    return baseM + riseM * dome * (isCovered ? 1 : 0.3 + 0.7 * rough(i * ny + j));
  };
  const point = (i: number, j: number): Point =>
    at(place, [tail + ((front - tail) * i) / (nx - 1), -half + (2 * half * j) / (ny - 1), height(i, j)]);
  const cells = Array.from({ length: (nx - 1) * (ny - 1) }, (_, n) => {
    const [i, j] = [Math.floor(n / (ny - 1)), n % (ny - 1)];
    return { n, quad: [point(i, j), point(i + 1, j), point(i + 1, j + 1), point(i, j + 1)] };
  });
  const far = ({ quad }: (typeof cells)[number]): number => Math.hypot(...meanOf(quad));
  for (const { n, quad } of cells.toSorted((a, b) => far(b) - far(a))) {
    const [a, b, c, d] = quad;
    if (a === undefined || b === undefined || c === undefined || d === undefined) continue;
    if (isCovered) canvas.face(quad, times(load, 0.95 + 0.1 * rough(n)));
    else {
      canvas.face([a, b, c], times(load, 0.62 + 0.6 * rough(n)));
      canvas.face([a, c, d], times(load, 0.62 + 0.6 * rough(n + 31)));
    }
  }
}
