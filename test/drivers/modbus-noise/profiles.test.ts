import { readdirSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { profileFaults } from "../../../drivers/modbus-noise/check-profile.ts";
import { decodeLevel, decodeMeasurement } from "../../../drivers/modbus-noise/decode.ts";
import type { NoiseProfile, ProfileMeasurement } from "../../../drivers/modbus-noise/profile.ts";
import { PROFILE_NAMES, resolveProfile } from "../../../drivers/modbus-noise/profiles.ts";
import { levelBlock, readPlan } from "../../../drivers/modbus-noise/read-plan.ts";
import {
  decodeRegisters,
  encodeRegisters,
  type RegisterEncoding,
} from "../../../drivers/modbus-noise/register-value.ts";
import { unitOf } from "../../../protocol/quantities.ts";

const sonbest = resolveProfile("sonbest-sm7901b");

function value(quantity: string, address: number, more: Partial<ProfileMeasurement> = {}): ProfileMeasurement {
  return { quantity, unit: "x", address, scale: 1, valid: [-1e9, 1e9], noDataValues: [], ...more };
}

describe("numbers in registers", () => {
  const bits = { u16: [0x8123], i16: [0x8123], u32: [0x8123, 0x4567], i32: [0x8123, 0x4567], f32: [0x428c, 0x3333] };
  const said = {
    u16: 0x8123,
    i16: 0x8123 - 0x10000,
    u32: 0x81234567,
    i32: 0x81234567 - 2 ** 32,
    f32: 70.0999984741211,
  };
  const swap = (word: number) => ((word & 0xff) << 8) | (word >>> 8);

  test.each(Object.keys(bits) as (keyof typeof bits)[])("%s in each byte and word order is the same number", (type) => {
    const words = bits[type];
    const orders: [RegisterEncoding, number[]][] = [
      [{ type }, words],
      [{ type, byteOrder: "little" }, words.map(swap)],
      [{ type, wordOrder: "little" }, words.toReversed()],
      [{ type, byteOrder: "little", wordOrder: "little" }, words.toReversed().map(swap)],
    ];
    for (const [encoding, wire] of orders) {
      expect(decodeRegisters(wire, encoding).counts).toBeCloseTo(said[type], 9);
      expect(encodeRegisters(said[type], encoding)).toEqual(wire);
    }
  });

  test("whatever is written comes back, in every type and order", () => {
    const encodings = fc.record({
      type: fc.constantFrom("u16", "i16", "u32", "i32", "f32"),
      byteOrder: fc.constantFrom("big", "little"),
      wordOrder: fc.constantFrom("big", "little"),
    }) as fc.Arbitrary<RegisterEncoding>;
    fc.assert(
      fc.property(encodings, fc.integer({ min: 0, max: 0x7fff }), (encoding, counts) => {
        expect(decodeRegisters(encodeRegisters(counts, encoding), encoding).counts).toBe(counts);
      }),
    );
  });

  test("a float is rounded to what it can carry, and one that is no number is no data, not a level", () => {
    const profile: NoiseProfile = { ...sonbest, type: "f32", scaleDb: 1 };
    expect(decodeLevel([0x428c, 0x3333], profile)).toEqual({ levelDb: 70.1, flags: [] });
    expect(decodeLevel([0x7fc0, 0], profile)).toEqual({ levelDb: null, flags: ["no-data"] });
    expect(decodeLevel([0x7f80, 0], profile)).toEqual({ levelDb: null, flags: ["no-data"] });
    expect(decodeMeasurement([0xffc0, 0], value("rain", 1, { type: "f32", unit: "mm" }))).toMatchObject({
      value: null,
      flag: "no-data",
    });
  });

  test("a sentinel of a signed value is compared as unsigned counts; the value is kept and flagged", () => {
    const [temperature] = resolveProfile("wirenboard-wb-msw").measurements ?? [];
    if (temperature === undefined) throw new Error("the profile lost its temperature");
    expect(decodeMeasurement([0xff38], temperature)).toEqual({
      kind: "measurement",
      quantity: "temperature",
      unit: "°C",
      value: -2,
    });
    expect(decodeMeasurement([0x7fff], temperature)).toMatchObject({ value: 327.67, flag: "no-data" });
    expect(decodeMeasurement([0x4e20], temperature)).toMatchObject({ value: 200, flag: "out-of-range" });
  });
});

describe("one meter's values in few requests", () => {
  const spans = (profile: NoiseProfile) =>
    readPlan(profile).map(({ function: kind, address, count }) => `${kind} ${address}+${count}`);

  test("neighbours are read together; a gap only where the profile allows it", () => {
    const measurements = [value("a", 1), value("b", 2, { type: "f32" }), value("c", 8)];
    expect(spans({ ...sonbest, measurements })).toEqual(["read-holding 0+4", "read-holding 8+1"]);
    expect(spans({ ...sonbest, measurements, packing: { maxGapRegisters: 4 } })).toEqual(["read-holding 0+9"]);
    expect(spans({ ...sonbest, measurements, packing: { maxGapRegisters: 3 } })).toHaveLength(2);
  });

  test("never across a forbidden register, never more than the meter gives, never two functions at once", () => {
    const measurements = [value("a", 1), value("c", 4), value("d", 5, { function: "read-input" })];
    const packing = { maxGapRegisters: 8 };
    expect(spans({ ...sonbest, measurements, packing: { ...packing, forbidden: [[3, 3]] } })).toEqual([
      "read-holding 0+2",
      "read-holding 4+1",
      "read-input 5+1",
    ]);
    expect(spans({ ...sonbest, measurements, packing: { ...packing, maxRegisters: 2 } })).toHaveLength(3);
  });

  test("whatever the map: each value lies whole in one request, and no request touches what is forbidden", () => {
    const fields = fc.array(
      fc.record({ address: fc.integer({ min: 0, max: 60 }), type: fc.constantFrom("u16", "f32") }),
      { maxLength: 12 },
    );
    const packing = fc.record({
      maxRegisters: fc.integer({ min: 2, max: 20 }),
      maxGapRegisters: fc.integer({ min: 0, max: 20 }),
      forbidden: fc.array(
        fc.integer({ min: 70, max: 90 }).map((at): [number, number] => [at, at]),
        { maxLength: 3 },
      ),
    });
    fc.assert(
      fc.property(fields, packing, fc.integer({ min: 0, max: 120 }), (list, limits, address) => {
        const measurements = list.map(({ address: at, type }, index) =>
          value(`q${index}`, at, { type: type as "u16" | "f32" }),
        );
        const profile = { ...sonbest, address, measurements, packing: limits };
        const plan = readPlan(profile);
        expect(plan.flatMap((block) => block.fields)).toHaveLength(measurements.length + 1);
        for (const block of plan) {
          expect(block.count).toBeLessThanOrEqual(limits.maxRegisters);
          for (const field of block.fields) {
            expect(field.address).toBeGreaterThanOrEqual(block.address);
            expect(field.address + field.count).toBeLessThanOrEqual(block.address + block.count);
          }
          if (block.fields.some((field) => limits.forbidden.some(([at]) => at === field.address))) continue;
          const touched = limits.forbidden.filter(([at]) => at >= block.address && at < block.address + block.count);
          expect(touched).toEqual([]);
        }
        expect(levelBlock(profile)).toMatchObject({ address, count: 1 });
      }),
    );
  });
});

describe("profile files", () => {
  test("each file of the folder is a profile that can be named, and has no fault", () => {
    const files = readdirSync("drivers/modbus-noise/profiles").map((file) => file.replace(/\.json$/, ""));
    expect(files.toSorted()).toEqual([...PROFILE_NAMES].toSorted());
    for (const name of PROFILE_NAMES) expect(profileFaults(resolveProfile(name))).toEqual([]);
  });

  test("a measurement has a listed name and that name's unit", () => {
    for (const name of PROFILE_NAMES) {
      for (const { quantity, unit } of resolveProfile(name).measurements ?? []) expect(unitOf(quantity)).toBe(unit);
    }
  });

  test("a map that contradicts itself is refused with pointer and hint", () => {
    const profile: NoiseProfile = {
      ...sonbest,
      isSigned: true,
      type: "u32",
      address: 0xffff,
      measurements: [
        value("rain", 5, { unit: "inch" }),
        value("rain", 6, { unit: "mm", scale: 0, valid: [1, 1] }),
        value("x", 0xffff, { type: "i32" }),
      ],
      packing: { forbidden: [[6, 9]] },
    };
    const faults = profileFaults(profile);
    expect(faults.map(({ pointer }) => pointer)).toEqual([
      "/isSigned",
      "/address",
      "/measurements/0/unit",
      "/measurements/1/scale",
      "/measurements/1/valid",
      "/measurements/1/quantity",
      "/measurements/2/address",
      "/packing/forbidden",
    ]);
    expect(faults.every(({ hint }) => hint.endsWith("."))).toBe(true);
  });
});
