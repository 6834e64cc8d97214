import { constants, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeUp, encodeEnvelope, sha256Of } from "../../protocol/envelope.ts";
import { encodeHello, helloPages } from "../../protocol/hello.ts";
import { newRunId } from "../../protocol/new-ids.ts";
import type { Packing } from "../../protocol/packing.ts";
import { decodeRecord, encodeRecord } from "../../protocol/record-codec.ts";
import { noiseRecord } from "./examples.ts";

const run = newRunId();
const text = (...lines: string[]): Uint8Array => Buffer.from(lines.join("\n"));
const header = (change: object = {}): string => JSON.stringify({ v: 1, run, head: 3, count: 1, ...change });

function codeOf(bytes: Uint8Array): string {
  const message = decodeUp(bytes);
  return message.type === "fault" ? message.code : message.type;
}

describe("envelope", () => {
  test("items travel as their stored bytes, plain or compressed", () => {
    const line = fc.uint8Array({ maxLength: 400 }).map((bytes) => bytes.map((byte) => (byte === 0x0a ? 0x20 : byte)));
    fc.assert(
      fc.property(
        fc.array(line, { minLength: 1, maxLength: 30 }),
        fc.constantFrom<Packing>("plain", "zstd", "dictionary"),
        (items, packing) => {
          const message = decodeUp(encodeEnvelope({ run, head: 99, upMs: 5 }, items, packing));
          if (message.type !== "envelope") throw new Error(message.type);
          expect(message.header).toEqual({ v: 1, run, head: 99, upMs: 5, count: items.length });
          expect(message.items.map(({ bytes }) => Buffer.from(bytes).toString("hex"))).toEqual(
            items.map((bytes) => Buffer.from(bytes).toString("hex")),
          );
          expect(message.items.map(({ sha256 }) => sha256)).toEqual(items.map(sha256Of));
        },
      ),
    );
  });

  test("twenty minutes of noise compress, and stay below the size that one level may cost", () => {
    const items = Array.from({ length: 20 }, (_, i) => encodeRecord(i + 1, noiseRecord(i)));
    const bytes = encodeEnvelope({ run, head: 20 }, items);
    expect([...bytes.subarray(0, 4)]).toEqual([0x28, 0xb5, 0x2f, 0xfd]);
    expect(bytes.length / 1200).toBeLessThan(2);
  });

  test("one bad item does not lose the others", () => {
    const good = encodeRecord(1, noiseRecord());
    const message = decodeUp(
      encodeEnvelope({ run, head: 3 }, [good, text("{rubbish"), encodeRecord(3, noiseRecord())]),
    );
    if (message.type !== "envelope") throw new Error(message.type);
    expect(message.items.map(({ bytes }) => decodeRecord(bytes).ok)).toEqual([true, false, true]);
  });

  test("a zip bomb ends at 1 MiB", () => {
    const bomb = zstdCompressSync(Buffer.alloc(300 * 1024 * 1024, 0x61));
    const before = process.memoryUsage().arrayBuffers;
    expect(codeOf(bomb)).toBe("ENVELOPE_TOO_LARGE");
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 1024 * 1024);
    const wide = zstdCompressSync(Buffer.alloc(5 * 1024 * 1024, 0x61), {
      params: { [constants.ZSTD_c_windowLog]: 27 },
    });
    expect(codeOf(wide)).toBe("ENVELOPE_CORRUPT");
    expect(codeOf(Buffer.alloc(1024 * 1024 + 1, 0x7b))).toBe("ENVELOPE_TOO_LARGE");
  });

  test("an unknown version is told apart from a broken envelope", () => {
    expect(codeOf(text(header({ v: 2 }), "{}"))).toBe("ENVELOPE_VERSION");
    expect(codeOf(text(JSON.stringify({ v: 9, type: "hello" })))).toBe("ENVELOPE_VERSION");
    expect(codeOf(text(header({ v: "1" }), "{}"))).toBe("ENVELOPE_HEADER");
  });

  test("every kind of broken envelope has its code and the hash of its bytes", () => {
    expect(codeOf(new Uint8Array())).toBe("ENVELOPE_HEADER");
    expect(codeOf(text("null", "{}"))).toBe("ENVELOPE_HEADER");
    expect(codeOf(text(header({ run: "short" }), "{}"))).toBe("ENVELOPE_HEADER");
    expect(codeOf(text(header({ count: 501 }), ...Array.from({ length: 501 }, () => "{}")))).toBe("ENVELOPE_HEADER");
    expect(codeOf(text(header({ count: 2 }), "{}"))).toBe("ENVELOPE_ITEMS");
    expect(codeOf(text(header(), "{}", "{}"))).toBe("ENVELOPE_ITEMS");
    expect(codeOf(text(header()))).toBe("ENVELOPE_ITEMS");
    expect(codeOf(text(`${"[".repeat(17)}${"]".repeat(17)}`, "{}"))).toBe("ENVELOPE_HEADER");
    expect(codeOf(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3))).toBe("ENVELOPE_CORRUPT");
    const cut = zstdCompressSync(text(header(), "{}")).subarray(0, -4);
    const message = decodeUp(cut);
    expect(message).toEqual({ type: "fault", code: "ENVELOPE_CORRUPT", sha256: sha256Of(cut) });
  });

  test("a hello is told apart by its type and checked whole", () => {
    const [page] = helloPages({ session: run, current: run, runs: [{ run, first: 1, head: 0 }], open: [] });
    if (page === undefined) throw new Error("no page");
    expect(decodeUp(encodeHello(page))).toEqual({ type: "hello", hello: page });
    expect(codeOf(encodeHello({ ...page, page: -1 }))).toBe("HELLO_INVALID");
    expect(codeOf(text(JSON.stringify(page), "{}"))).toBe("HELLO_INVALID");
  });

  test("any bytes at all, also behind the magic, open or fault without throwing", () => {
    const magic = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, packed) => {
        codeOf(packed ? Buffer.concat([magic, bytes]) : bytes);
      }),
    );
    const whole = encodeEnvelope({ run, head: 1 }, [encodeRecord(1, noiseRecord())]);
    fc.assert(
      fc.property(fc.nat({ max: whole.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
        codeOf(whole.map((byte, i) => (i === at ? byte ^ change : byte)));
      }),
    );
  });

  test("what is too much for one envelope is not sent", () => {
    expect(() => encodeEnvelope({ run, head: 1 }, [])).toThrow(/make no envelope/);
    expect(() => encodeEnvelope({ run, head: 1 }, [new Uint8Array(1024 * 1024)])).toThrow(/make no envelope/);
  });
});
