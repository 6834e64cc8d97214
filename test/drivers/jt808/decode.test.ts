import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bcdText, readTime, timeBytes } from "../../../drivers/jt808/bcd.ts";
import { Jt808Capture } from "../../../drivers/jt808/capture.ts";
import { decodeFrame, encodeFrame, unescapeBytes } from "../../../drivers/jt808/frame.ts";
import { FrameReader } from "../../../drivers/jt808/frame-reader.ts";
import { gbkBytes, gbkText } from "../../../drivers/jt808/gbk.ts";
import { decodeLocation } from "../../../drivers/jt808/location.ts";
import { decodeAuthentication, decodeRegistration, textBody } from "../../../drivers/jt808/messages.ts";
import { authentication, registration } from "../../../drivers/jt808/simulator.ts";
import { TerminalState } from "../../../drivers/jt808/terminal-state.ts";
import { receivedFrames } from "../../fakes/trace.ts";
import { batchBody, bytesOf, frameOf, locationBody, NOON_MS, PHONE, withBytes } from "./frames.ts";

const [heartbeat, southern, , register2011, authenticate] = [0, 1, 2, 3, 4].map(
  (index) => receivedFrames("jt808/public-frames.trace")[index] ?? new Uint8Array(),
);

function items(...chunks: readonly Uint8Array[]) {
  const capture = new Jt808Capture();
  return [...chunks.flatMap((chunk) => capture.push(chunk)), ...capture.end()];
}
function codes(...chunks: readonly Uint8Array[]): string[] {
  return items(...chunks).map((item) => ("fault" in item ? item.fault.code : Reflect.get(item.reading, "kind")));
}

describe("a frame", () => {
  test("7D 02 is 7E and 7D 01 is 7D", () => {
    expect(unescapeBytes(bytesOf("307d02087d0155"))).toEqual(bytesOf("307e087d55"));
    expect(unescapeBytes(bytesOf("307d03"))).toBeUndefined();
    expect(unescapeBytes(bytesOf("307d"))).toBeUndefined();
  });

  test("a public heartbeat has its number, its phone and no body", () => {
    const [found] = new FrameReader().push(heartbeat ?? new Uint8Array());
    expect(found).toMatchObject({ frame: { messageId: 2, phone: "043048325465", serial: 0xb7, edition: "2013" } });
  });

  test("what was written is read again, in both editions, whole and in parts", () => {
    const anyFrame = fc.record({
      messageId: fc.integer({ min: 0, max: 0xffff }),
      edition: fc.constantFrom("2013" as const, "2019" as const),
      phone: fc.stringMatching(/^[0-9]{12}$/),
      serial: fc.integer({ min: 0, max: 0xffff }),
      body: fc.uint8Array({ maxLength: 1023 }),
    });
    fc.assert(
      fc.property(anyFrame, fc.boolean(), (frame, isPart) => {
        const part = isPart ? { part: { total: 9, index: 3 } } : {};
        const phone = frame.phone.padStart(frame.edition === "2019" ? 20 : 12, "0");
        const [found] = new FrameReader().push(encodeFrame({ ...frame, ...part }));
        expect(found).toEqual({ frame: { ...frame, phone, ...part, isEncrypted: false } });
      }),
    );
  });

  test("split anywhere, joined, or with a shared mark, frames come out the same", () => {
    const whole = [frameOf(0x0200, locationBody()), frameOf(0x0002, new Uint8Array()), frameOf(0x0200, locationBody())];
    const joined = Buffer.concat([...whole.map((one) => one.subarray(0, -1)), Uint8Array.of(0x7e)]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: joined.length }), { maxLength: 20 }), (cuts) => {
        const reader = new FrameReader();
        const edges = [0, ...cuts.toSorted((a, b) => a - b), joined.length];
        const found = edges.slice(1).flatMap((end, index) => reader.push(joined.subarray(edges[index], end)));
        expect(found.map((one) => ("frame" in one ? one.frame.messageId : one.fault.code))).toEqual([0x200, 2, 0x200]);
      }),
    );
  });

  test("noise before it, a flipped bit, and a cut end are told, and the next frame is read", () => {
    const good = frameOf(0x0200, locationBody());
    expect(codes(bytesOf("242400ff"), good)).toEqual(["JT808_NOISE", "position"]);
    expect(codes(withBytes(good, 20, [(good[20] ?? 0) ^ 4]), good)).toEqual(["JT808_CHECKSUM", "position"]);
    expect(codes(good.subarray(0, 30), good)).toEqual(["JT808_CHECKSUM", "position"]);
    expect(codes(good, good.subarray(0, 30))).toEqual(["position", "JT808_CUT"]);
    expect(codes(bytesOf("7e0102037e"), good)).toEqual(["JT808_SHORT", "position"]);
    expect(codes(Uint8Array.from([0x7e, ...new Uint8Array(9000), 0x7e]), good)).toEqual(["JT808_LONG", "position"]);
  });

  test("a body that is not as long as announced is refused with its header, so that it can be answered", () => {
    const body = [0x02, 0x00, 0x00, 0x05, ...bytesOf(PHONE), 0, 7, 1, 2, 3];
    const found = decodeFrame(Uint8Array.from([...body, body.reduce((sum, byte) => sum ^ byte, 0)]));
    expect(found).toMatchObject({
      fault: { code: "JT808_LENGTH" },
      header: { messageId: 0x200, phone: PHONE, serial: 7 },
    });
  });
});

describe("a location", () => {
  test("of a public frame: place, course, time of GMT+8, and items", () => {
    const [item] = items(southern ?? new Uint8Array());
    expect(item).toEqual({
      reading: {
        kind: "position",
        latitudeDeg: 22.609778,
        longitudeDeg: 114.106188,
        altitudeM: 0,
        speedMps: 0,
        bearingDeg: 291,
        fix: "gnss",
        fixAtMs: Date.UTC(2020, 10, 22, 3, 56, 39),
        atMs: Date.UTC(2020, 10, 22, 3, 56, 39),
        subject: { type: "terminal", id: "017051564189" },
      },
    });
  });

  test("south of the equator, with a maker's own bytes behind the standard's", () => {
    const [, , third = new Uint8Array()] = receivedFrames("jt808/public-frames.trace");
    expect(items(third)).toMatchObject([
      { reading: { latitudeDeg: -27.455656, longitudeDeg: 153.029616, bearingDeg: 237 } },
    ]);
    expect(items(third)).toHaveLength(1);
  });

  test("west of Greenwich", () => {
    expect(decodeLocation(locationBody({ longitudeDeg: -43.2, latitudeDeg: -22.9 })).position).toMatchObject({
      latitudeDeg: -22.9,
      longitudeDeg: -43.2,
    });
  });

  test("without a fix there is no position, whatever stands in its fields", () => {
    const body = withBytes(locationBody(), 7, [0x01]);
    expect(decodeLocation(body).position).toBeUndefined();
    expect(codes(frameOf(0x0200, body))).toEqual([]);
  });

  test("coordinates that cannot be, or are encrypted, are told and not plotted", () => {
    const nowhere = frameOf(0x0200, locationBody({ latitudeDeg: 0, longitudeDeg: 0 }));
    expect(codes(nowhere)).toEqual(["JT808_COORDINATES"]);
    expect(codes(frameOf(0x0200, locationBody({ latitudeDeg: 91 })))).toEqual(["JT808_COORDINATES"]);
    expect(codes(frameOf(0x0200, locationBody({ longitudeDeg: 180.1 })))).toEqual(["JT808_COORDINATES"]);
    const encrypted = withBytes(locationBody(), 7, [0b10_0011]);
    expect(codes(frameOf(0x0200, encrypted))).toEqual(["JT808_ENCRYPTED_POSITION"]);
  });

  test("a date that does not exist is told, and the position has no time of its own", () => {
    expect(readTime(bytesOf("260230120000"))).toBeUndefined();
    expect(readTime(bytesOf("26021a120000"))).toBeUndefined();
    const body = withBytes(locationBody(), 22, [0x26, 0x13, 0x45]);
    const [fault, reading] = items(frameOf(0x0200, body));
    expect(fault).toMatchObject({ fault: { code: "JT808_TIME" } });
    expect(reading).not.toHaveProperty("reading.fixAtMs");
  });

  test("time is that of Beijing", () => {
    expect(bcdText(timeBytes(NOON_MS))).toBe("261121120000");
    fc.assert(
      fc.property(fc.integer({ min: Date.UTC(2000, 0, 1, 0) / 1000, max: Date.UTC(2099, 0) / 1000 }), (second) => {
        expect(readTime(timeBytes(second * 1000))).toBe(second * 1000);
      }),
    );
  });

  test("items that end early are told, and the position is used", () => {
    const body = Uint8Array.from([...locationBody().subarray(0, 28), 0x01, 4, 0, 0]);
    expect(codes(frameOf(0x0200, body))).toEqual(["JT808_ITEMS", "position"]);
    expect(codes(frameOf(0x0200, locationBody().subarray(0, 20)))).toEqual(["JT808_BODY"]);
  });

  test("the emergency bit is one emergency as long as it stays, and a new one after it was cleared", () => {
    const report = (alarmBits: number, second: number) =>
      frameOf(0x0200, locationBody({ alarmBits, atMs: NOON_MS + second * 1000 }));
    const kinds = items(...[0, 1, 1, 1, 0, 1].map((bits, index) => report(bits, index)))
      .flatMap((item) => ("reading" in item ? [item.reading] : []))
      .filter((reading) => Reflect.get(reading, "type") === "emergency");
    expect(kinds.map((reading) => Reflect.get(reading, "atMs"))).toEqual([NOON_MS + 1000, NOON_MS + 5000]);
  });

  test("other alarm bits are messages named by what they are, when they begin and when they end", () => {
    const bits = 2 ** 29 + 2 ** 8;
    const said = items(
      frameOf(0x0200, locationBody({ alarmBits: bits })),
      frameOf(0x0200, locationBody({ alarmBits: 2 ** 8, atMs: NOON_MS + 1000 })),
    ).flatMap((item) => ("reading" in item ? (Reflect.get(item.reading, "text") ?? []) : []));
    expect(said).toEqual(["power-cut", "collision", "collision ended"]);
  });
});

test("a field full of ones is no speed, no course and no altitude", () => {
  const { position } = decodeLocation(withBytes(locationBody(), 16, [255, 255, 255, 255, 255, 255]));
  expect(position).toEqual({ latitudeDeg: 39.912, longitudeDeg: 116.456, fix: "gnss" });
});

describe("a call for help is not lost", () => {
  const SOS = decodeLocation(locationBody({ alarmBits: 1 }));
  const QUIET = decodeLocation(locationBody());
  const calls = (readings: readonly object[]) =>
    readings.filter((one) => Reflect.get(one, "type") === "emergency").length;

  test("where an earlier row of kept reports ended with one, or the live report says one of its own", () => {
    const state = new TerminalState();
    state.take(QUIET, NOON_MS);
    expect(calls(state.take(SOS, NOON_MS - 60_000))).toBe(1);
    expect(calls(state.take(SOS, NOON_MS - 50_000))).toBe(0);
    state.take(QUIET, NOON_MS + 3_600_000);
    expect(calls(state.take(SOS, NOON_MS + 1_800_000))).toBe(1);
    expect(calls(state.take(SOS, NOON_MS + 7_200_000))).toBe(1);
    expect(calls(state.take(SOS, NOON_MS + 5_400_000))).toBe(1);
  });

  test("where the bit is still set after a long silence; a short one says nothing new", () => {
    const state = new TerminalState();
    const hear = (upMs: number) => {
      state.heard(upMs);
      return calls(state.take(SOS, NOON_MS + upMs));
    };
    expect([0, 60_000, 8 * 3_600_000].map(hear)).toEqual([1, 0, 1]);
  });
});

describe("a batch", () => {
  test("gives each of its locations, and a kept one that comes late ends no alarm", () => {
    const kept = [0, 1, 2].map((minute) =>
      locationBody({ alarmBits: minute === 1 ? 0b1001 : 0, atMs: NOON_MS + minute * 60_000 }),
    );
    const live = frameOf(0x0200, locationBody({ alarmBits: 2, atMs: NOON_MS + 600_000 }));
    const said = items(live, frameOf(0x0704, batchBody(1, kept)));
    expect(
      said.map(
        (item) => "reading" in item && (Reflect.get(item.reading, "text") ?? Reflect.get(item.reading, "type") ?? "at"),
      ),
    ).toEqual(["at", "overspeed", "at", "at", "emergency", "danger", "at"]);
  });

  test("that is cut gives what is whole, and says so", () => {
    const body = batchBody(0, [locationBody(), locationBody({ atMs: NOON_MS + 1000 })]).subarray(0, -5);
    expect(codes(frameOf(0x0704, body))).toEqual(["position", "JT808_BODY"]);
  });
});

describe("parts", () => {
  const body = batchBody(
    0,
    [0, 1, 2].map((second) => locationBody({ atMs: NOON_MS + second * 1000 })),
  );
  const part = (index: number, total = 3) =>
    frameOf(0x0704, body.subarray((index - 1) * 50, index === 3 ? undefined : index * 50), {
      part: { total, index },
      serial: 100 + index,
    });

  test("in any order, with other messages between them, make one message", () => {
    const other = frameOf(0x0200, locationBody({ atMs: NOON_MS - 1000 }));
    expect(codes(part(3), other, part(1), part(1), part(2))).toEqual(["position", "position", "position", "position"]);
  });

  test("that never come, or cannot be, are told", () => {
    expect(codes(part(1), part(2))).toEqual(["JT808_PARTS"]);
    expect(codes(part(1, 999))).toEqual(["JT808_PARTS"]);
    const many = [0, 1, 2, 3, 4, 5].map((n) =>
      frameOf(0x0704, body.subarray(0, 50), { part: { total: 2, index: 1 }, serial: n * 10 }),
    );
    expect(codes(...many)).toHaveLength(6);
  });
});

describe("messages", () => {
  test("a registration of 2011, 2013 and 2019 tells the plate", () => {
    const [found] = new FrameReader().push(register2011 ?? new Uint8Array());
    if (found === undefined || !("frame" in found)) throw new Error("no frame");
    expect(decodeRegistration(found.frame.body, "2013")).toMatchObject({ maker: "70107", plate: "苏BA6860" });
    for (const edition of ["2013", "2019"] as const) {
      expect(decodeRegistration(registration("京A12345", edition), edition)).toEqual({
        maker: "SHAO",
        model: "SIM-1",
        terminal: "0000001",
        plate: "京A12345",
      });
    }
  });

  test("an authentication tells its code", () => {
    const [found] = new FrameReader().push(authenticate ?? new Uint8Array());
    if (found === undefined || !("frame" in found)) throw new Error("no frame");
    expect(decodeAuthentication(found.frame.body, "2013")).toBe("authentication");
    expect(decodeAuthentication(authentication(Buffer.from("abc"), "2019"), "2019")).toBe("abc");
  });

  test("Chinese text is GBK, and what GBK does not have is refused instead of replaced", () => {
    expect(Buffer.from(gbkBytes("请速到光华路7号")).toString("hex")).toBe("c7ebcbd9b5bdb9e2bbaac2b737bac5");
    expect(gbkText(gbkBytes("城管执法"))).toBe("城管执法");
    expect(() => gbkBytes("到了😀")).toThrow(expect.objectContaining({ code: "JT808_TEXT" }));
    expect(Buffer.from(textBody("到", "2013", true)).toString("hex")).toBe("0db5bd");
    expect(Buffer.from(textBody("到", "2019", false)).toString("hex")).toBe("0f01b5bd");
    expect(() => textBody("到".repeat(600), "2013", false)).toThrow(expect.objectContaining({ code: "JT808_TEXT" }));
  });
});

describe("whatever bytes come", () => {
  const good = [frameOf(0x0200, locationBody()), frameOf(0x0704, batchBody(1, [locationBody(), locationBody()]))];
  const mutated = fc
    .tuple(fc.constantFrom(...good), fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 6 }), fc.nat(120))
    .map(([frame, changes, keep]) => {
      const bytes = Uint8Array.from(frame);
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
      return bytes.subarray(0, bytes.length - (keep % 40));
    });
  const resealed = fc
    .tuple(fc.constantFrom(0x0200, 0x0201, 0x0704, 0x0100, 0x0102), fc.uint8Array({ maxLength: 1000 }))
    .map(([id, body]) => frameOf(id, body));
  const anything = fc.array(fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated, resealed), { maxLength: 8 });

  test("random, truncated, mutated or sealed anew: no throw, and every position is on earth", () => {
    fc.assert(
      fc.property(anything, (chunks) => {
        for (const item of items(...chunks)) {
          if (!("reading" in item) || Reflect.get(item.reading, "kind") !== "position") continue;
          expect(Math.abs(Number(Reflect.get(item.reading, "latitudeDeg")))).toBeLessThanOrEqual(90);
          expect(Math.abs(Number(Reflect.get(item.reading, "longitudeDeg")))).toBeLessThanOrEqual(180);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test("a giant stream without a mark, or of marks only, holds no memory", () => {
    const reader = new FrameReader();
    const chunk = new Uint8Array(1 << 20).fill(0x31);
    for (let turn = 0; turn < 20; turn++) expect(reader.push(chunk)).toEqual([]);
    expect(reader.push(new Uint8Array(1 << 20).fill(0x7e))).toHaveLength(1);
  });
});
