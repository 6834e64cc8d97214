import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeLevels } from "../../../cloud-bridge/console/src/level-series.ts";
import { encodeLevels, type LevelSecond } from "../../../protocol/level-series.ts";

const second = fc.record({
  levelDb: fc.option(fc.integer({ min: 0, max: 1400 }).map((tenths) => tenths / 10)),
  flags: fc.subarray(["out-of-range", "weather"] as const),
});

test("the page draws the very levels that the node packed, and a gap for each that is not valid", () => {
  fc.assert(
    fc.property(fc.array(second, { minLength: 1, maxLength: 130 }), (seconds: LevelSecond[]) => {
      const drawn = seconds.map(({ levelDb, flags }) => (flags.includes("out-of-range") ? null : levelDb));
      expect(decodeLevels(encodeLevels(1_700_000_000_000, seconds))).toEqual(drawn);
    }),
  );
});
