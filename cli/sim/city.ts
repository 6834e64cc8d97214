import { distanceM, METRES_PER_DEGREE } from "../../protocol/geodesy.ts";

/** A small living city: what its meters would hear and where its vehicles are, at any moment. No I/O, no clock of its own. */
export interface CitySite {
  readonly node: string;
  readonly name: string;
  readonly latitudeDeg: number;
  readonly longitudeDeg: number;
  /** Meters by device id, with the unit number on their bus. */
  readonly meters: readonly { readonly device: string; readonly unit: number }[];
}

export interface CityVehicle {
  readonly node: string;
  readonly crewId: string;
  readonly crewName: string;
  /** Where it waits between jobs. */
  readonly base: Point;
}

export interface Point {
  readonly latitudeDeg: number;
  readonly longitudeDeg: number;
}

export const SITES: readonly CitySite[] = [
  {
    node: "site-guanghua",
    name: "Guanghua Road block 7",
    latitudeDeg: 39.912,
    longitudeDeg: 116.456,
    meters: [
      { device: "noise-gate", unit: 1 },
      { device: "noise-north", unit: 2 },
    ],
  },
  {
    node: "site-jinsong",
    name: "Jinsong metro shaft 3",
    latitudeDeg: 39.8862,
    longitudeDeg: 116.4615,
    meters: [{ device: "noise-shaft", unit: 1 }],
  },
];

export const VEHICLES: readonly CityVehicle[] = [
  { node: "car-jianwai", crewId: "crew-jianwai", crewName: "Jianwai patrol", base: offset(SITES[0], 170, 130) },
  { node: "car-jinsong", crewId: "crew-jinsong", crewName: "Jinsong patrol", base: offset(SITES[1], -190, 120) },
  { node: "car-hujialou", crewId: "crew-hujialou", crewName: "Hujialou reserve", base: offset(SITES[0], 900, -700) },
];

/** A patrol car in a street at night, m/s. */
const SPEED_MPS = 11;
const EVENT_LEVEL_DB = 79;
const NIGHT_LEVEL_DB = 52;
/** A second meter of the same site stands further from the source. */
const FAR_METER_LOSS_DB = 14;

interface Journey {
  readonly from: Point;
  readonly to: Point;
  readonly startedAtMs: number;
}

export class City {
  readonly #noisy = new Map<string, { fromMs: number; untilMs: number }>();
  readonly #journeys = new Map<string, Journey>();

  /** From now on heavy work goes on at a site. */
  beginNoise(node: string, atMs: number): void {
    this.#noisy.set(node, { fromMs: atMs, untilMs: Number.POSITIVE_INFINITY });
  }

  endNoise(node: string, atMs: number): void {
    const noise = this.#noisy.get(node);
    if (noise !== undefined) this.#noisy.set(node, { ...noise, untilMs: Math.min(noise.untilMs, atMs) });
  }

  isNoisy(node: string, atMs: number): boolean {
    const noise = this.#noisy.get(node);
    return noise !== undefined && atMs >= noise.fromMs && atMs < noise.untilMs;
  }

  /** dB(A) at one meter of a site: night traffic, and machines while work goes on. The ripple repeats, so that a run repeats. */
  levelDb(node: string, unit: number, atMs: number): number {
    const second = Math.floor(atMs / 1000);
    const ripple = 2.2 * Math.sin(second / 3) + 1.3 * Math.sin(second / 1.7 + unit);
    const near = this.isNoisy(node, atMs) ? EVENT_LEVEL_DB : NIGHT_LEVEL_DB;
    const loss = unit > 1 && near === EVENT_LEVEL_DB ? FAR_METER_LOSS_DB : 0;
    return Math.round((near - loss + ripple) * 10) / 10;
  }

  /** Sends a vehicle to a point, at street speed, from where it is now. */
  drive(node: string, to: Point, atMs: number): void {
    this.#journeys.set(node, { from: this.position(node, atMs), to, startedAtMs: atMs });
  }

  position(node: string, atMs: number): Point & { readonly speedMps: number; readonly bearingDeg: number } {
    const vehicle = VEHICLES.find((one) => one.node === node);
    if (vehicle === undefined) throw new RangeError(`no vehicle ${node}`);
    const journey = this.#journeys.get(node);
    if (journey === undefined) return { ...vehicle.base, speedMps: 0, bearingDeg: 0 };
    const length = distanceM(journey.from, journey.to);
    const droveM = (SPEED_MPS * Math.max(0, atMs - journey.startedAtMs)) / 1000;
    const done = length === 0 ? 1 : Math.min(1, droveM / length);
    return {
      latitudeDeg: journey.from.latitudeDeg + done * (journey.to.latitudeDeg - journey.from.latitudeDeg),
      longitudeDeg: journey.from.longitudeDeg + done * (journey.to.longitudeDeg - journey.from.longitudeDeg),
      speedMps: droveM > 0 && done < 1 ? SPEED_MPS : 0,
      bearingDeg: bearingDeg(journey.from, journey.to),
    };
  }
}

function offset(point: Point | undefined, northM: number, eastM: number): Point {
  if (point === undefined) throw new RangeError("no such place");
  const perDegreeEast = METRES_PER_DEGREE * Math.cos((point.latitudeDeg * Math.PI) / 180);
  return {
    latitudeDeg: point.latitudeDeg + northM / METRES_PER_DEGREE,
    longitudeDeg: point.longitudeDeg + eastM / perDegreeEast,
  };
}

function bearingDeg(from: Point, to: Point): number {
  const middle = ((from.latitudeDeg + to.latitudeDeg) / 2) * (Math.PI / 180);
  const east = (to.longitudeDeg - from.longitudeDeg) * Math.cos(middle);
  return (Math.atan2(east, to.latitudeDeg - from.latitudeDeg) * (180 / Math.PI) + 360) % 360;
}
