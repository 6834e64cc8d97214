import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type CaptureItem, NmeaCapture } from "../../../drivers/gps-nmea/capture.ts";
import { formatSentence, SentenceReader } from "../../../drivers/gps-nmea/sentence.ts";
import { epochSentences } from "../../../drivers/gps-nmea/simulator.ts";
import { isBelievableDate } from "../../../protocol/believable-date.ts";
import { receivedLines } from "../../fakes/trace.ts";

const [FIX = "", NO_FIX = "", CLOCK = "", SATELLITES = ""] = receivedLines("gps-nmea/sentences.trace");

function decode(...parts: (string | Uint8Array)[]): CaptureItem[] {
  const capture = new NmeaCapture();
  return [...parts.flatMap((part) => capture.push(Buffer.from(part))), ...capture.end()];
}

function readings(items: readonly CaptureItem[]) {
  return items.flatMap((item) => ("reading" in item ? [item.reading] : []));
}

function codes(items: readonly CaptureItem[]): string[] {
  return items.flatMap((item) => ("fault" in item ? [item.fault.code] : []));
}

describe("NMEA decoder", () => {
  test("good: position, fix and time of a real receiver", () => {
    expect(readings(decode(`${FIX}\r\n`))).toEqual([
      {
        kind: "position",
        latitudeDeg: 44.068832333,
        longitudeDeg: -121.314102167,
        speedMps: 0.027,
        fix: "gnss",
        source: "GN",
        fixAtMs: Date.parse("2024-06-09T00:06:53Z"),
        atMs: Date.parse("2024-06-09T00:06:53Z"),
      },
    ]);
  });

  test("no fix, no position; a clock or satellites alone are no position", () => {
    expect(decode(`${NO_FIX}\r\n${CLOCK}\r\n${SATELLITES}\r\n`)).toEqual([]);
  });

  test("one sentence that denies the fix outweighs one that has a place", () => {
    const place = "4404.12994,N,12118.84613,W";
    expect(decode(formatSentence(`GNGGA,000653.00,${place},0,00,99.9,,,,,,`))).toEqual([]);
    expect(
      decode(
        formatSentence(`GNRMC,000653.00,A,${place},0.1,,090624,,,A`),
        formatSentence(`GNGGA,000653.00,${place},0,00,99.9,,,,,,`),
      ),
    ).toEqual([]);
    for (const mode of ["N", "S", "M"]) {
      expect(decode(formatSentence(`GNRMC,000653.00,A,${place},0.1,,090624,,,${mode}`))).toEqual([]);
    }
    const [estimated] = readings(decode(formatSentence(`GNRMC,000653.00,A,${place},0.1,,090624,,,E`)));
    expect(estimated?.fix).toBe("estimated");
  });

  test("a receiver that denies its fix may fill the place with anything", () => {
    const denied = [
      formatSentence("GPGGA,071733.929,8960.0000,N,00000.0000,E,0,0,,137.0,M,13.0,M,,"),
      formatSentence("GPRMC,071733.929,V,8960.0000,N,00000.0000,E,0.00,0.00,111111,,,N"),
    ];
    expect(decode(...denied)).toEqual([]);
  });

  test("a sentence without a time does not hide the fix that follows it", () => {
    const items = decode(
      formatSentence("GPRMC,,V,,,,,,,,,,N"),
      formatSentence("GPRMC,000653,A,4404.1,N,12118.8,W,9,90,090624,,,A"),
    );
    expect([readings(items).length, codes(items)]).toEqual([1, []]);
  });

  test("the place of GGA counts, where RMC rounds it", () => {
    const [place] = readings(
      decode(
        formatSentence("GPRMC,123434,A,5356.21440,N,02734.85946,E,00.00,252.7,290508,,,A"),
        formatSentence("GPGGA,123434,5356.21444,N,02734.85947,E,1,04,07.2,251.9,M,26.0,M,,"),
      ),
    );
    expect(place?.latitudeDeg).toBeCloseTo(53 + 56.21444 / 60, 9);
  });

  test("split and joined: bytes one by one, or two lines in one chunk, give the same", () => {
    const whole = readings(decode(`${FIX}\r\n`));
    expect(readings(decode(...[...`${FIX}\r\n`]))).toEqual(whole);
    expect(readings(decode(`${NO_FIX}\r\n${FIX}\r\n${FIX}\r\n`))).toEqual([...whole, ...whole]);
  });

  test("noise before, also half a sentence, does not hide what follows", () => {
    expect(readings(decode(Uint8Array.of(0, 255, 0x2a, 7), `${FIX}\r\n`))).toHaveLength(1);
    const cut = decode(`${FIX.slice(0, 30)}${FIX}\r\n`);
    expect([readings(cut).length, codes(cut)]).toEqual([1, ["NMEA_FRAMING"]]);
  });

  test("flipped bit, truncated, no checksum, overlong: refused, never half believed", () => {
    expect(codes(decode(`${FIX.replace("4404", "4405")}\r\n`))).toEqual(["NMEA_CHECKSUM"]);
    expect(codes(decode(`${FIX.slice(0, 40)}\r\n`))).toEqual(["NMEA_CHECKSUM"]);
    expect(codes(decode(`${FIX.slice(0, -3)}\r\n`))).toEqual(["NMEA_CHECKSUM"]);
    expect(codes(decode(`$${"A".repeat(500)}\r\n`))).toEqual(["NMEA_FRAMING"]);
  });

  test("refusal: fields that are not what their place demands", () => {
    for (const body of [
      "GNRMC,250000,A,4404.1,N,12118.8,W,0.1,,090624,,,A",
      "GNRMC,000653,A,9904.1,N,12118.8,W,0.1,,090624,,,A",
      "GNRMC,000653,A,4460.1,N,12118.8,W,0.1,,090624,,,A",
      "GNRMC,000653,A,4404.1,X,12118.8,W,0.1,,090624,,,A",
      "GNRMC,000653,A,4404.1,N,12118.8,W,0.1,,310224,,,A",
      "GNRMC,000653,A,4404.1,N,12118.8,W,fast,,090624,,,A",
    ]) {
      expect(codes(decode(formatSentence(body)))).toEqual(["NMEA_FIELD"]);
    }
  });

  test("all talkers: GP GN GL GA BD GB GQ QZ", () => {
    for (const talker of ["GP", "GN", "GL", "GA", "BD", "GB", "GQ", "QZ"]) {
      expect(readings(decode(formatSentence(`${talker}RMC,000653,A,4404.1,N,12118.8,W,9,90,090624,,,A`)))).toHaveLength(
        1,
      );
    }
  });

  test("one fix per epoch, with the best that its sentences say", () => {
    const atMs = Date.parse("2026-11-21T15:00:07Z");
    const place = { latitudeDeg: 39.912, longitudeDeg: 116.456, altitudeM: 44.5, speedMps: 8, bearingDeg: 271.5 };
    const lines = [...epochSentences(atMs, place), ...epochSentences(atMs + 1000, place)].join("");
    expect(readings(decode(lines))).toEqual(
      [atMs, atMs + 1000].map((at) => ({
        kind: "position",
        ...place,
        fix: "gnss",
        accuracyM: 4,
        satellites: 12,
        source: "GN",
        fixAtMs: at,
        atMs: at,
      })),
    );
  });

  test("a date given once serves the epochs after it, over midnight too", () => {
    const gga = (time: string) => formatSentence(`GPGGA,${time},4404.1,N,12118.8,W,1,05,1.0,10,M,,M,,`);
    const items = readings(
      decode(formatSentence("GPZDA,235958.00,31,12,2026,00,00"), ...["235958.00", "235959.00", "000000.00"].map(gga)),
    );
    expect(items.map((item) => new Date(item.atMs ?? 0).toISOString().slice(0, 19))).toEqual([
      "2026-12-31T23:59:58",
      "2026-12-31T23:59:59",
      "2027-01-01T00:00:00",
    ]);
  });

  test("a ZDA that runs a second ahead of the fix does not put it a day off at midnight", () => {
    // As Ashtech's AC12 orders and times them (gpsd, test/daemon/ac12_binary.log): ZDA of the next second, then the fix.
    const second = (date: string, ahead: string, time: string) => [
      formatSentence(`GPZDA,${ahead}.00,${date},00,00`),
      formatSentence(`GPGGA,${time}.00,2037.76012,N,08704.07373,W,1,03,2.2,072.35,M,-13.9,M,,`),
      formatSentence(`GPGGA,${time}.50,2037.76012,N,08704.07373,W,1,03,2.2,072.35,M,-13.9,M,,`),
    ];
    const items = readings(
      decode(
        ...second("23,12,2007", "235959", "235958"),
        ...second("24,12,2007", "000000", "235959"),
        ...second("24,12,2007", "000001", "000000"),
      ),
    );
    expect(items.map((item) => new Date(item.atMs ?? 0).toISOString().slice(8, 21))).toEqual([
      "23T23:59:58.0",
      "23T23:59:58.5",
      "23T23:59:59.0",
      "23T23:59:59.5",
      "24T00:00:00.0",
      "24T00:00:00.5",
    ]);
  });

  test("a wrapped week is suspected: 7168 days back is no date of this release", () => {
    const now = Date.parse("2026-11-21T15:00:00Z");
    expect(isBelievableDate(now)).toBe(true);
    expect(isBelievableDate(now - 7168 * 86_400_000)).toBe(false);
    expect(isBelievableDate(Date.parse("2047-01-01T00:00:00Z"))).toBe(false);
  });

  test("whatever bytes come, memory is bounded and nothing but sentences with a good checksum counts", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.constant(Buffer.from(`${FIX}\r\n`)))),
        (parts) => {
          const reader = new SentenceReader();
          let good = 0;
          for (const part of parts) good += reader.push(part).filter((found) => "sentence" in found).length;
          expect(good).toBeGreaterThanOrEqual(0);
        },
      ),
    );
  });

  test("cut anywhere into chunks, the readings are the same", () => {
    const lines = epochSentences(Date.parse("2026-11-21T15:00:07Z"), { latitudeDeg: -33.1, longitudeDeg: -70.9 }).join(
      "",
    );
    const whole = readings(decode(lines));
    fc.assert(
      fc.property(fc.array(fc.nat(lines.length), { maxLength: 20 }), (cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), lines.length];
        expect(readings(decode(...at.slice(1).map((end, index) => lines.slice(at[index], end))))).toEqual(whole);
      }),
    );
  });
});

describe("receivers' logs that gpsd's authors recorded", () => {
  test.each(["beidou-gb", "rx210", "nmea-fuzzy-cases", "ch-4711"])(
    "%s: every position is one that gpsd found, in its order",
    (name) => {
      const items = decode(readFileSync(`test/traces/gps-nmea/${name}.nmea`));
      const ours = readings(items);
      const theirs = readFileSync(`test/traces/gps-nmea/${name}.expected`, "utf8")
        .trim()
        .split("\n")
        .map((line): { mode: number; lat?: number; lon?: number } => JSON.parse(line))
        .filter(({ mode, lat }) => mode >= 2 && lat !== undefined);
      expect(codes(items)).toEqual([]);
      let next = 0;
      for (const { latitudeDeg, longitudeDeg } of ours) {
        const found = theirs.findIndex(
          ({ lat = 0, lon = 0 }, index) =>
            index >= next && Math.abs(lat - latitudeDeg) < 5e-9 && Math.abs(lon - longitudeDeg) < 5e-9,
        );
        expect(found).toBeGreaterThanOrEqual(next);
        next = found;
      }
      const places = new Set(theirs.map(({ lat, lon }) => `${lat},${lon}`));
      expect(ours.length).toBeGreaterThanOrEqual(places.size);
    },
  );
});
