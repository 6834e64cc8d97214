import type { UnitPoint, UnitPolygon } from "../../contracts/violations.ts";

/** Even–odd; a point on the left or upper edge is inside, so that zones side by side share no point. */
export function isInside([x, y]: UnitPoint, polygon: UnitPolygon): boolean {
  let isOdd = false;
  for (const [index, [ax, ay]] of polygon.entries()) {
    const [bx, by] = polygon[(index + 1) % polygon.length] ?? [ax, ay];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) isOdd = !isOdd;
  }
  return isOdd;
}
