import fc from "fast-check";
import { expect, test } from "vitest";
import { DriverError } from "../../../drivers/errors.ts";
import { tetraCapture } from "../../../drivers/tetra-pei/capture.ts";
import { TextJoiner } from "../../../drivers/tetra-pei/concatenation.ts";
import { decodeSds, encodeReport, encodeTextMessages, type TextPart } from "../../../drivers/tetra-pei/sds.ts";
import { CODING, decodeText, splitText } from "../../../drivers/tetra-pei/sds-text.ts";
import { receivedLines } from "../../fakes/trace.ts";

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const CHINESE = "光华路工地夜间施工噪声超标，请第三巡查组立即前往处置。";

function textOf(hex: string): string {
  const content = decodeSds(12, bytesOf(hex));
  return content.kind === "text" ? decodeText(content.coding, content.bytes) : content.kind;
}

/** A long text as its receiver puts it together. */
function received(messages: readonly { readonly bytes: Uint8Array }[]): string[] {
  const joiner = new TextJoiner(60_000);
  return messages.flatMap(({ bytes }) => {
    const content = decodeSds(12, bytes);
    return content.kind === "text" ? joiner.add("1>2", content, 0).map(({ text }) => text) : [];
  });
}

test("every published message is read as its source says", () => {
  const decoder = tetraCapture.decoder();
  const session = receivedLines("tetra-pei/pei-messages.trace")
    .map((line) => line.replace(" | ", "\r\n"))
    .join("\r\n\r\nOK\r\n");
  const items = [...decoder.push(Buffer.from(`${session}\r\n`)), ...decoder.end()];
  const told = items.map((item) => {
    if ("fault" in item) return item.fault.code;
    const reading = item.reading as { kind: string; text?: string; statusCode?: number; reason?: number };
    return reading.text ?? reading.statusCode ?? `${reading.kind} ${reading.reason}`;
  });
  expect(told).toEqual([
    32772,
    "testmessage",
    "testmessage",
    "testmessage",
    "testmessagetestmessage",
    "testmessage",
    "Gjatjajgja",
    "position 129",
    "position 22",
    "position 129",
    "position 129",
  ]);
});

test("a session that comes byte by byte, with noise and answers between, says the same", () => {
  const session = `x\u0000\r\n+CREG: 1,1,1\r\n+CTSDSR: 13,1234567,0,2345678,0,16\r\nOK\r\n8004\r\n}{~\r\n+CTSDSR: 12,1,0,2,0,104\r\n0201746573746D657373616765\r\n`;
  const whole = tetraCapture.decoder();
  const pieces = tetraCapture.decoder();
  const expected = [...whole.push(Buffer.from(session)), ...whole.end()];
  const found = [...Buffer.from(session)].flatMap((byte) => [...pieces.push(Uint8Array.of(byte))]);
  expect([...found, ...pieces.end()]).toEqual(expected);
  expect(expected).toHaveLength(2);
});

test("a message is read whether it follows its header on the next line or on the same one, of four digits of bits too", () => {
  const [long] = encodeTextMessages("x".repeat(136), 1, "none", 1120);
  const hex = Buffer.from(long?.bytes ?? []).toString("hex");
  const header = "+CTSDSR: 12,23404,0,23401,0,1120";
  for (const between of ["\r\n", "\r\n\r\n", ",", ", ", "   ", ",0\r\n"]) {
    const decoder = tetraCapture.decoder();
    const items = [...decoder.push(Buffer.from(`${header}${between}${hex}\r\n`)), ...decoder.end()];
    expect(items, JSON.stringify(between)).toMatchObject([{ reading: { text: "x".repeat(136) } }]);
  }
});

test("damage is named: a cut message, a header without one, a header of nonsense, a foreign protocol", () => {
  const codes = (session: string): string[] => {
    const decoder = tetraCapture.decoder();
    const items = [...decoder.push(Buffer.from(session)), ...decoder.end()];
    return items.map((item) => ("fault" in item ? item.fault.code : "reading"));
  };
  expect(codes("+CTSDSR: 12,1,0,2,0,104\r\n02017465\r\n")).toEqual(["PEI_MESSAGE_DAMAGED"]);
  expect(codes("+CTSDSR: 12,1,0,2,0,104\r\n+CTSDSR: 13,1,0,2,0,16\r\n8004\r\n")).toEqual([
    "PEI_MESSAGE_DAMAGED",
    "reading",
  ]);
  expect(codes("+CTSDSR: 12,1,0,2,0,104\r\n")).toEqual(["PEI_MESSAGE_DAMAGED"]);
  expect(codes("+CTSDSR: twelve\r\n")).toEqual(["PEI_MESSAGE_DAMAGED"]);
  expect(codes("+CTSDSR: 12,1,0,2,0,99999\r\n")).toEqual(["PEI_MESSAGE_DAMAGED"]);
  expect(codes("+CTSDSR: 12,1,0,2,0,16\r\nC001\r\n")).toEqual(["SDS_UNSUPPORTED"]);
  expect(codes("+CTSDSR: 12,1,0,2,0,16\r\n8200\r\n")).toEqual(["SDS_TRUNCATED"]);
  expect(codes(`${"A".repeat(10_000)}\r\n`)).toEqual(["PEI_LINE_TOO_LONG"]);
  expect(codes("+CTSDSR: 12,1,0,2,0,24\r\n02197A\r\n")).toEqual(["SDS_TEXT_CODING"]);
  expect(codes("+CTSDSR: 12,1,0,2,0,24\r\n021A4E\r\n")).toEqual(["SDS_TEXT_BROKEN"]);
});

test("a status, and a report in the form of a status", () => {
  expect(decodeSds(13, bytesOf("8004"))).toEqual({ kind: "status", code: 0x8004 });
  expect(decodeSds(13, bytesOf("7ECA"))).toMatchObject({ kind: "delivery", outcome: "received", reference: 0xca });
  expect(decodeSds(13, bytesOf("7FCA"))).toMatchObject({ kind: "delivery", outcome: "consumed", reference: 0xca });
  expect(decodeSds(13, bytesOf("7CCA"))).toMatchObject({ kind: "delivery", outcome: "failed" });
  expect(decodeSds(13, bytesOf("7ACA"))).toEqual({ kind: "status", code: 0x7aca });
});

test("what its sender wants to hear of a text, and the report that says it", () => {
  expect(decodeSds(12, bytesOf("82040801476A61746A616A676A61"))).toMatchObject({
    report: { protocol: 0x82, reference: 8, wants: ["received"] },
  });
  expect(decodeSds(12, bytesOf("820C080141"))).toMatchObject({ report: { wants: ["received", "consumed"] } });
  expect(decodeSds(12, bytesOf("8202080141"))).not.toHaveProperty("report");
  expect(Buffer.from(encodeReport(0x82, "received", 0xc9)).toString("hex")).toBe("821000c9");
  expect(decodeSds(12, encodeReport(0x82, "consumed", 7))).toMatchObject({ outcome: "consumed", reference: 7 });
  expect(decodeSds(12, bytesOf("82104BC9"))).toMatchObject({ kind: "delivery", outcome: "failed", status: 0x4b });
  expect(decodeSds(12, bytesOf("821021C9"))).toMatchObject({ outcome: "pending" });
});

test("store-and-forward addresses of every kind are passed over, and the text after them is read", () => {
  for (const forward of ["2800", "29010203", "2A010203040506", "2B03012300", "2F"]) {
    const address = forward === "2B03012300" ? "2B030123" : forward;
    expect(textOf(`82039C${address}0141`), forward).toBe("A");
  }
});

test("Chinese goes out as UTF-16, what ISO 8859-1 has as that, and both come back as they were", () => {
  const [chinese] = encodeTextMessages("前往 3 号", 0x9c, "received", 1120);
  expect(Buffer.from(chinese?.bytes ?? []).toString("hex")).toBe("82069c1a524d5f8000200033002053f7");
  const [latin] = encodeTextMessages("Grüße 70 dB(A)", 1, "none", 1120);
  expect(latin?.bytes[3]).toBe(CODING.latin1);
  for (const text of ["前往 3 号", "Grüße 70 dB(A)", "ÿ\u0000\u007f", "混合 text ñ", "𠮷野家 👮🏽"]) {
    expect(received(encodeTextMessages(text, 1, "none", 1120))).toEqual([text]);
  }
});

test("texts of other alphabets and of the 7-bit alphabet are read", () => {
  expect(decodeText(0x02, bytesOf("a9"))).toBe("Š");
  expect(decodeText(0x05, bytesOf("bfe0"))).toBe("Пр");
  expect(decodeText(0x00, bytesOf("d4f29c0e"))).toBe("Test");
  expect(decodeText(0x00, bytesOf("9b32"))).toBe("€");
  expect(decodeText(0x00, bytesOf("e8329bfd4697d9ec37"))).toBe("hellohello");
  expect(decodeText(0x00, bytesOf("e8329bfd469701"))).toBe("hellohe");
});

test("a long text is cut between characters, in parts that each fit, and is whole again at the receiver", () => {
  const text = `${CHINESE.repeat(12)}𠮷👮🏽${"Ωmega ".repeat(30)}`;
  const messages = encodeTextMessages(text, 0xf8, "received", 1120);
  expect(messages.length).toBe(8);
  for (const { bytes } of messages) expect(bytes.length * 8).toBeLessThanOrEqual(1120);
  expect(messages.map(({ reference }) => reference).slice(-2)).toEqual([0xfe, 0xff]);
  expect(received(messages)).toEqual([text]);
  expect(received(messages.toReversed())).toEqual([text]);
});

test("no part ever holds half a character, whatever the text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 400 }), fc.integer({ min: 256, max: 2047 }), (text, bits) => {
      const messages = encodeTextMessages(text, 0, "none", bits);
      expect(received(messages)).toEqual([text]);
      for (const { bytes } of messages) {
        expect(bytes.length * 8).toBeLessThanOrEqual(bits);
        const content = decodeSds(12, bytes) as TextPart;
        expect(decodeText(content.coding, content.bytes).isWellFormed()).toBe(true);
      }
    }),
    { numRuns: 300 },
  );
  expect(splitText(CODING.utf16, "👨‍👩‍👧‍👦👨‍👩‍👧‍👦", 12).join("")).toBe("👨‍👩‍👧‍👦👨‍👩‍👧‍👦");
});

function part(number: number, total: number, reference = 1, text = `<${number}>`): TextPart {
  const [message] = encodeTextMessages(text, 0, "none", 2047);
  const content = decodeSds(12, message?.bytes ?? new Uint8Array()) as TextPart;
  return { ...content, part: { reference: String(reference), total, number } };
}

test("parts of two senders with one reference do not mix, and a part that comes twice counts once", () => {
  const joiner = new TextJoiner(60_000);
  expect(joiner.add("1>9", part(1, 2), 0)).toEqual([]);
  expect(joiner.add("2>9", part(2, 2), 0)).toEqual([]);
  expect(joiner.add("1>9", part(1, 2), 0)).toEqual([]);
  expect(joiner.add("2>9", part(1, 2), 0).map(({ key, text }) => [key, text])).toEqual([["2>9", "<1><2>"]]);
  expect(joiner.add("1>9", part(2, 2), 0).map(({ key, text }) => [key, text])).toEqual([["1>9", "<1><2>"]]);
});

test("what did not come in time is named, and what came is not lost", () => {
  const joiner = new TextJoiner(60_000);
  joiner.add("1>9", part(1, 4), 0);
  joiner.add("1>9", part(4, 4), 30_000);
  expect(joiner.due(59_999)).toEqual([]);
  const [late] = joiner.due(60_000);
  expect(late?.text).toBe("<1>[…]<4>");
  expect(late?.fault?.code).toBe("SDS_PARTS_MISSING");
  expect(late?.fault?.message).toContain("2, 3");
  expect(joiner.due(120_000)).toEqual([]);
});

test("a flood of first parts stays bounded: the oldest gives way and is told", () => {
  const joiner = new TextJoiner(60_000);
  const told = Array.from({ length: 1000 }, (_, index) => joiner.add(`${index}>9`, part(1, 2), 0)).flat();
  expect(told).toHaveLength(1000 - 64);
  expect(told[0]).toMatchObject({ key: "0>9", text: "<1>[…]" });
});

test("a text beyond what a record holds is cut and flagged", () => {
  const joiner = new TextJoiner(60_000);
  const pieces = [1, 2, 3].map(() => Uint8Array.from(Buffer.alloc(800, "x")));
  const coded = { kind: "text", coding: CODING.latin1 } as const;
  const told = pieces.flatMap((bytes, index) =>
    joiner.add("1>9", { ...coded, bytes, part: { reference: "1", total: 3, number: index + 1 } }, 0),
  );
  expect(told[0]?.text).toHaveLength(2000);
  expect(told[0]?.fault?.code).toBe("SDS_TEXT_TOO_LONG");
});

test("whatever a radio sends, whole, cut, changed or giant: readings or named faults, in bounded time", () => {
  const message = fc
    .tuple(
      fc.constantFrom("12", "13", "", "9", "77"),
      fc.uint8Array({ maxLength: 80 }),
      fc.integer({ min: -5, max: 5 }),
    )
    .map(([service, bytes, off]) => {
      const hex = Buffer.from(bytes).toString("hex");
      return `+CTSDSR: ${service},1234567,0,2345678,0,${bytes.length * 8 + off}\r\n${hex}\r\n`;
    });
  const known = fc.constantFrom(...receivedLines("tetra-pei/pei-messages.trace")).chain((line) => {
    const text = `${line.replace(" | ", "\r\n")}\r\n`;
    return fc
      .tuple(fc.nat(text.length - 1), fc.integer({ min: 0, max: 255 }), fc.boolean())
      .map(([place, byte, isCut]) => {
        const changed = `${text.slice(0, place)}${String.fromCharCode(byte)}${text.slice(place + 1)}`;
        return isCut ? text.slice(0, place) : changed;
      });
  });
  const anything = fc.oneof(message, known, fc.string({ maxLength: 200 }), fc.constant("9".repeat(9000)));
  fc.assert(
    fc.property(fc.array(anything, { maxLength: 12 }), (pieces) => {
      const decoder = tetraCapture.decoder();
      const bytes = Uint8Array.from(Buffer.from(pieces.join(""), "latin1"));
      for (const item of [...decoder.push(bytes), ...decoder.end()]) {
        if ("fault" in item) expect(item.fault).toBeInstanceOf(DriverError);
        else expect(item.reading).toHaveProperty("kind");
      }
    }),
    { numRuns: 1500 },
  );
});
