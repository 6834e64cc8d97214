import fc from "fast-check";
import { expect, test } from "vitest";
import { FrameGuard } from "../../../cloud-bridge/broker/frame-guard.ts";

/** One packet of `length` bytes after its header. */
function packet(length: number, type = 0x30): Buffer {
  const header = [type];
  let left = length;
  do {
    header.push((left % 128) + (left >= 128 ? 0x80 : 0));
    left = Math.floor(left / 128);
  } while (left > 0);
  return Buffer.concat([Buffer.from(header), Buffer.alloc(length, 0xff)]);
}

test("packets within the limit pass, however they are cut into chunks", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 1021 }), { minLength: 1, maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 50 }),
      (lengths, cuts) => {
        const guard = new FrameGuard(1024);
        const bytes = Buffer.concat(lengths.map((length) => packet(length)));
        let at = 0;
        for (let i = 0; at < bytes.length; i += 1) {
          const next = at + (cuts[i % cuts.length] ?? 1);
          expect(guard.feed(bytes.subarray(at, next))).toBeUndefined();
          at = next;
        }
      },
    ),
  );
});

test("a packet over the limit is refused from its header alone", () => {
  const header = packet(60 * 1024 * 1024).subarray(0, 5);
  expect(new FrameGuard(256 * 1024).feed(header)).toBe("oversized");
  const bytewise = new FrameGuard(256 * 1024);
  expect([...header].map((byte) => bytewise.feed(Uint8Array.of(byte))).find((fault) => fault !== undefined)).toBe(
    "oversized",
  );
});

test("the limit counts the header too", () => {
  expect(new FrameGuard(1024).feed(packet(1021))).toBeUndefined();
  expect(new FrameGuard(1024).feed(packet(1022))).toBe("oversized");
});

test("what is not MQTT is refused", () => {
  expect(new FrameGuard(1024).feed(Buffer.from([0x00, 0x00]))).toBe("malformed");
  expect(new FrameGuard(1024 ** 4).feed(Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x01]))).toBe("malformed");
});
