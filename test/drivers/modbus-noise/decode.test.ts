import fc from "fast-check";
import { Value } from "typebox/value";
import { describe, expect, test } from "vitest";
import { hasGoodCrc, withCrc } from "../../../drivers/bus/crc16.ts";
import type { DecodedItem } from "../../../drivers/decoder.ts";
import { meterCapture } from "../../../drivers/modbus-noise/capture.ts";
import { modbusNoiseConfig } from "../../../drivers/modbus-noise/config.ts";
import { decodeLevel } from "../../../drivers/modbus-noise/decode.ts";
import { modbusNoise } from "../../../drivers/modbus-noise/driver.ts";
import { NoiseProfile } from "../../../drivers/modbus-noise/profile.ts";
import { PROFILE_NAMES, resolveProfile } from "../../../drivers/modbus-noise/profiles.ts";
import { receivedFrames } from "../../fakes/trace.ts";

const sonbest = resolveProfile("sonbest-sm7901b");
const msw = resolveProfile("wirenboard-wb-msw");
const frames = receivedFrames("modbus-noise/sm7901b.trace");
const [GOOD = new Uint8Array()] = frames;

function said(item: DecodedItem): unknown {
  if ("fault" in item) return item.fault.code;
  const { levelDb, quantity, value, flags, flag } = item.reading as {
    levelDb?: number | null;
    quantity: string;
    value?: number | null;
    flags?: string[];
    flag?: string;
  };
  if (flags !== undefined) return [levelDb, ...flags];
  return [quantity, value, ...(flag === undefined ? [] : [flag])];
}

function summary(frame: Uint8Array, profile = sonbest): unknown {
  return meterCapture(profile).frame(frame).map(said)[0];
}

function stream(bytes: Uint8Array, profile = sonbest, chunkBytes = bytes.length): unknown[] {
  const capture = meterCapture(profile);
  const items: DecodedItem[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes)
    items.push(...capture.push(bytes.subarray(at, at + chunkBytes)));
  return [...items, ...capture.end()].map(said);
}

describe("noise meter frames", () => {
  test("good: the maker's own frame is 53.6 dB; 70.0 and 70.1 stay apart", () => {
    expect(frames.slice(0, 3).map((frame) => summary(frame))).toEqual([[53.6], [70], [70.1]]);
  });

  test("a sentinel or a level outside the range is flagged and keeps its value", () => {
    expect(frames.slice(3, 5).map((frame) => summary(frame))).toEqual([
      [3276.7, "no-data"],
      [6553.5, "no-data"],
    ]);
    expect(decodeLevel([299], sonbest)).toEqual({ levelDb: 29.9, flags: ["out-of-range"] });
    expect(decodeLevel([1301], sonbest)).toEqual({ levelDb: 130.1, flags: ["out-of-range"] });
    expect(decodeLevel([0], sonbest)).toEqual({ levelDb: 0, flags: ["out-of-range"] });
  });

  test("refusal: an exception says that the profile does not fit", () => {
    expect(summary(frames[5] ?? new Uint8Array())).toBe("MODBUS_EXCEPTION");
    expect(summary(GOOD, msw)).toBe("MODBUS_UNEXPECTED");
  });

  test("flipped bit, truncated, empty: no value", () => {
    for (let bit = 0; bit < GOOD.length * 8; bit++) {
      const flipped = GOOD.map((byte, index) => (index === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
      expect(summary(flipped)).toBe("MODBUS_CRC");
    }
    for (let length = 0; length < GOOD.length; length++) expect(summary(GOOD.subarray(0, length))).toBe("MODBUS_CRC");
  });

  test("split, joined, noise before and between: the stream gives each frame once and each gap one fault", () => {
    const query = Uint8Array.of(1, 3, 0, 0, 0, 1, 0x84, 0x0a);
    const noise = Uint8Array.of(0xff, 0x00, 0x37);
    const bytes = Buffer.concat([noise, query, GOOD, GOOD, noise, frames[2] ?? noise]);
    const expected = ["MODBUS_CRC", [53.6], [53.6], "MODBUS_CRC", [70.1]];
    for (const chunkBytes of [bytes.length, 1, 5]) expect(stream(bytes, sonbest, chunkBytes)).toEqual(expected);
  });

  test("a query names the registers of its answer: several values of one meter in one frame", () => {
    const query = withCrc(Uint8Array.of(1, 4, 0, 3, 0, 3));
    const [whole = GOOD, answer = GOOD] = receivedFrames("modbus-noise/wb-msw.trace");
    expect(stream(Buffer.concat([query, whole]), msw).at(-1)).toEqual(["humidity", 65]);
    expect(stream(Buffer.concat([query, answer]), msw)).toEqual([
      [70.1],
      ["temperature", -2],
      ["humidity", 327.67, "no-data"],
    ]);
    expect(stream(answer, msw)).toEqual(["MODBUS_UNEXPECTED"]);
  });

  test("WB-MSW: function 4, hundredths, rounded to what the meter shows", () => {
    expect(summary(withCrc(Uint8Array.of(1, 4, 2, 0x1b, 0x62)), msw)).toEqual([70.1]);
    expect(summary(withCrc(Uint8Array.of(1, 4, 2, 0xff, 0xff)), msw)).toEqual([655.35, "no-data"]);
  });

  test("any register gives back its own counts: nothing is ever replaced", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff }), fc.constantFrom(...PROFILE_NAMES), (raw, name) => {
        const profile = resolveProfile(name);
        const { levelDb, flags } = decodeLevel([raw], profile);
        expect(Math.round((levelDb ?? Number.NaN) / profile.scaleDb)).toBe(raw);
        const [low, high] = profile.validDb;
        const isInside = levelDb !== null && levelDb >= low && levelDb <= high;
        expect(flags.length === 0).toBe(isInside && !profile.noDataValues.includes(raw));
      }),
    );
  });

  test("whatever bytes come, in whatever pieces, the decoder ends and believes only good checksums", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(...frames)), { maxLength: 8 }),
        fc.integer({ min: 1, max: 400 }),
        (parts, chunkBytes) => {
          const bytes = Buffer.concat(parts);
          const whole = stream(bytes);
          expect(stream(bytes, sonbest, chunkBytes)).toEqual(whole);
          const values = whole.filter((item) => Array.isArray(item)).length;
          expect(values).toBeLessThanOrEqual(goodFrames(bytes));
        },
      ),
    );
  });

  test("a megabyte of noise is bounded: one fault for each 4096 bytes, and the frame behind it is found", () => {
    const noise = new Uint8Array(1_000_000).fill(0x55);
    const items = stream(Buffer.concat([noise, GOOD]), sonbest, 65_536);
    expect(items.at(-1)).toEqual([53.6]);
    expect(items.length).toBeLessThan(300);
  });
});

/** Places where a whole frame with a good checksum stands. */
function goodFrames(bytes: Uint8Array): number {
  let found = 0;
  for (let offset = 0; offset + 5 <= bytes.length; offset++) {
    const length = 5 + (bytes[offset + 2] ?? 0);
    if (offset + length <= bytes.length && hasGoodCrc(bytes, offset, offset + length)) found++;
  }
  return found;
}

describe("noise profiles are data", () => {
  test.each(PROFILE_NAMES)("%s fits the schema and names its source and certainty", (name) => {
    const profile = resolveProfile(name);
    expect([...Value.Errors(NoiseProfile, profile)]).toEqual([]);
    expect(profile.source).toBeTypeOf("string");
    expect(profile.certainty).toBeTypeOf("string");
  });

  test("a profile can be written out in the config; what contradicts itself is refused with a hint", () => {
    const profile = { ...sonbest, address: 7, validDb: [130, 30] };
    const config: unknown = {
      bus: "rs485",
      unit: 1,
      profile,
      periodMs: 200,
      measurementPeriodMs: 60_000,
      timeoutMs: 300,
    };
    expect(Value.Check(modbusNoiseConfig, config)).toBe(true);
    if (!Value.Check(modbusNoiseConfig, config)) return;
    expect(modbusNoise.check?.(config).map(({ pointer }) => pointer)).toEqual(["/timeoutMs", "/profile/validDb"]);
  });
});
