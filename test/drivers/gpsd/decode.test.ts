import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DecodedItem } from "../../../drivers/decoder.ts";
import { gpsdCapture } from "../../../drivers/gpsd/capture.ts";
import { LineReader } from "../../../drivers/gpsd/lines.ts";
import { epochLines } from "../../../drivers/gpsd/simulator.ts";

const TRACE = readFileSync("test/traces/gpsd/ch-4711.trace");
const FIX = '{"class":"TPV","device":"/dev/a","mode":3,"time":"2026-11-21T15:00:07.000Z","lat":39.9,"lon":116.4}';

function decode(...parts: (string | Uint8Array)[]): DecodedItem[] {
  const decoder = gpsdCapture.decoder();
  return [...parts.flatMap((part) => decoder.push(Buffer.from(part))), ...decoder.end()];
}

function readings(items: readonly DecodedItem[]): object[] {
  return items.flatMap((item) => ("reading" in item ? [item.reading] : []));
}

function codes(items: readonly DecodedItem[]): string[] {
  return items.flatMap((item) => ("fault" in item ? [item.fault.code] : []));
}

describe("gpsd's JSON", () => {
  test("good: of the several reports of an epoch one position, with what all of them say", () => {
    const atMs = Date.parse("2026-11-21T15:00:07Z");
    const place = { latitudeDeg: 39.912, longitudeDeg: 116.456, altitudeM: 44.5, speedMps: 8, bearingDeg: 271.5 };
    const lines = [0, 1000].map((ms) => epochLines("/dev/ttyACM0", atMs + ms, place));
    expect(readings(decode(...lines))).toEqual(
      [atMs, atMs + 1000]
        .map((at) => ({
          kind: "position",
          ...place,
          fix: "gnss",
          accuracyM: 4.2,
          satellites: 9,
          source: "/dev/ttyACM0",
          fixAtMs: at,
          atMs: at,
        }))
        .map((one, index) => (index === 0 ? { ...one, satellites: 9 } : one)),
    );
  });

  test("a real gpsd's answers to a recorded receiver: each epoch once, and nothing of those without a fix", () => {
    const items = decode(TRACE);
    expect(codes(items)).toEqual([]);
    const times = readings(items).flatMap((one) => ("fixAtMs" in one ? [Number(one.fixAtMs)] : []));
    expect(times.length).toBeGreaterThan(10);
    expect(times.every((atMs, index) => index === 0 || atMs !== times[index - 1])).toBe(true);
  });

  test("no fix, a simulated one, or a place without a mode of two dimensions: no position", () => {
    for (const change of [{ mode: 0 }, { mode: 1 }, { status: 8 }, { lat: undefined }]) {
      expect(decode(JSON.stringify({ ...JSON.parse(FIX), ...change }))).toEqual([]);
    }
  });

  test("quality is kept: DGPS, RTK, and dead reckoning that is not called a fix", () => {
    const fixes = [2, 3, 4, 5, 6, 7, 9].map(
      (status) => readings(decode(JSON.stringify({ ...JSON.parse(FIX), status })))[0],
    );
    expect(fixes).toMatchObject(["dgnss", "rtk", "rtk", "estimated", "gnss", "gnss", "gnss"].map((fix) => ({ fix })));
  });

  test("split and joined: cut anywhere into chunks, the readings are the same", () => {
    const whole = readings(decode(TRACE));
    fc.assert(
      fc.property(fc.array(fc.nat(TRACE.length), { maxLength: 12 }), (cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), TRACE.length];
        expect(readings(decode(...at.slice(1).map((end, index) => TRACE.subarray(at[index], end))))).toEqual(whole);
      }),
      { numRuns: 10 },
    );
  });

  test("noise before, truncated, flipped, too deep, too long: refused by name, and the next line counts", () => {
    for (const bad of [
      "\u0000\u0007\u00ff{",
      FIX.slice(0, 40),
      FIX.replace('"mode"', "mode"),
      `{"class":"TPV","x":${"[".repeat(40)}${"]".repeat(40)}}`,
      "7",
      "null",
      '{"mode":3}',
    ]) {
      const items = decode(`${bad}\n${FIX}\n`);
      expect([codes(items), readings(items).length], bad).toEqual([["GPSD_FRAMING"], 1]);
    }
    expect(codes(decode(`{"class":"TPV",${" ".repeat(70_000)}\n${FIX}\n`))).toEqual(["GPSD_FRAMING"]);
  });

  test("members that are not what their name demands are refused, never half believed", () => {
    for (const change of [
      { lat: 91 },
      { lon: "116" },
      { mode: 7 },
      { mode: undefined },
      { time: "yesterday" },
      { time: "2026-13-40T99:00:00Z" },
      { speed: -1 },
      { track: 400 },
      { eph: -3 },
    ]) {
      const items = decode(JSON.stringify({ ...JSON.parse(FIX), ...change }));
      expect([codes(items), readings(items)], JSON.stringify(change)).toEqual([["GPSD_FIELD"], []]);
    }
  });

  test("what gpsd refuses is said; other classes and passed-on sentences say nothing", () => {
    expect(codes(decode('{"class":"ERROR","message":"no such device"}\n'))).toEqual(["GPSD_REFUSED"]);
    expect(decode('{"class":"PPS","device":"/dev/pps0"}\n{"class":"NEW"}\n$GPZDA,1,2*00\n')).toEqual([]);
  });

  test("whatever lines come, nothing is thrown, and a position is one that a line holds", () => {
    const text = TRACE.toString("utf8");
    const mutated = fc
      .tuple(fc.nat(text.length - 1), fc.string({ maxLength: 8, unit: "binary" }), fc.nat(200))
      .map(([at, put, cut]) => text.slice(Math.max(0, at - 600), at) + put + text.slice(at + cut, at + 900));
    const json = fc
      .record({
        class: fc.constantFrom("TPV", "SKY", "DEVICES", "DEVICE", "VERSION", "ERROR"),
        mode: fc.jsonValue({ maxDepth: 2 }),
      })
      .chain((head) =>
        fc
          .jsonValue({ maxDepth: 2 })
          .map((rest) => JSON.stringify({ ...head, device: rest, satellites: rest, lat: rest })),
      );
    const line = fc.oneof(fc.string({ maxLength: 300, unit: "binary" }), mutated, json, fc.constant(FIX));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        const all = lines.join("\n");
        for (const one of readings(decode(all))) {
          expect(all).toContain(String("latitudeDeg" in one ? one.latitudeDeg : "none"));
        }
      }),
      { numRuns: 30 },
    );
  });

  test("a giant without a line end is not kept", () => {
    const reader = new LineReader();
    const faults = Array.from({ length: 200 }, () => reader.push(Buffer.alloc(65_536, 0x41))).flat();
    expect(faults).toHaveLength(1);
    expect(reader.push(Buffer.from(`\n${FIX}\n`))).toEqual([{ line: FIX }]);
  });
});
