import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hj212Capture } from "../../../drivers/hj212/capture.ts";
import { decodeReport } from "../../../drivers/hj212/decode.ts";
import { Fragments } from "../../../drivers/hj212/fragments.ts";
import { formatLocalTime, localTimeMs } from "../../../drivers/hj212/local-time.ts";
import { parseSegment } from "../../../drivers/hj212/segment.ts";
import { framed, LEVEL, MINUTES, PUBLIC, segmentOf } from "./rig.ts";

const SETTINGS = { levelPeriodS: 30, levelQuantity: "LAF", minutePeriodS: 600, dustUnit: "µg/m³" } as const;
const NOW = Date.UTC(2016, 7, 1, 0, 59, 0);
const LIVE = { nowMs: NOW, isLive: true };

function segment(
  area: string,
  head = "QN=20160801085857223;ST=23;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=5",
) {
  return Buffer.from(`${head};CP=&&${area}&&`);
}

function decoded(area: string, settings: Parameters<typeof decodeReport>[1] = SETTINGS, arrival = LIVE) {
  return decodeReport(parseSegment(segment(`DataTime=20160801085857;${area}`)), settings, arrival);
}

function captured(text: string): object[] {
  const decoder = hj212Capture.decoder();
  return [...decoder.push(Buffer.from(text)), ...decoder.end()].map((item) =>
    "fault" in item ? { fault: item.fault.code } : item,
  );
}

describe("the time of a station", () => {
  test("is GMT+8, to the second or to the millisecond", () => {
    expect(localTimeMs("20160801085857")).toBe(Date.UTC(2016, 7, 1, 0, 58, 57));
    expect(localTimeMs("20160801085857223")).toBe(Date.UTC(2016, 7, 1, 0, 58, 57, 223));
    expect(formatLocalTime(Date.UTC(2016, 11, 31, 23, 0, 0))).toBe("20170101070000");
  });

  test("a day that no calendar has is no time", () => {
    for (const text of ["20160230000000", "20161301000000", "20160801240000", "00000000000000", "2016080108585", ""]) {
      expect(localTimeMs(text), text).toBeUndefined();
    }
  });
});

describe("a real-time report", () => {
  test("its level is one of a series where the station sends one each second, else a measurement", () => {
    const each = decodeReport(parseSegment(Buffer.from(segmentOf(LEVEL))), { ...SETTINGS, levelPeriodS: 1 }, LIVE);
    expect(each.readings).toEqual([{ kind: "noise", levelDb: 50.1, quantity: "LAF", flags: [], atMs: NOW }]);
    const now = decodeReport(parseSegment(Buffer.from(segmentOf(LEVEL))), SETTINGS, LIVE);
    expect(now.readings).toEqual([
      { kind: "measurement", quantity: "LA", unit: "dB(A)", value: 50.1, fromMs: NOW - 3000, atMs: NOW },
    ]);
  });

  test("dust and weather have names and units; another factor keeps its code", () => {
    const area =
      "a34004-Rtd=35.0;a34002-Rtd=60;a34001-Rtd=90;a01001-Rtd=-3.5;a01002-Rtd=40;a01006-Rtd=101.3;a01007-Rtd=2.1;a01008-Rtd=315;w01018-Rtd=8";
    const told = decoded(area).readings.map((one) => one.kind === "measurement" && [one.quantity, one.value, one.unit]);
    expect(told).toEqual([
      ["PM2.5", 35, "µg/m³"],
      ["PM10", 60, "µg/m³"],
      ["TSP", 90, "µg/m³"],
      ["temperature", -3.5, "°C"],
      ["humidity", 40, "%RH"],
      ["pressure", 101.3, "kPa"],
      ["windSpeed", 2.1, "m/s"],
      ["windDirection", 315, "°"],
      ["w01018", 8, ""],
    ]);
  });

  test("each flag means what the standard says, and no value is changed", () => {
    const level = (flag: string) =>
      decoded(`LA-Rtd=80.0,LA-Flag=${flag}`, { ...SETTINGS, levelPeriodS: 1 }).readings[0];
    const means = {
      N: [],
      F: ["no-data"],
      M: ["maintenance"],
      S: ["no-data"],
      D: ["fault"],
      C: ["calibration"],
      T: ["overload"],
      B: ["no-data"],
      X: ["fault"],
    };
    for (const [flag, flags] of Object.entries(means)) expect(level(flag), flag).toMatchObject({ levelDb: 80, flags });
    const dust = (flag: string) => decoded(`a34004-Rtd=9,a34004-Flag=${flag}`).readings[0];
    const names = {
      F: "stopped",
      M: "maintenance",
      S: "manual",
      D: "fault",
      C: "calibration",
      T: "over-range",
      B: "no-communication",
      Q: "flag-Q",
    };
    for (const [flag, name] of Object.entries(names)) expect(dust(flag), flag).toMatchObject({ value: 9, flag: name });
    expect(dust("N")).not.toHaveProperty("flag");
  });

  test("a value that its sensor cannot mean is kept and flagged", () => {
    expect(decoded("LA-Rtd=0.0", { ...SETTINGS, levelPeriodS: 1 }).readings).toMatchObject([
      { levelDb: 0, flags: ["out-of-range"] },
    ]);
    expect(decoded("a01002-Rtd=6553.5").readings).toMatchObject([{ value: 6553.5, flag: "out-of-range" }]);
  });

  test("no value stays no value, and what is no number is a fault beside the values that are", () => {
    const { readings, faults } = decoded("LA-Rtd=--;a01001-Rtd=;a01002-Rtd=4x;a01007-Rtd=1e9;a01008-Rtd=12");
    expect(readings).toMatchObject([
      { quantity: "LA", value: null, flag: "no-value" },
      { quantity: "temperature", value: null, flag: "no-value" },
      { quantity: "windDirection", value: 12 },
    ]);
    expect(faults.map(({ code }) => code)).toEqual(["HJ212_FACTOR", "HJ212_FACTOR"]);
  });

  test("a factor that comes twice with different values is not used, and the others are", () => {
    const { readings, faults } = decoded("a01001-Rtd=1;a01001-Rtd=2;a01002-Rtd=40");
    expect(readings).toMatchObject([{ quantity: "humidity" }]);
    expect(faults).toHaveLength(1);
  });

  test("names that stations use for the level are taken for it, and told", () => {
    for (const name of ["La", "NOIS", "B03", "a50001", "Leq"]) {
      const report = decoded(`${name}-Rtd=61.5,${name}-Flag=N`, { ...SETTINGS, levelPeriodS: 1 });
      expect(report.readings, name).toMatchObject([{ kind: "noise", levelDb: 61.5 }]);
      expect(report.deviations, name).toEqual(["noise-alias"]);
      expect(decoded(`${name}-Rtd=61.5`).readings, name).toMatchObject([{ quantity: "LA", value: 61.5 }]);
    }
  });

  test("values of a station whose clock is off keep its time and bear the offset", () => {
    const arrival = { nowMs: NOW, isLive: true, clockOffsetS: -3600 };
    const report = decodeReport(
      parseSegment(segment("DataTime=20160801075900;a01002-Rtd=40,a01002-Flag=M")),
      SETTINGS,
      arrival,
    );
    expect(report.readings).toMatchObject([{ fromMs: NOW - 3_600_000, atMs: NOW, flag: "maintenance clock-3600s" }]);
  });

  test("values from a memory stand at their own time, never at that of their arrival", () => {
    const again = segment(
      "DataTime=20160801075900;LA-Rtd=80.0",
      "QN=20160801075900000;ST=23;CN=2011;PW=1;MN=010000A8900016F000169DC0;Flag=9;RF=1",
    );
    const report = decodeReport(parseSegment(again), SETTINGS, { nowMs: NOW, isLive: false });
    expect(report.readings).toMatchObject([{ atMs: NOW - 3_600_000, isBackfill: true }]);
  });
});

describe("a report of a period", () => {
  test("minute statistics are the station's own, from the start of their period", () => {
    const report = decodeReport(parseSegment(Buffer.from(segmentOf(MINUTES))), SETTINGS, LIVE);
    expect(report.readings).toEqual([
      {
        kind: "noise-period",
        fromMs: Date.UTC(2016, 7, 1, 0, 40),
        toMs: Date.UTC(2016, 7, 1, 0, 50),
        quantity: "LAF",
        statistics: {
          n: 600,
          valid: 600,
          laeqDb: 50,
          lamaxDb: 54,
          laminDb: 42,
          l5Db: 53,
          l10Db: 53,
          l50Db: 49,
          l90Db: 45,
          l95Db: 43,
          sdDb: null,
          selDb: null,
        },
        flags: [],
        isBackfill: false,
        atMs: Date.UTC(2016, 7, 1, 0, 50),
      },
    ]);
  });

  test("a period that the station itself calls invalid has no valid second", () => {
    const head = "QN=20160801085000001;ST=23;CN=2051;PW=123456;MN=010000A8900016F000169DC0;Flag=5";
    const report = decodeReport(
      parseSegment(segment("DataTime=20160801084000;Leq-Data=50.0,Leq-Flag=D;LMx-Data=54.0", head)),
      SETTINGS,
      LIVE,
    );
    expect(report.readings).toMatchObject([{ flags: ["fault"], statistics: { laeqDb: 50, valid: 0 } }]);
  });

  test("hours and days are measurements with from and to; day and night levels keep their half", () => {
    const head = (command: number) =>
      `QN=20160801085000001;ST=23;CN=${command};PW=123456;MN=010000A8900016F000169DC0;Flag=5`;
    const hour = decodeReport(
      parseSegment(segment("DataTime=20160801070000;Leq-Data=50.0;a34002-Avg=60,a34002-Max=90", head(2061))),
      SETTINGS,
      LIVE,
    );
    const fromMs = Date.UTC(2016, 6, 31, 23);
    expect(hour.readings).toMatchObject([
      { quantity: "LAeq", value: 50, fromMs, toMs: fromMs + 3_600_000 },
      { quantity: "PM10", value: 60 },
      { quantity: "PM10.max", value: 90, unit: "µg/m³" },
    ]);
    const day = decodeReport(
      parseSegment(segment("DataTime=20160731000000;Ldn-Data=61.0;L10-DayData=66.0;L10-NightData=52.0", head(2031))),
      SETTINGS,
      LIVE,
    );
    expect(day.readings).toMatchObject([
      { quantity: "Ldn", fromMs: Date.UTC(2016, 6, 30, 16), toMs: Date.UTC(2016, 6, 31, 16) },
      { quantity: "L10.day", value: 66 },
      { quantity: "L10.night", value: 52 },
    ]);
  });

  test("without a DataTime nothing is used", () => {
    expect(() => decodeReport(parseSegment(segment("LA-Rtd=50.0")), SETTINGS, LIVE)).toThrow(/no DataTime/);
    expect(() => decodeReport(parseSegment(segment("DataTime=20160230000000;LA-Rtd=50.0")), SETTINGS, LIVE)).toThrow(
      /20160230/,
    );
  });
});

describe("a data segment", () => {
  test("deviations are named, one by one", () => {
    const head = "ST=23;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=5";
    const named = (text: string) => parseSegment(Buffer.from(text)).deviations;
    const area = "CP=&&DataTime=20160801085857;LA-Rtd=50.1&&";
    expect(named(`QN=20160801085857223CST;${head};${area}`)).toEqual(["odd-qn"]);
    expect(named(`${head};${area}`)).toEqual(["no-qn"]);
    expect(named(`QN=20160801085857223; ${head};${area}`)).toEqual(["space"]);
    expect(named(`QN=20160801085857223;${head};CP=&&DataTime=20160801085857; LA-Rtd=50.1&&`)).toEqual(["space"]);
    expect(named(`QN=20160801085857223;${head};CP=&&DataTime=20160801085857;LA-Rtd=50.1;&&`)).toEqual([
      "trailing-semicolon",
    ]);
    expect(named(`QN=20160801085857223;${head.replace("Flag=5", "Flag=7")};${area}`)).toEqual(["flag-without-pnum"]);
    expect(named(`QN=20160801085857223;${head.replace("010000A8900016F000169DC0", "LD12345")};${area}`)).toEqual([
      "odd-mn",
    ]);
    expect(named(`ST=32;CN=2011;PW=123456;MN=LD130133000015;${area}`)).toEqual(["no-flag", "no-qn"]);
  });

  test("what cannot be understood is refused with what was seen", () => {
    const good = segmentOf(LEVEL);
    const cases: readonly (readonly [string, RegExp])[] = [
      [good.replace("Flag=5", "Flag=13"), /edition 3/],
      [good.replace("Flag=5", "Flag=x"), /Flag is "x"/],
      [good.replace("MN=010000A8900016F000169DC0", "MN="), /MN is ""/],
      [good.replace("ST=23;", ""), /no ST/],
      [good.replace("CN=2011", "CN=20x1"), /CN is/],
      [good.replace("CN=2011", "CN=2011;CN=2051"), /CN comes twice/],
      [good.replace("CP=&&", "CP=&"), /no data area/],
      [good.replace("LA-Rtd=50.1", "LA-Rtd"), /no name=value/],
      [good.replace("Flag=5", "Flag=7;PNUM=2;PNO=3"), /packet 3 of 2/],
      [good.replace("QN=2016", "QN=yesterday2016"), /QN is/],
    ];
    for (const [text, seen] of cases) expect(() => parseSegment(Buffer.from(text)), text).toThrow(seen);
  });

  test("Chinese is read as UTF-8", () => {
    const { fields } = parseSegment(segment("DataTime=20160801085857;i11001-Info=工地噪声"));
    expect(fields.at(-1)).toEqual({ name: "i11001-Info", value: "工地噪声" });
  });
});

describe("messages in pieces", () => {
  const piece = (index: number, area: string, count = 3, mn = "010000A8900016F000169DC0") =>
    parseSegment(segment(area, `QN=20160801085857223;ST=23;CN=2051;PW=1;MN=${mn};Flag=7;PNUM=${count};PNO=${index}`));

  test("are whole once the last packet is there, whatever the order, and a packet that comes again changes nothing", () => {
    const fragments = new Fragments(60_000);
    expect(fragments.add(piece(3, "LMx-Data=54.0"), 0)).toBeUndefined();
    expect(fragments.add(piece(1, "DataTime=20160801084000;Leq-Data=50.0"), 1)).toBeUndefined();
    expect(fragments.add(piece(1, "DataTime=20160801084000;Leq-Data=50.0"), 2)).toBeUndefined();
    const whole = fragments.add(piece(2, "DataTime=20160801084000;L10-Data=53.0"), 3);
    expect(whole?.fields.map(({ name }) => name)).toEqual(["DataTime", "Leq-Data", "L10-Data", "LMx-Data"]);
    expect(whole?.packet).toBeUndefined();
  });

  test("that do not come whole in time are dropped and told", () => {
    const fragments = new Fragments(60_000);
    fragments.add(piece(1, "DataTime=20160801084000"), 0);
    expect(fragments.expire(59_000)).toEqual([]);
    expect(fragments.expire(60_000)).toMatchObject([
      { fault: { code: "HJ212_FRAGMENT", message: expect.stringContaining("1 of 3") } },
    ]);
    expect(fragments.expire(61_000)).toEqual([]);
  });

  test("are bounded in packets and in number", () => {
    const fragments = new Fragments(60_000);
    expect(() => fragments.add(piece(1, "LMx-Data=54.0", 9999), 0)).toThrow(/9999 packets/);
    for (let index = 0; index < 4; index++) fragments.add(piece(1, "LMx-Data=54.0", 2, `MN${index}000`), 0);
    expect(() => fragments.add(piece(1, "LMx-Data=54.0", 2, "MN9000"), 0)).toThrow(/more than 4/);
  });
});

describe("frames of public projects", () => {
  /** What each is, in order: how many values, or the fault and why it is right. */
  const verdicts: readonly (number | string)[] = [
    7,
    "HJ212_CRC", // its author edited the data after the checksum was made
    "HJ212_CRC", // the same: the checksum is that of other data
    "HJ212_CRC",
    7,
    7,
    "HJ212_CRC", // the year was edited; as first published it is good, see below
    9,
    "HJ212_CRC",
    "HJ212_REFUSED", // wrong length, and a DataTime of 16 digits
    5,
    "HJ212_CRC",
    0, // an answer of the centre
    "HJ212_CRC", // a template, filled in later
    0, // a command
    "HJ212_REFUSED", // CRC-16/MODBUS
    "HJ212_REFUSED", // CRC-16/MODBUS
    8,
    "HJ212_REFUSED", // wrong length
    "HJ212_REFUSED", // wrong length, MN "null"
    11,
    12,
    3,
    "HJ212_COMMAND", // 2021, state of equipment: not read
    6,
    "HJ212_CRC",
    "HJ212_REFUSED", // CRC-16/MODBUS
    "HJ212_FIELD", // without an MN
    "HJ212_REFUSED", // wrong length, in three digits
  ];

  test("those that are sound are read; each other one is refused, and why is known", () => {
    expect(PUBLIC).toHaveLength(verdicts.length);
    for (const [index, frame] of PUBLIC.entries()) {
      const found = captured(`${frame}\r\n`);
      const verdict = verdicts[index];
      if (typeof verdict === "number") {
        expect(
          found.filter((item) => "reading" in item),
          frame,
        ).toHaveLength(verdict);
        expect(
          found.filter((item) => "fault" in item),
          frame,
        ).toEqual([]);
      } else {
        expect(found, frame).toEqual([{ fault: verdict }]);
      }
    }
  });

  test("a packet 2 of 2 alone is no message", () => {
    const alone = PUBLIC[6]?.replace("20230327", "20191112") ?? "";
    expect(captured(`${alone}\r\n`)).toEqual([{ fault: "HJ212_FRAGMENT" }]);
  });
});

test("whatever a frame with a right checksum says, decoding gives readings or named faults and invents no number", () => {
  const value = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.double().map(String),
    fc.constantFrom("50.1", "--", "", "NaN", "1e5", "0x10"),
  );
  const name = fc.oneof(
    fc.string({ maxLength: 10 }),
    fc.constantFrom("LA-Rtd", "LA-Flag", "Leq-Data", "DataTime", "a34004-Rtd", "constructor-Rtd", "__proto__-Avg"),
  );
  const fields = fc.array(fc.tuple(name, value), { maxLength: 20 });
  fc.assert(
    fc.property(fields, fc.constantFrom(2011, 2051, 2061, 2031, 9012, 1), fc.nat(300), (pairs, command, flag) => {
      const area = pairs.map(([key, text]) => `${key}=${text}`).join(";");
      const head = `QN=20160801085857223;ST=23;CN=${command};PW=1;MN=MN01;Flag=${flag}`;
      const decoder = hj212Capture.decoder();
      const text = framed(`${head};CP=&&DataTime=20160801085857;${area}&&`);
      for (const item of [...decoder.push(Buffer.from(text)), ...decoder.end()]) {
        if ("fault" in item) {
          expect(item.fault.code).toMatch(/^HJ212_/);
          continue;
        }
        const numbers = JSON.stringify(item.reading).matchAll(/"(?:value|levelDb|laeqDb|lamaxDb)":(-?[0-9.e+-]+)/g);
        for (const [, number] of numbers) {
          expect(pairs.some(([, sent]) => Number(sent.trim()) === Number(number))).toBe(true);
        }
      }
    }),
    { numRuns: 500 },
  );
});
