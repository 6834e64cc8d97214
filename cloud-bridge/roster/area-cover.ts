import { type Area, eastward, isInAreas, type PolygonArea } from "./areas.ts";
import type { GeoPosition } from "./distance.ts";

/** About a metre: outlines that share a border were rounded, each by itself. */
const SLACK_DEG = 1e-5;
/** Pairs of edges that are compared within a second. */
const MOST_PAIRS = 5_000_000;
const WIDEST_DEG = 90;
/** Along a piece of an outline, which crosses no other: its ends, and between. */
const ALONG = [0, 1 / 8, 1 / 4, 3 / 8, 1 / 2, 5 / 8, 3 / 4, 7 / 8, 1];

interface Edge {
  readonly from: GeoPosition;
  readonly to: GeoPosition;
}

/**
 * Whether all that lies in one of `inner` lies in one of `outer`, to about a metre. What is too large or too fine to be
 * compared is said not to.
 */
export function areCovered(inner: readonly Area[], outer: readonly Area[]): boolean {
  const left = polygonsOf(withoutCellsOf(outer, inner));
  const [start] = left[0]?.outline ?? [];
  if (start === undefined) return true;
  const ground = polygonsOf(outer);
  const own = edgesOf(left, start.longitudeDeg);
  const box = boxAround(own);
  if (box.to.longitudeDeg - box.from.longitudeDeg > WIDEST_DEG) return false;
  const around = edgesOf(ground, start.longitudeDeg).filter((edge) => doMeet(edge, box));
  if ((own.length + around.length) ** 2 > MOST_PAIRS) return false;
  const isNear = (place: GeoPosition) => isNearAreas(place, ground);
  const isIn = (piece: Edge) => ALONG.every((share) => isNear(on(piece, share)));
  if (!own.every((edge) => pieces(edge, around).every(isIn))) return false;
  // Ground may have holes: beside its own borders nothing may be of the inner alone.
  const isGap = (place: GeoPosition) => isInAreas(place, left) && !isNear(place);
  return !around.some((edge) => pieces(edge, [...own, ...around]).some((piece) => besides(piece).some(isGap)));
}

/** Cells that the other names in the same grid need no geometry. */
function withoutCellsOf(outer: readonly Area[], inner: readonly Area[]): Area[] {
  return inner.flatMap((area): Area[] => {
    if (area.kind === "polygon") return [area];
    const known = new Set(
      outer.flatMap((one) => (one.kind === "cells" && one.cellDeg === area.cellDeg ? one.cells : [])),
    );
    const cells = area.cells.filter((cell) => !known.has(cell));
    return cells.length === 0 ? [] : [{ ...area, cells }];
  });
}

function polygonsOf(areas: readonly Area[]): PolygonArea[] {
  return areas.flatMap((area) => {
    if (area.kind === "polygon") return [area];
    const { cellDeg } = area;
    return area.cells.map((cell): PolygonArea => {
      const [row = 0, column = 0] = cell.split(":").map(Number);
      const corner = (up: number, right: number) => ({
        latitudeDeg: (row + up) * cellDeg,
        longitudeDeg: (column + right) * cellDeg,
      });
      return { kind: "polygon", outline: [corner(0, 0), corner(0, 1), corner(1, 1), corner(1, 0)] };
    });
  });
}

/** With longitudes told on from `originDeg`, across the date line too. */
function edgesOf(areas: readonly PolygonArea[], originDeg: number): Edge[] {
  return areas.flatMap(({ outline }) => {
    const [first, ...rest] = outline;
    if (first === undefined) return [];
    let from = { ...first, longitudeDeg: originDeg + eastward(originDeg, first.longitudeDeg) };
    return [...rest, first].map((corner) => {
      const to = { ...corner, longitudeDeg: from.longitudeDeg + eastward(from.longitudeDeg, corner.longitudeDeg) };
      const edge = { from, to };
      from = to;
      return edge;
    });
  });
}

/** From its south-western corner to its north-eastern one. */
function boxAround(edges: readonly Edge[]): Edge {
  const corner = (most: (a: number, b: number) => number): GeoPosition => ({
    latitudeDeg: edges.map(({ to }) => to.latitudeDeg).reduce(most),
    longitudeDeg: edges.map(({ to }) => to.longitudeDeg).reduce(most),
  });
  return { from: corner((a, b) => Math.min(a, b)), to: corner((a, b) => Math.max(a, b)) };
}

/** An edge, cut where one of the others meets it. */
function pieces(edge: Edge, others: readonly Edge[]): Edge[] {
  const cuts = [0, 1, ...others.flatMap((other) => cutsBy(edge, other))].sort((a, b) => a - b);
  return cuts.slice(1).flatMap((to, index) => {
    const from = cuts[index] ?? 0;
    return to > from ? [{ from: on(edge, from), to: on(edge, to) }] : [];
  });
}

/** Shares of the edge at which the other crosses it, or begins or ends on it. */
function cutsBy(edge: Edge, other: Edge): number[] {
  if (other === edge || !doMeet(edge, other)) return [];
  const [along, across] = [run(edge.from, edge.to), run(other.from, other.to)];
  const ends = [other.from, other.to].flatMap((end) => {
    const length = along.x ** 2 + along.y ** 2;
    const way = run(edge.from, end);
    const share = length === 0 ? 0 : (way.x * along.x + way.y * along.y) / length;
    const off = run(on(edge, share), end);
    return share > 0 && share < 1 && Math.hypot(off.x, off.y) < SLACK_DEG ? [share] : [];
  });
  const cross = along.x * across.y - along.y * across.x;
  if (cross === 0) return ends;
  const way = run(edge.from, other.from);
  const share = (way.x * across.y - way.y * across.x) / cross;
  const otherShare = (way.x * along.y - way.y * along.x) / cross;
  return share > 0 && share < 1 && otherShare >= 0 && otherShare <= 1 ? [share, ...ends] : ends;
}

/** Whether the boxes around them do. */
function doMeet(a: Edge, b: Edge): boolean {
  return doOverlap(a, b, "latitudeDeg") && doOverlap(a, b, "longitudeDeg");
}

function doOverlap(a: Edge, b: Edge, by: keyof GeoPosition): boolean {
  return (
    Math.min(a.from[by], a.to[by]) - SLACK_DEG <= Math.max(b.from[by], b.to[by]) &&
    Math.min(b.from[by], b.to[by]) - SLACK_DEG <= Math.max(a.from[by], a.to[by])
  );
}

function run(from: GeoPosition, to: GeoPosition) {
  return { x: to.longitudeDeg - from.longitudeDeg, y: to.latitudeDeg - from.latitudeDeg };
}

function on({ from, to }: Edge, share: number): GeoPosition {
  return {
    latitudeDeg: from.latitudeDeg + share * (to.latitudeDeg - from.latitudeDeg),
    longitudeDeg: from.longitudeDeg + share * (to.longitudeDeg - from.longitudeDeg),
  };
}

/** A place on each side of a piece's middle. */
function besides(piece: Edge): GeoPosition[] {
  const { x, y } = run(piece.from, piece.to);
  const length = Math.hypot(x, y);
  const middle = on(piece, 1 / 2);
  return [-2 * SLACK_DEG, 2 * SLACK_DEG].map((off) => moved(middle, (off * x) / length, (-off * y) / length));
}

function isNearAreas(place: GeoPosition, areas: readonly Area[]): boolean {
  if (isInAreas(place, areas)) return true;
  const steps = [-SLACK_DEG, 0, SLACK_DEG];
  return steps.some((north) => steps.some((east) => isInAreas(moved(place, north, east), areas)));
}

function moved({ latitudeDeg, longitudeDeg }: GeoPosition, northDeg: number, eastDeg: number): GeoPosition {
  return { latitudeDeg: latitudeDeg + northDeg, longitudeDeg: longitudeDeg + eastDeg };
}
