import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { crc212, crcModbus } from "../../../drivers/hj212/crc.ts";
import { DEVIATION_NAMES, TOLERATED_BY_DEFAULT } from "../../../drivers/hj212/deviations.ts";
import { FrameReader } from "../../../drivers/hj212/framing.ts";
import { framed, LEVEL, MINUTES, read, STANDARD, segmentOf } from "./rig.ts";

const level = segmentOf(LEVEL);
const minutes = segmentOf(MINUTES);

function faultsOf(chunks: readonly string[], tolerate = TOLERATED_BY_DEFAULT) {
  const reader = new FrameReader(tolerate);
  const found = [...chunks.flatMap((chunk) => reader.push(Buffer.from(chunk))), ...reader.end()];
  return found.flatMap((item) => ("fault" in item ? [item.fault] : []));
}

describe("the standard's checksum", () => {
  test("is its own variant, not MODBUS", () => {
    expect(crc212(Buffer.from("123456789")).toString(16)).toBe("2f80");
    expect(crc212(Buffer.from("")).toString(16)).toBe("ffff");
    expect(crcModbus(Buffer.from("123456789")).toString(16)).toBe("4b37");
  });

  test("cannot tell 50.1 from 55.0 dB, so nothing may rest on it alone", () => {
    expect(crc212(Buffer.from(level))).toBe(crc212(Buffer.from(level.replace("50.1", "55.0"))));
  });
});

describe("a stream of frames", () => {
  test("every frame that the standard prints is read", () => {
    expect(read(STANDARD.map((frame) => `${frame}\r\n`))).toEqual(STANDARD.map(segmentOf));
  });

  test("a frame that comes byte by byte is one frame", () => {
    expect(read([...`${LEVEL}\r\n`])).toEqual([level]);
  });

  test("frames that come in one piece are told apart, with and without a line end between them", () => {
    expect(read([`${LEVEL}\r\n${MINUTES}\r\n${LEVEL}\r\n`])).toEqual([level, minutes, level]);
    expect(read([`${LEVEL}${MINUTES}`])).toEqual([level, minutes]);
  });

  test("noise before a frame, even with # in it, does not cost the frame", () => {
    expect(read([`\x00\xff#x\r\n##ab ###${LEVEL.slice(2)}\r\n`])).toEqual([level]);
  });

  test("much noise is said once, not byte by byte", () => {
    expect(read(["x".repeat(300), `${LEVEL}\r\n`])).toEqual(["HJ212_FRAMING", level]);
  });

  test("a flipped bit in the data costs that frame alone, by name", () => {
    const spoilt = LEVEL.replace("LA-Rtd", "LB-Rtd");
    expect(read([`${spoilt}\r\n${MINUTES}\r\n`])).toEqual(["HJ212_CRC", minutes]);
    expect(faultsOf([`${spoilt}\r\n`])[0]?.message).toMatch(/^wrong-crc: the frame says 0880, its bytes give /);
  });

  test("a flipped bit in the length costs that frame alone", () => {
    expect(read([`${LEVEL.replace("##0122", "##0522")}\r\n${MINUTES}\r\n${LEVEL}\r\n`])).toEqual([
      "HJ212_REFUSED",
      minutes,
      level,
    ]);
  });

  test("a frame that breaks off costs that frame alone, with a line end after it or not", () => {
    for (const cut of [`${LEVEL.slice(0, 60)}\r\n`, LEVEL.slice(0, 60), LEVEL.slice(0, 126)]) {
      expect(read([`${cut}${MINUTES}\r\n`])).toEqual(["HJ212_FRAMING", minutes]);
    }
    expect(read([LEVEL.slice(0, 60)])).toEqual(["HJ212_FRAMING"]);
  });

  test("a frame whose end never comes is given up, and what follows is read", () => {
    const reader = new FrameReader(TOLERATED_BY_DEFAULT);
    const endless = [`##9999${"x".repeat(30_000)}`, "y".repeat(30_000)].flatMap((chunk) =>
      reader.push(Buffer.from(chunk)),
    );
    expect(endless.every((item) => "fault" in item)).toBe(true);
    expect(reader.heldBytes).toBeLessThan(10_100);
    expect(reader.push(Buffer.from(`\r\n${LEVEL}\r\n`)).some((item) => "frame" in item)).toBe(true);
  });

  test("a checksum that is cut off at the end of a capture is not taken for a short one", () => {
    expect(read([LEVEL.slice(0, -2)])).toEqual(["HJ212_REFUSED"]);
  });

  test("a frame that lacks only its line end is taken once the line is quiet", () => {
    const reader = new FrameReader(TOLERATED_BY_DEFAULT);
    expect(reader.push(Buffer.from(LEVEL))).toEqual([]);
    expect(reader.awaitsLineEnd).toBe(true);
    expect(reader.settle()).toMatchObject([{ frame: { deviations: ["no-line-end"] } }]);
    expect(reader.push(Buffer.from(`\r\n${LEVEL}\r\n`))).toMatchObject([{ frame: { deviations: [] } }]);
  });

  test("a data area that is split right behind CP=&& is not taken for a frame when the line is quiet", () => {
    const reader = new FrameReader(DEVIATION_NAMES);
    reader.push(Buffer.from(LEVEL.slice(0, LEVEL.indexOf("CP=&&") + 5)));
    expect(reader.settle()).toEqual([]);
    expect(reader.push(Buffer.from(`${LEVEL.slice(LEVEL.indexOf("CP=&&") + 5)}\r\n`))).toHaveLength(1);
  });
});

describe("deviations of frames, each by name", () => {
  const modbus = crcModbus(Buffer.from(level)).toString(16).toUpperCase().padStart(4, "0");
  const small = framed("ST=23;CN=2011;PW=1;MN=1234567;Flag=4;CP=&&DataTime=20160801085857;LA-Rtd=51.8&&");
  const cases = [
    ["lower-case-crc", `${small.slice(0, -6)}${small.slice(-6, -2).toLowerCase()}\r\n`],
    ["lf-only", `${LEVEL}\n`],
    ["no-line-end", LEVEL],
    ["missing-crc", `${LEVEL.slice(0, -4)}\r\n`],
    ["short-crc", `${LEVEL.slice(0, -4)}880\r\n`],
    ["modbus-crc", `${LEVEL.slice(0, -4)}${modbus}\r\n`],
    ["wrong-crc", `${LEVEL.slice(0, -4)}1234\r\n`],
    ["wrong-length", `##0120${LEVEL.slice(6)}\r\n`],
    ["wrong-length", `##122${LEVEL.slice(6)}\r\n`],
  ] as const;

  test("each is read where it is tolerated and refused by its name where it is not", () => {
    expect(small.slice(-6, -2)).toMatch(/[A-F]/);
    for (const [name, frame] of cases) {
      const reader = new FrameReader([name, "lower-case-crc"]);
      const found = [...reader.push(Buffer.from(frame)), ...reader.end()];
      expect(found, name).toMatchObject([{ frame: { deviations: expect.arrayContaining([name]) } }]);
      const [fault, ...more] = faultsOf([frame], []);
      expect(more, name).toEqual([]);
      expect(fault?.message, name).toContain(name);
    }
  });

  test("by default no frame with a doubtful checksum or length is read", () => {
    expect(DEVIATION_NAMES.filter((name) => !TOLERATED_BY_DEFAULT.includes(name))).toEqual([
      "short-crc",
      "missing-crc",
      "modbus-crc",
      "wrong-crc",
      "wrong-length",
    ]);
  });

  test("a data area enciphered with SM4 is refused by name, whatever its bytes", () => {
    const plain = "QN=20260801085857223;ST=23;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&";
    const cipher = Uint8Array.from({ length: 32 }, (_, index) => (index * 71 + 10) & 0xff);
    const segment = Buffer.concat([Buffer.from(plain), cipher, Buffer.from("=N&&")]);
    const frame = Buffer.concat([
      Buffer.from(`##${String(segment.length).padStart(4, "0")}`),
      segment,
      Buffer.from("1C80\r\n"),
    ]);
    for (const chunks of [[frame], [...frame].map((byte) => Uint8Array.of(byte))]) {
      expect(read([...chunks, `${LEVEL}\r\n`])).toEqual(["HJ212_ENCRYPTED", level]);
    }
  });
});

describe("whatever comes", () => {
  const pieces = fc.array(
    fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      fc.constantFrom(...STANDARD.map((frame) => Buffer.from(`${frame}\r\n`))),
      fc.nat(LEVEL.length).map((cut) => Buffer.from(LEVEL.slice(0, cut))),
      fc.constantFrom("##", "##9999", "&&", "\r\n", "##0000", "##0002&&", "####").map((text) => Buffer.from(text)),
    ),
    { maxLength: 30 },
  );

  test("the reader never throws, holds little, and invents no frame", () => {
    fc.assert(
      fc.property(pieces, (chunks) => {
        const reader = new FrameReader(TOLERATED_BY_DEFAULT);
        const all = Buffer.concat(chunks).toString("latin1");
        const found = [...chunks.flatMap((chunk) => reader.push(chunk)), ...reader.end()];
        expect(reader.heldBytes).toBeLessThan(10_100);
        for (const item of found) {
          if (!("frame" in item)) continue;
          const text = Buffer.from(item.frame.segment).toString("latin1");
          expect(all).toContain(`##${String(text.length).padStart(4, "0")}${text}`);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("how the stream is cut changes nothing", () => {
    const stream = Buffer.from(`x${LEVEL}\r\n##12${MINUTES}\r\n${LEVEL.slice(0, 50)}${MINUTES}\r\n${LEVEL}\r\n`);
    const whole = read([stream]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 80 }), (sizes) => {
        const chunks: Uint8Array[] = [];
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1;
          chunks.push(stream.subarray(at, at + size));
          at += size;
        }
        expect(read(chunks)).toEqual(whole);
      }),
      { numRuns: 200 },
    );
  });
});
