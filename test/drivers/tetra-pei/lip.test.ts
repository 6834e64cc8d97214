import fc from "fast-check";
import { expect, test } from "vitest";
import { DriverError } from "../../../drivers/errors.ts";
import { decodeLip } from "../../../drivers/tetra-pei/lip.ts";
import { encodeShortReport } from "../../../drivers/tetra-pei/lip-encode.ts";
import { positionOf } from "../../../drivers/tetra-pei/lip-position.ts";

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const at = (text: string): number => Date.parse(text);

test("a short report of a Motorola: place, unknown error, unknown speed, direction, reason", () => {
  const report = decodeLip(bytesOf("0A0088BD4247F737FFE810"));
  expect(report?.place?.longitudeDeg).toBeCloseTo(12.018098831, 9);
  expect(report?.place?.latitudeDeg).toBeCloseTo(51.325099468, 9);
  expect(report).toMatchObject({ bearingDeg: 337.5, reason: 129, maxAgeMs: 5000 });
  expect(report).not.toHaveProperty("speedMps");
  expect(report?.place).not.toHaveProperty("accuracyM");
});

test("a report of 84 bits in 21 digits: west, error below 200 m", () => {
  const report = decodeLip(bytesOf("0A0BA7D5B95BC50AFFE160"), 84);
  expect(report?.place?.longitudeDeg).toBeCloseTo(-97.748891115, 9);
  expect(report?.place?.latitudeDeg).toBeCloseTo(30.565692186, 9);
  expect(report?.place?.accuracyM).toBe(200);
  expect(report?.reason).toBe(22);
});

test("a long report with the time of its fix", () => {
  const report = decodeLip(bytesOf("0A4E73DDA841F55809493CC081"));
  expect(report?.place?.longitudeDeg).toBeCloseTo(11.015853882, 9);
  expect(report?.place?.latitudeDeg).toBeCloseTo(52.234218121, 9);
  expect(report).toMatchObject({ time: { day: 14, hour: 15, minute: 29, second: 42 }, reason: 129 });
});

test("a report without a fix has no place, and its reason all the same", () => {
  expect(decodeLip(bytesOf("0A4DD400000000000000005FE0002308517A100060"))).toEqual({ reason: 4 });
  expect(decodeLip(encodeShortReport({ reason: 2 }))).toEqual({ reason: 2 });
});

test("a circle with altitude and an exact direction, as a public decoder's example has it", () => {
  const report = decodeLip(bytesOf("0A4EC8F2B154F2F2BC0EF7A0183D1FC44100"));
  expect(report?.place?.latitudeDeg).toBeCloseTo(-22.171129, 6);
  expect(report?.place?.longitudeDeg).toBeCloseTo(117.838207, 6);
  expect(report).toMatchObject({
    place: { accuracyM: 0.98, altitudeM: 574 },
    speedMps: 4.167,
    bearingDeg: 317.8125,
    reason: 130,
  });
});

/** Fields of value and width, as a long report would carry them. */
function long(...fields: readonly (readonly [number, number])[]): Uint8Array {
  const bits = [[0x0a, 8], [1, 2], [3, 4], ...fields]
    .map(([value = 0, width = 0]) => value.toString(2).padStart(width, "0"))
    .join("");
  return Uint8Array.from(bits.match(/.{1,8}/g) ?? [], (octet) => Number.parseInt(octet.padEnd(8, "0"), 2));
}
const LONGITUDE = [5_000_000, 25] as const;
const LATITUDE = [4_000_000, 24] as const;
const END = [
  [0, 3],
  [0, 1],
  [0, 1],
  [130, 8],
] as const;

test("every location shape leaves its own bits behind, so that the reason after it is read right", () => {
  const shapes: readonly (readonly [number, readonly (readonly [number, number])[], object])[] = [
    [1, [], {}],
    [2, [[10, 6]], { accuracyM: 26.81 }],
    [
      3,
      [
        [10, 6],
        [5, 6],
        [9, 8],
        [1, 3],
      ],
      { accuracyM: 26.81 },
    ],
    [
      4,
      [
        [0, 1],
        [251, 11],
      ],
      { altitudeM: 50 },
    ],
    [
      5,
      [
        [10, 6],
        [1, 1],
        [251, 11],
      ],
      { accuracyM: 26.81 },
    ],
    [
      6,
      [
        [10, 6],
        [5, 6],
        [9, 8],
        [0, 1],
        [1202, 11],
        [1, 3],
      ],
      { accuracyM: 26.81, altitudeM: 1002 },
    ],
    [
      7,
      [
        [10, 6],
        [0, 1],
        [1927, 11],
        [2, 3],
      ],
      { accuracyM: 26.81, altitudeM: 2525 },
    ],
    [
      8,
      [
        [10, 6],
        [5, 6],
        [9, 8],
        [0, 1],
        [0, 11],
        [2, 3],
        [1, 3],
      ],
      { accuracyM: 26.81 },
    ],
    [10, [[1, 3]], { accuracyM: 20 }],
  ];
  const place = { latitudeDeg: (4_000_000 * 180) / 2 ** 24, longitudeDeg: (5_000_000 * 360) / 2 ** 25 };
  for (const [shape, rest, extra] of shapes) {
    const report = decodeLip(long([0, 2], [shape, 4], LONGITUDE, LATITUDE, ...rest, ...END));
    expect(report, `shape ${shape}`).toEqual({ place: { ...place, ...extra }, reason: 130 });
  }
  expect(decodeLip(long([0, 2], [0, 4], ...END))).toEqual({ reason: 130 });
  const arc = [
    [1, 16],
    [2, 16],
    [3, 8],
    [4, 8],
    [5, 3],
  ] as const;
  expect(decodeLip(long([0, 2], [9, 4], LONGITUDE, LATITUDE, ...arc, ...END))).toEqual({ reason: 130 });
});

test("every velocity type leaves its own bits behind; speed is linear to 28 km/h and then grows by 3.8 %", () => {
  const extras = [
    [],
    [],
    [[1, 3]],
    [[9, 8]],
    [
      [1, 3],
      [9, 8],
      [2, 3],
    ],
    [],
    [[1, 3]],
    [
      [1, 3],
      [9, 8],
      [2, 3],
    ],
  ] as const;
  for (const [type, extra] of extras.entries()) {
    if (type === 0) continue;
    const direction: readonly (readonly [number, number])[] =
      type >= 5 ? [[64, 8], ...(type > 5 ? [[1, 3] as const] : [])] : [];
    const velocity = [[type, 3], [36, 7], ...extra, ...direction] as const;
    const bytes = long([1, 2], [1, 2], [1, 4], LONGITUDE, LATITUDE, ...velocity, [0, 1], [0, 1], [129, 8]);
    const report = decodeLip(bytes);
    expect(report?.reason, `type ${type}`).toBe(129);
    expect(report?.speedMps).toBeCloseTo((16 * 1.038 ** 23) / 3.6, 3);
    expect(report?.bearingDeg).toBe(type >= 5 ? 90 : undefined);
    expect(report?.maxAgeMs).toBe(300_000);
  }
});

test("an error beyond 200 km is no place", () => {
  const bytes = long([0, 2], [10, 4], LONGITUDE, LATITUDE, [6, 3], ...END);
  expect(decodeLip(bytes)).toEqual({ reason: 130 });
});

test("what is cut, foreign or impossible is refused by name; requests and acknowledgements are none of ours", () => {
  const code = (bytes: Uint8Array, bits?: number): string => {
    try {
      decodeLip(bytes, bits);
    } catch (error) {
      return error instanceof DriverError ? error.code : String(error);
    }
    return "";
  };
  expect(code(bytesOf("0A0088BD4247F737"))).toBe("LIP_TRUNCATED");
  expect(code(bytesOf("0A0088BD4247F737FFE810"), 60)).toBe("LIP_TRUNCATED");
  expect(code(bytesOf("0A80"))).toBe("LIP_UNSUPPORTED");
  expect(code(bytesOf("0B0088BD4247F737FFE810"))).toBe("LIP_UNSUPPORTED");
  expect(code(long([2, 2], [0, 5], [1, 5], [1, 6], [1, 6], [1, 4], LONGITUDE, LATITUDE, ...END))).toBe("LIP_INVALID");
  expect(code(long([2, 2], [1, 5], [31, 5], [1, 6], [1, 6], [1, 4], LONGITUDE, LATITUDE, ...END))).toBe("LIP_INVALID");
  expect(decodeLip(bytesOf("0A5000"))).toBeUndefined();
});

test("a call for help is heard whatever its time says, and its place is then of unknown age", () => {
  const end = [...END.slice(0, -1), [2, 8] as const];
  for (const time of [
    [0, 5, 1, 5, 1, 6, 1, 6],
    [21, 5, 31, 5, 1, 6, 1, 6],
  ]) {
    const fields = [0, 2, 4, 6].map((at) => [time[at] ?? 0, time[at + 1] ?? 0] as const);
    const report = decodeLip(long([2, 2], ...fields, [1, 4], LONGITUDE, LATITUDE, ...end));
    expect(report).toMatchObject({ reason: 2, place: { latitudeDeg: expect.any(Number) } });
    expect(report?.time).toBeUndefined();
    expect(report && positionOf(report, 0)?.fix).toBe("estimated");
  }
});

test("an old fix is dated back by the oldest that it may be, and one of unknown age is called estimated", () => {
  const place = { latitudeDeg: 39.9, longitudeDeg: 116.4 };
  expect(positionOf({ place, maxAgeMs: 5000 }, 0)).toEqual({ ...place, fix: "gnss" });
  expect(positionOf({ place, maxAgeMs: 300_000 }, 0)).toEqual({ ...place, fix: "gnss", ageMs: 300_000 });
  expect(positionOf({ place }, 0)).toEqual({ ...place, fix: "estimated" });
  expect(positionOf({ reason: 2 }, 0)).toBeUndefined();
});

test("a day and a time become the nearest such moment, over the turn of a month too; one far away is not believed", () => {
  const place = { latitudeDeg: 39.9, longitudeDeg: 116.4 };
  const time = { day: 30, hour: 23, minute: 59, second: 50 };
  const fixAtMs = at("2026-11-30T23:59:50Z");
  expect(positionOf({ place, time }, at("2026-12-01T00:00:05Z"))).toEqual({
    ...place,
    fix: "gnss",
    fixAtMs,
    ageMs: 15_000,
  });
  expect(positionOf({ place, time }, at("2026-11-30T23:59:40Z"))).toEqual({ ...place, fix: "gnss", fixAtMs });
  expect(positionOf({ place, time }, at("2026-11-20T00:00:00Z"))).toEqual({ ...place, fix: "estimated" });
});

test("whatever bytes come: a report within the world and its ranges, or a named fault, and nothing else", () => {
  const anyReport = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.uint8Array({ maxLength: 40 }).map((rest) => Uint8Array.of(0x0a, ...rest)),
    fc.uint8Array({ maxLength: 40 }).map((rest) => Uint8Array.of(0x0a, 0x4c | ((rest[0] ?? 0) & 3), ...rest)),
  );
  fc.assert(
    fc.property(anyReport, fc.integer({ min: 0, max: 4096 }), (bytes, bits) => {
      try {
        const { place, speedMps = 0, bearingDeg = 0, reason = 0 } = decodeLip(bytes, bits) ?? {};
        expect(Math.abs(place?.latitudeDeg ?? 0)).toBeLessThanOrEqual(90);
        expect(Math.abs(place?.longitudeDeg ?? 0)).toBeLessThanOrEqual(180);
        expect(speedMps).toBeLessThanOrEqual(301);
        expect(bearingDeg).toBeLessThan(360);
        expect(reason).toBeLessThanOrEqual(255);
      } catch (error) {
        if (!(error instanceof DriverError)) throw error;
        expect(error.code).toMatch(/^LIP_/);
      }
    }),
    { numRuns: 3000 },
  );
});

test("a report that was cut anywhere within its place never yields one", () => {
  for (const hex of ["0A0088BD4247F737FFE810", "0A4E73DDA841F55809493CC081"]) {
    const needed = hex.startsWith("0A4") ? 8 + 6 + 2 + 22 + 4 + 49 : 8 + 4 + 49;
    for (let bits = 0; bits < needed; bits++) expect(() => decodeLip(bytesOf(hex), bits)).toThrow(DriverError);
  }
});

test("a place that was written comes back within a step of the grid, anywhere in the world", () => {
  fc.assert(
    fc.property(
      fc.double({ min: -89.9, max: 89.9, noNaN: true }),
      fc.double({ min: -179.9, max: 179.9, noNaN: true }),
      (latitudeDeg, longitudeDeg) => {
        const fix = { latitudeDeg, longitudeDeg, speedMps: 5, bearingDeg: 90, reason: 129 };
        const { place } = decodeLip(encodeShortReport(fix), 84) ?? {};
        if (Math.abs(latitudeDeg) < 0.001 && Math.abs(longitudeDeg) < 0.001) return;
        expect(place?.latitudeDeg).toBeCloseTo(latitudeDeg, 4);
        expect(place?.longitudeDeg).toBeCloseTo(longitudeDeg, 4);
      },
    ),
  );
});
