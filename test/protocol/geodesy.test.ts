import fc from "fast-check";
import { expect, test } from "vitest";
import { distanceM, METRES_PER_DEGREE } from "../../protocol/geodesy.ts";

test("a degree of a meridian, and of the equator, is as long as the mean sphere says", () => {
  const origin = { latitudeDeg: 0, longitudeDeg: 0 };
  expect(METRES_PER_DEGREE).toBeCloseTo(111_195.08, 2);
  expect(distanceM(origin, { latitudeDeg: 1, longitudeDeg: 0 })).toBeCloseTo(METRES_PER_DEGREE, 3);
  expect(distanceM(origin, { latitudeDeg: 0, longitudeDeg: 1 })).toBeCloseTo(METRES_PER_DEGREE, 3);
});

test("across the date line it is the short way round", () => {
  const west = { latitudeDeg: 0, longitudeDeg: -179.9995 };
  expect(distanceM({ latitudeDeg: 0, longitudeDeg: 179.9995 }, west)).toBeCloseTo(METRES_PER_DEGREE / 1000, 3);
});

test("it is the same both ways, never negative, and never more than half the earth", () => {
  const degrees = (most: number) => fc.double({ min: -most, max: most, noNaN: true });
  const place = fc.record({ latitudeDeg: degrees(90), longitudeDeg: degrees(180) });
  fc.assert(
    fc.property(place, place, (a, b) => {
      const far = distanceM(a, b);
      expect(far).toBeGreaterThanOrEqual(0);
      expect(far).toBeLessThanOrEqual(METRES_PER_DEGREE * 180 + 1e-6);
      expect(distanceM(b, a)).toBeCloseTo(far, 3);
    }),
  );
});
