import { distanceM, type Place } from "../../protocol/geodesy.ts";
import { gridCell } from "../roster/areas.ts";
import type { CountedCase } from "./counted-cases.ts";

export interface MeterFacts {
  readonly node: string;
  readonly device: string;
  readonly siteId?: string;
  readonly place?: Place;
  readonly observedHours: number;
}

/** A place where people call and no meter listens. */
export interface WantedPlace {
  readonly cell: string;
  /** Middle of its cases, WGS-84. */
  readonly latitudeDeg: number;
  readonly longitudeDeg: number;
  readonly cases: number;
  /** To the nearest meter, metres; null: there is none with a place. */
  readonly nearestMeterM: number | null;
}

/** A meter that could go there, the least busy first. */
export interface FreeMeter extends MeterFacts {
  readonly cases: number;
  readonly per100Hours: number | null;
}

export interface MeterMoves {
  readonly to: readonly WantedPlace[];
  readonly from: readonly FreeMeter[];
}

export interface MovesInput {
  /** Noise cases of the period. */
  readonly cases: readonly CountedCase[];
  readonly meters: readonly MeterFacts[];
  readonly cellDeg: number;
  /** A meter hears so far, metres. */
  readonly reachM: number;
  /** A meter that has stood for less is not judged. */
  readonly leastHours: number;
}

/** Proposals for a person, not orders: what was counted stands beside each. */
export function meterMoves({ cases, meters, cellDeg, reachM, leastHours }: MovesInput): MeterMoves {
  const places = meters.flatMap(({ place }) => place ?? []);
  const nearestM = (to: Place) => (places.length === 0 ? null : Math.min(...places.map((from) => distanceM(from, to))));
  const unheard = cases.flatMap((one) => {
    const { position } = one;
    if (position === undefined || one.foundBy === "meter") return [];
    const distance = nearestM(position);
    return distance !== null && distance <= reachM ? [] : [position];
  });
  const to = [...Map.groupBy(unheard, (place) => gridCell(place, cellDeg))].map(([cell, found]) => {
    const middle = {
      latitudeDeg: mean(found.map(({ latitudeDeg }) => latitudeDeg)),
      longitudeDeg: mean(found.map(({ longitudeDeg }) => longitudeDeg)),
    };
    const nearest = nearestM(middle);
    return { cell, ...middle, cases: found.length, nearestMeterM: nearest === null ? null : Math.round(nearest) };
  });
  const from = meters
    .filter(({ observedHours, siteId }) => siteId !== undefined && observedHours >= leastHours)
    .map((meter) => {
      const count = cases.filter(({ siteId, foundBy }) => siteId === meter.siteId && foundBy === "meter").length;
      return { ...meter, cases: count, per100Hours: Math.round((count / meter.observedHours) * 10_000) / 100 };
    });
  return {
    to: to.sort((a, b) => b.cases - a.cases || (a.cell < b.cell ? -1 : 1)),
    from: from.sort((a, b) => a.per100Hours - b.per100Hours || b.observedHours - a.observedHours),
  };
}

function mean(values: readonly number[]): number {
  return Math.round((values.reduce((total, value) => total + value, 0) / values.length) * 1e6) / 1e6;
}
