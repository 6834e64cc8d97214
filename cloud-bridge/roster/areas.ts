import type { GeoPosition } from "./distance.ts";

/** An outline on the ground, WGS-84, at least three corners; it closes itself. */
export interface PolygonArea {
  readonly kind: "polygon";
  readonly outline: GeoPosition[];
}

/** Cells of the grid of `cellDeg`; each is named as gridCell names it. */
export interface CellsArea {
  readonly kind: "cells";
  readonly cellDeg: number;
  readonly cells: string[];
}

export type Area = PolygonArea | CellsArea;

/**
 * Name of the cell in which a place lies: `row:column`, both counted from 0° in steps of `cellDeg`, north and east positive.
 * A cell holds its southern and its western edge.
 */
export function gridCell({ latitudeDeg, longitudeDeg }: GeoPosition, cellDeg: number): string {
  return `${step(latitudeDeg, cellDeg)}:${step(longitudeDeg, cellDeg)}`;
}

/** 39.91 / 0.01 is 3990.9999…: what lies on an edge by its decimals lies on it. */
function step(deg: number, cellDeg: number): number {
  return Math.floor(deg / cellDeg + 1e-9);
}

export function isInArea(place: GeoPosition, area: Area): boolean {
  return area.kind === "polygon"
    ? isInOutline(place, area.outline)
    : area.cells.includes(gridCell(place, area.cellDeg));
}

/** Whether a place lies in one of them; in none where there are none. */
export function isInAreas(place: GeoPosition, areas: readonly Area[]): boolean {
  return areas.some((area) => isInArea(place, area));
}

/**
 * Even-odd rule over plain degrees: right for areas of a city, not for one that holds a pole.
 * @source M. Shimrat, Algorithm 112, Communications of the ACM 5 (1962)
 */
function isInOutline(place: GeoPosition, outline: readonly GeoPosition[]): boolean {
  const [first, ...rest] = outline;
  if (first === undefined) return false;
  let isIn = false;
  let before = first;
  // Degrees east of the place, told on from corner to corner.
  let beforeDeg = eastward(place.longitudeDeg, first.longitudeDeg);
  for (const corner of [...rest, first]) {
    const cornerDeg = beforeDeg + eastward(before.longitudeDeg, corner.longitudeDeg);
    if (corner.latitudeDeg > place.latitudeDeg !== before.latitudeDeg > place.latitudeDeg) {
      const share = (place.latitudeDeg - before.latitudeDeg) / (corner.latitudeDeg - before.latitudeDeg);
      if (beforeDeg + share * (cornerDeg - beforeDeg) > 0) isIn = !isIn;
    }
    before = corner;
    beforeDeg = cornerDeg;
  }
  return isIn;
}

/** Degrees from one longitude east to another, −180…180: an area may lie across the date line. */
export function eastward(fromDeg: number, toDeg: number): number {
  return ((((toDeg - fromDeg + 180) % 360) + 360) % 360) - 180;
}

/** Areas as putUnit and putCrew stored them. */
export function storedAreas(text: string): Area[] {
  return JSON.parse(text) as Area[];
}
