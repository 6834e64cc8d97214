import fc from "fast-check";
import { expect, test } from "vitest";
import {
  decodeLivePart,
  encodeLivePart,
  LIVE_HEAD_BYTES,
  LiveAssembler,
  LiveGate,
  type LiveMessage,
} from "../../protocol/live-video.ts";

const message = (seq: number, isKey: boolean, body: Uint8Array = new Uint8Array([seq])): LiveMessage => ({
  ...{ kind: "fragment", seq, atMs: 1_700_000_000_000 + seq, isKey, body },
});

function partsOf(whole: LiveMessage, maxBytes: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < whole.body.length; ) {
    const part = encodeLivePart(whole, at, maxBytes);
    parts.push(part);
    at += part.length - LIVE_HEAD_BYTES;
  }
  return parts;
}

test("a message in parts of whatever size is the message again, and one that lost a part does not come", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 300 }),
      fc.integer({ min: LIVE_HEAD_BYTES + 1, max: 200 }),
      fc.integer({ min: 0, max: 299 }),
      (body, maxBytes, lostAt) => {
        const whole = message(7, true, body);
        const parts = partsOf(whole, maxBytes);
        const push = (assembler: LiveAssembler, bytes: readonly Uint8Array[]) =>
          bytes.flatMap((part) => {
            const decoded = decodeLivePart(part);
            return decoded === undefined ? [] : (assembler.push(decoded) ?? []);
          });
        const assembler = new LiveAssembler();
        expect(push(assembler, parts)).toEqual([whole]);
        const lost = lostAt % parts.length;
        expect(push(assembler, [...parts.slice(0, lost), ...parts.slice(lost + 1)])).toEqual([]);
        // What follows is not harmed by it.
        expect(push(assembler, partsOf(message(8, false, body), maxBytes))).toHaveLength(1);
      },
    ),
  );
});

test("a part that comes twice, or instead of another, makes no message of its own", () => {
  const whole = message(
    7,
    true,
    new Uint8Array(30).map((_, at) => at),
  );
  const [first, second, third] = partsOf(whole, LIVE_HEAD_BYTES + 10).map(decodeLivePart);
  if (first === undefined || second === undefined || third === undefined) throw new Error("not three parts");
  const push = (...parts: (typeof first)[]) => {
    const assembler = new LiveAssembler();
    return parts.flatMap((part) => assembler.push(part) ?? []);
  };
  expect(push(first, second, second)).toEqual([]);
  expect(push(first, third, second)).toEqual([]);
  expect(push(second, third)).toEqual([]);
  expect(push(first, first, second, third)).toEqual([whole]);
});

test("what is no part of live video is none, whatever it is", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (bytes, hasMagic) => {
      if (hasMagic && bytes.length >= 4) bytes.set([0x53, 0x48, 0x56, 0x31]);
      const part = decodeLivePart(bytes);
      if (part !== undefined) expect(part.offset + part.bytes.length).toBeLessThanOrEqual(part.totalBytes);
    }),
  );
  const good = encodeLivePart(message(1, true));
  expect(decodeLivePart(good.subarray(0, LIVE_HEAD_BYTES - 1))).toBeUndefined();
  expect(decodeLivePart(Uint8Array.of(0x00, ...good.subarray(1)))).toBeUndefined();
  expect(decodeLivePart(Uint8Array.of(...good, 1))).toBeUndefined();
});

test("a viewer begins with a whole picture, and after a gap or a pause of its own gets the next one first", () => {
  const gate = new LiveGate();
  const seen: number[] = [];
  const give = (seq: number, isKey: boolean, hasRoom = true) => {
    if (gate.admits(message(seq, isKey), hasRoom)) seen.push(seq);
  };
  give(1, false);
  give(2, true);
  give(3, false);
  give(4, false, false);
  give(5, false);
  give(6, true);
  // 7 was lost on the way.
  give(8, false);
  give(9, true, false);
  give(10, false);
  give(11, true);
  expect(seen).toEqual([2, 3, 6, 11]);
  expect(gate.admits({ ...message(12, false), kind: "header" }, false)).toBe(true);
  expect(gate.admits(message(12, false), true)).toBe(false);
});
