import { createHash } from "node:crypto";
import { zstdDecompressSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { DICTIONARY_1 } from "../../protocol/dictionary-1.ts";
import { decodeUp, encodeEnvelope } from "../../protocol/envelope.ts";
import { decodeReceiptMessage, encodeReceiptMessage } from "../../protocol/hello.ts";
import { newAlarmId, newRunId } from "../../protocol/new-ids.ts";
import { namesDictionary, type Packing, pack, unpack } from "../../protocol/packing.ts";
import { encodeRecord } from "../../protocol/record-codec.ts";
import type { Receipt } from "../../protocol/session.ts";
import { alarmRecord, noiseRecord } from "./examples.ts";

const KINDS: readonly Packing[] = ["plain", "zstd", "dictionary"];
const receipt: Receipt = {
  v: 1,
  type: "receipt",
  bridge: newRunId(),
  epoch: newRunId(),
  run: newRunId(),
  ranges: [[12, 12]],
  refused: [],
};

test("whatever is packed comes out as it went in, and only a packet that needs the dictionary names it", () => {
  const jsonish = fc.oneof(
    fc.uint8Array({ maxLength: 3000 }),
    fc.json().map((text) => Buffer.from(text)),
  );
  fc.assert(
    fc.property(jsonish, fc.constantFrom(...KINDS), (bytes, packing) => {
      const packed = pack(bytes, packing);
      fc.pre(!(bytes[0] === 0x28 && bytes[1] === 0xb5 && bytes[2] === 0x2f && bytes[3] === 0xfd));
      const back = unpack(packed, 1 << 20);
      if (typeof back === "string") throw new Error(back);
      expect(Buffer.from(back).equals(Buffer.from(bytes))).toBe(true);
      expect(packed.length).toBeLessThanOrEqual(bytes.length);
      expect(namesDictionary(packed)).toBe(packing === "dictionary" && packed !== bytes);
    }),
  );
});

test("a lone minute, a lone alarm and their receipt take about half with the dictionary", () => {
  const run = newRunId();
  const sizes = (item: Uint8Array) =>
    KINDS.map((packing) => encodeEnvelope({ run, head: 9, upMs: 5 }, [item], packing).length);
  const [, zstdMinute = 0, minute = 0] = sizes(encodeRecord(9, noiseRecord(3)));
  const [, zstdAlarm = 0, alarm = 0] = sizes(encodeRecord(9, alarmRecord(newAlarmId(1_790_000_000_000))));
  expect(minute).toBeLessThan(0.7 * zstdMinute);
  expect(alarm).toBeLessThan(0.5 * zstdAlarm);
  expect(encodeReceiptMessage(receipt, "dictionary").length).toBeLessThan(0.7 * encodeReceiptMessage(receipt).length);
  expect(decodeReceiptMessage(encodeReceiptMessage(receipt, "dictionary"))).toEqual(receipt);
});

test("the dictionary that has gone out is the one that every later version has under its number", () => {
  const bytes = Buffer.from(DICTIONARY_1, "base64");
  expect(createHash("sha256").update(bytes).digest("hex")).toBe(
    "34458f79201657637e9320c3708cc141f18ceb8fa4946852cc577dcceb21c9de",
  );
  expect(bytes.readUInt32LE(0)).toBe(0xec30a437);
  expect(bytes.readUInt32LE(4)).toBe(53_761);
});

test("a packet with a dictionary that is not ours is a fault with its hash, and none is readable without", () => {
  const run = newRunId();
  const bytes = Buffer.from(encodeEnvelope({ run, head: 9 }, [encodeRecord(9, noiseRecord(3))], "dictionary"));
  expect(decodeUp(bytes)).toMatchObject({ type: "envelope", hasDictionary: true });
  expect(() => zstdDecompressSync(bytes)).toThrow();
  const at = bytes.indexOf(Buffer.from([53_761 & 0xff, 53_761 >> 8]));
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  expect(decodeUp(bytes)).toMatchObject({ type: "fault", code: "ENVELOPE_CORRUPT" });
});
