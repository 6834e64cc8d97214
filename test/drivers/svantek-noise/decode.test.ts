import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DecodedItem } from "../../../drivers/decoder.ts";
import { svantekCapture } from "../../../drivers/svantek-noise/capture.ts";
import { profileSettings } from "../../../drivers/svantek-noise/decode.ts";
import { receivedLines } from "../../fakes/trace.ts";

const LINES = receivedLines("svantek-noise/svan-971.trace");
const [MANUAL = "", SETTINGS = "", GOOD = ""] = LINES;

function said(item: DecodedItem): unknown {
  if ("fault" in item) return item.fault.code;
  const { levelDb, quantity, value, flags, flag, assumed } = item.reading as Record<string, unknown> & {
    flags?: string[];
  };
  const note = assumed === undefined ? [] : ["assumed"];
  if (flags !== undefined) return [levelDb, quantity, ...flags, ...note];
  return [value, quantity, ...(flag === undefined ? [] : [flag]), ...note];
}

function stream(text: string | Uint8Array, chunkBytes = 1e9): unknown[] {
  const bytes = typeof text === "string" ? Buffer.from(text) : text;
  const decoder = svantekCapture.decoder();
  const items: DecodedItem[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes)
    items.push(...decoder.push(bytes.subarray(at, at + chunkBytes)));
  return [...items, ...decoder.end()].map(said);
}

const SECOND = [
  [61.35, "LAF"],
  [61.02, "LAeq"],
  [62.11, "LAmax"],
  [60.4, "LAmin"],
];

describe("answers of a Svantek meter", () => {
  test("the manual's own answer: LAeq and LAmax over 3 s, and no 1-s level where there is none", () => {
    expect(stream(MANUAL)).toEqual([
      [61.7, "LAeq", "assumed"],
      [64.55, "LAmax", "assumed"],
    ]);
  });

  test("with its settings in the capture: the Fast level, a missing result, an overload", () => {
    expect(stream(LINES.slice(1).join(""))).toEqual([
      ...SECOND,
      [null, "LAF", "no-data"],
      [null, "LAeq", "no-data"],
      [null, "LAmax", "no-data"],
      [null, "LAmin", "no-data"],
      [137.1, "LAF", "overload"],
      [136, "LAeq", "overload"],
      [138.2, "LAmax", "overload"],
      [61, "LAmin", "overload"],
    ]);
  });

  test("C- or Z-weighting and Impulse are refused by name, never emitted as an A-level", () => {
    for (const filter of ["F3:1", "F1:1"]) {
      expect(stream(SETTINGS.replace("F2:1", filter) + GOOD)).toEqual(["METER_WEIGHTING"]);
    }
    expect(stream(SETTINGS.replace("C1:1", "C0:1") + GOOD)).toEqual(["METER_DETECTOR"]);
    expect(stream(SETTINGS.replace("C1:1", "C2:1") + GOOD)[0]).toEqual([61.35, "LAS"]);
  });

  test("under range: lasting makes the level invalid, past only the measurement", () => {
    expect(stream(SETTINGS + GOOD.replace("v0", "v3"))[0]).toEqual([61.35, "LAF", "under-range"]);
    expect(stream(SETTINGS + GOOD.replace("v0", "v2")).slice(0, 2)).toEqual([
      [61.35, "LAF"],
      [61.02, "LAeq", "under-range"],
    ]);
  });

  test("split, joined, line ends between, a query in the capture: the same", () => {
    const query = "#2,1,T?,V?,v?,S?;";
    for (const chunkBytes of [1, 3, 1000]) {
      expect(stream(`${SETTINGS}\r\n${query}${GOOD}${GOOD}`, chunkBytes)).toEqual([...SECOND, ...SECOND]);
    }
  });

  test("noise, a cut answer, a spoilt number, a field twice: faults by name, and nothing of that answer", () => {
    expect(stream(`xyz${SETTINGS}${GOOD}`)).toEqual(["METER_FRAMING", ...SECOND]);
    expect(stream(GOOD.slice(0, -1))).toEqual(["METER_FRAMING"]);
    expect(stream(GOOD.slice(0, 20) + SETTINGS + GOOD)).toEqual(["METER_FRAMING", ...SECOND]);
    for (const spoilt of ["S61.3x", "S6-1", "S", "S9999", "S1e2", "S61.35,S61.36", "S61.35,!"]) {
      expect(stream(SETTINGS + GOOD.replace("S61.35", spoilt))).toEqual(["METER_FIELD"]);
    }
    expect(stream("#2,7,S61.0;#x,1;#2,S61.0;")).toEqual(["METER_FIELD", "METER_FIELD", "METER_FIELD"]);
  });

  test("the settings of one profile are not those of another", () => {
    const fields = SETTINGS.slice(1, -1).split(",").slice(1);
    expect(profileSettings(fields, 1)).toEqual({ weighting: "A", detector: "fast", isRunning: true });
    expect(profileSettings(fields, 2)).toEqual({ weighting: "C", detector: "impulse", isRunning: true });
    expect(profileSettings(fields, 3)).toEqual({ weighting: "Z", detector: "slow", isRunning: true });
    expect(
      profileSettings(
        fields.filter((field) => field !== "S1"),
        1,
      ),
    ).toBeUndefined();
  });

  test("whatever comes, in whatever pieces: it ends, is bounded, says the same, and invents no number", () => {
    const part = fc.oneof(
      fc.constantFrom(...LINES, "#2,1,", "#1;", ";", "#"),
      fc.string({ maxLength: 40 }),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 10 }), fc.integer({ min: 1, max: 60 }), (parts, chunkBytes) => {
        const bytes = Buffer.from(parts.join(""), "latin1");
        const all = stream(bytes);
        expect(stream(bytes, chunkBytes)).toEqual(all);
        expect(all.length).toBeLessThanOrEqual(bytes.length);
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: GOOD.length - 2 }), fc.integer({ min: 0x20, max: 0x7e }), (at, byte) => {
        const mutated = `${GOOD.slice(0, at)}${String.fromCharCode(byte)}${GOOD.slice(at + 1)}`;
        for (const item of stream(SETTINGS + mutated)) {
          if (Array.isArray(item) && typeof item[0] === "number")
            expect(mutated).toContain(String(item[0]).slice(0, 2));
        }
      }),
    );
  });

  test("a megabyte without an end is bounded, and the answer behind it is found", () => {
    const items = stream(`#2,1,${"9".repeat(1_000_000)}${SETTINGS}${GOOD}`, 65_536);
    expect(items.slice(-4)).toEqual(SECOND);
    expect(items.length).toBeLessThan(5000);
  });
});
