import fc from "fast-check";
import { Value } from "typebox/value";
import { describe, expect, test } from "vitest";
import { crc16, withCrc } from "../../../drivers/bus/crc16.ts";
import { decodeFrame, decodeStream } from "../../../drivers/modbus-noise/capture.ts";
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

function summary(frame: Uint8Array, profile = sonbest): unknown {
  const item = decodeFrame(frame, profile);
  if (item === undefined) return undefined;
  return "fault" in item ? item.fault.code : [item.reading.levelDb, ...item.reading.flags];
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
    expect(decodeLevel(299, sonbest)).toEqual({ levelDb: 29.9, flags: ["out-of-range"] });
    expect(decodeLevel(1301, sonbest)).toEqual({ levelDb: 130.1, flags: ["out-of-range"] });
    expect(decodeLevel(0, sonbest)).toEqual({ levelDb: 0, flags: ["out-of-range"] });
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
    expect(
      decodeStream(bytes, sonbest).map((item) => ("fault" in item ? item.fault.code : item.reading.levelDb)),
    ).toEqual(["MODBUS_CRC", 53.6, 53.6, "MODBUS_CRC", 70.1]);
  });

  test("WB-MSW: function 4, hundredths, rounded to what the meter shows", () => {
    expect(summary(withCrc(Uint8Array.of(1, 4, 2, 0x1b, 0x62)), msw)).toEqual([70.1]);
    expect(summary(withCrc(Uint8Array.of(1, 4, 2, 0xff, 0xff)), msw)).toEqual([655.35, "no-data"]);
  });

  test("any register gives back its own counts: nothing is ever replaced", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff }), fc.constantFrom(...PROFILE_NAMES), (raw, name) => {
        const profile = resolveProfile(name);
        const { levelDb, flags } = decodeLevel(raw, profile);
        expect(Math.round(levelDb / profile.scaleDb)).toBe(raw);
        const [low, high] = profile.validDb;
        expect(flags.length === 0).toBe(levelDb >= low && levelDb <= high && !profile.noDataValues.includes(raw));
      }),
    );
  });

  test("whatever bytes come, the stream decoder ends and believes only good checksums", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        for (const item of decodeStream(bytes, sonbest)) {
          if ("reading" in item) expect(crc16(bytes)).toBeTypeOf("number");
        }
      }),
    );
  });
});

describe("noise profiles are data", () => {
  test.each(PROFILE_NAMES)("%s fits the schema and names its source and certainty", (name) => {
    const profile = resolveProfile(name);
    expect([...Value.Errors(NoiseProfile, profile)]).toEqual([]);
    expect(profile.source).toBeTypeOf("string");
    expect(profile.certainty).toBeTypeOf("string");
  });

  test("a profile can be written out in the config; what contradicts itself is refused with a hint", () => {
    const profile = { ...sonbest, address: 7, validDb: [130, 30] };
    const config: unknown = { bus: "rs485", unit: 1, profile, periodMs: 200, timeoutMs: 300 };
    expect(Value.Check(modbusNoiseConfig, config)).toBe(true);
    if (!Value.Check(modbusNoiseConfig, config)) return;
    expect(modbusNoise.check?.(config).map(({ pointer }) => pointer)).toEqual(["/timeoutMs", "/profile/validDb"]);
  });
});
