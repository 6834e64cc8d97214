import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeLevels, encodeLevels } from "../../protocol/level-series.ts";
import { LevelFlag } from "../../protocol/noise.ts";

const second = fc.record({
  levelDb: fc.option(
    fc.integer({ min: -10_000, max: 10_000 }).map((tenths) => (tenths === 0 ? 0 : tenths / 10)),
    { nil: null },
  ),
  flags: fc.subarray(LevelFlag.anyOf.map((literal) => literal.const)),
});

describe("level series", () => {
  test("what is packed comes out the same, gaps and flags included", () => {
    fc.assert(
      fc.property(fc.array(second, { minLength: 1, maxLength: 120 }), (seconds) => {
        expect(decodeLevels(encodeLevels(1_000, seconds))).toEqual(seconds);
      }),
    );
  });

  test("a minute of a steady meter takes about a byte a second", () => {
    const series = encodeLevels(
      0,
      Array.from({ length: 60 }, (_, i) => ({ levelDb: 70 + Math.sin(i) * 3, flags: [] })),
    );
    expect(Buffer.from(series.levels, "base64").length).toBeLessThanOrEqual(62);
  });

  test("the first level is its difference to 0, in zigzag varints of 0.1 dB", () => {
    const series = encodeLevels(0, [
      { levelDb: 53.6, flags: [] },
      { levelDb: null, flags: ["no-data"] },
      { levelDb: 53.5, flags: [] },
    ]);
    expect(Buffer.from(series.levels, "base64").toString("hex")).toBe("b00801");
    expect(series.gaps).toEqual([[1, 1]]);
    expect(series.flags).toEqual([[1, 1, "no-data"]]);
  });

  test("a series that contradicts itself is refused, never guessed", () => {
    const good = encodeLevels(0, [
      { levelDb: 50, flags: [] },
      { levelDb: 51, flags: [] },
    ]);
    expect(decodeLevels({ ...good, seconds: 3 })).toBeUndefined();
    expect(decodeLevels({ ...good, gaps: [[1, 1]] })).toBeUndefined();
    expect(decodeLevels({ ...good, gaps: [[0, 9]] })).toBeUndefined();
    expect(decodeLevels({ ...good, levels: Buffer.from([0x80]).toString("base64") })).toBeUndefined();
    expect(
      decodeLevels({ ...good, levels: Buffer.from([0xff, 0xff, 0xff, 0xff, 1]).toString("base64") }),
    ).toBeUndefined();
    expect(decodeLevels({ ...good, seconds: 1e9 })).toBeUndefined();
  });

  test("any bytes at all decode to a series or to nothing, without throwing", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 200 }), (bytes, seconds) => {
        const levels = Buffer.from(bytes).toString("base64");
        const decoded = decodeLevels({ fromMs: 0, seconds, levels, gaps: [], flags: [] });
        if (decoded !== undefined) expect(decoded).toHaveLength(seconds);
      }),
    );
  });

  test("nothing, and what no meter shows, is not packed", () => {
    expect(() => encodeLevels(0, [])).toThrow(/cannot be packed/);
    expect(() => encodeLevels(0, [{ levelDb: Number.NaN, flags: [] }])).toThrow(/cannot be packed/);
  });
});
