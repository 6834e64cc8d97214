import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { quietUpToNewest, type Source, waitingForSource } from "../../../cloud-bridge/cases/quiet.ts";

const MINUTE = 60_000;
const minutes = (levels: string, fromMs = 0) =>
  [...levels].flatMap((level, index) =>
    level === " "
      ? []
      : [{ fromMs: fromMs + index * MINUTE, toMs: fromMs + (index + 1) * MINUTE, isQuiet: level === "q" }],
  );
const quiet = (spans: Source["spans"], sinceMs = 0) => quietUpToNewest({ sinceMs, spans }, 60 * MINUTE);
const source: Source = {
  name: "noise-01",
  isLoud: false,
  isOnline: true,
  hasLevelFault: false,
  hasClearLevel: true,
  sinceMs: 0,
  spans: [],
};
const needed = { quietMs: 10 * MINUTE, freshMs: 150_000, nowMs: 20 * MINUTE };

describe("quiet", () => {
  test("is counted back from the newest level to the first loud or absent minute", () => {
    expect(quiet(minutes("qqLqqq"))).toEqual({ quietMs: 3 * MINUTE, newestMs: 6 * MINUTE });
    expect(quiet(minutes("qqq qq"))).toEqual({ quietMs: 2 * MINUTE, newestMs: 6 * MINUTE });
    expect(quiet(minutes("qqqqL"))).toEqual({ quietMs: 0, newestMs: 5 * MINUTE });
    expect(quiet([])).toBeUndefined();
  });

  test("of the clear window bridges the minute in which the noise ended", () => {
    const clear = { fromMs: 2.5 * MINUTE, toMs: 3.5 * MINUTE, isQuiet: true };
    expect(quiet([...minutes("qqLqq"), clear])).toEqual({ quietMs: 2.5 * MINUTE, newestMs: 5 * MINUTE });
  });

  test("counts from the clear of the alarm only, and never from the future", () => {
    expect(quiet(minutes("qqqqqq"), 2.5 * MINUTE)).toEqual({ quietMs: 3.5 * MINUTE, newestMs: 6 * MINUTE });
    expect(quiet(minutes("qqqqqq"), 6 * MINUTE)).toEqual({ quietMs: 0, newestMs: 6 * MINUTE });
    const ahead = {
      ...source,
      spans: [...minutes("qqqqqqqqqqLL", 8 * MINUTE), ...minutes("qqqqqqqqqqqq", 1440 * MINUTE)],
    };
    expect(waitingForSource(ahead, needed)).toEqual(["noise-01: quiet 0 of 10 min"]);
  });

  test("never reaches over time that nobody measured", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[qL ]{1,20}$/), (levels) => {
        const proof = quiet(minutes(levels));
        const known = levels.trimEnd();
        const expected = /q*$/.exec(known)?.[0].length ?? 0;
        expect(proof?.quietMs ?? 0).toBe(expected * MINUTE);
      }),
    );
  });

  test("is waited for in words", () => {
    const spans = minutes("qqqq", 16 * MINUTE);
    expect(waitingForSource({ ...source, spans }, needed)).toEqual(["noise-01: quiet 4 of 10 min"]);
    expect(waitingForSource({ ...source, spans: minutes("qqqqqqqqqq", 10 * MINUTE) }, needed)).toEqual([]);
    const lost = { ...source, isLoud: true, isOnline: false, spans: minutes("qqqqqqqqqqqq") };
    expect(waitingForSource(lost, needed)).toEqual([
      "noise-01: the alarm still stands",
      "noise-01: offline, nothing proves quiet",
      "noise-01: newest level is 480 s old",
    ]);
    expect(waitingForSource(source, needed)).toEqual(["noise-01: no levels yet"]);
    expect(waitingForSource({ ...source, spans }, { ...needed, quietMs: 10_000 })).toEqual([]);
  });
});
