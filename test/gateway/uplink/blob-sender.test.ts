import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BlobBench } from "./blob-bench.ts";

const offersOf = (bench: BlobBench) => bench.published.filter(({ message }) => message.bytes.length === 0);

describe("a file", () => {
  test("is offered with its size, goes in chunks of a quarter of a second from where the bridge stands, and ends stored", () => {
    const bench = new BlobBench();
    const bytes = randomBytes(9000);
    const blob = bench.keep(bytes);
    expect(bench.published).toEqual([]);
    bench.connect();
    expect(bench.published.map(({ message }) => [message.offset, message.bytes.length])).toEqual([[9000, 0]]);
    expect(bench.drain()).toBe(true);
    expect(bench.published.map(({ message }) => message.offset)).toEqual([9000, 0, 2000, 4000, 6000, 8000]);
    expect(bench.stored).toMatchObject([{ blob, epoch: "e1" }]);
    expect(Buffer.compare(bench.bridge.files.get(blob) ?? Buffer.alloc(0), bytes)).toBe(0);
  });

  test("that is small and telling goes before a clip", () => {
    const bench = new BlobBench();
    const clip = bench.keep(randomBytes(5000), "clip");
    const snapshot = bench.keep(randomBytes(3000), "snapshot");
    const levels = bench.keep(randomBytes(500), "levels");
    bench.connect();
    bench.drain();
    expect(bench.stored.map(({ blob }) => blob)).toEqual([levels, snapshot, clip]);
  });

  test("goes on from the bridge's next after the line broke, and sends nothing twice that was answered", () => {
    const bench = new BlobBench();
    const blob = bench.keep(randomBytes(20_000));
    bench.connect();
    for (let i = 0; i < 5; i++) {
      bench.takeOne();
      bench.answerOne();
    }
    bench.cut();
    bench.published.length = 0;
    bench.connect();
    bench.drain();
    expect(bench.published[1]?.message.offset).toBe(8000);
    expect(bench.stored).toMatchObject([{ blob }]);
  });

  test("that cannot be read for a while is not given up, and holds back no other; one that never can be is, with the reason", () => {
    const bench = new BlobBench();
    const blob = bench.keep(randomBytes(9000));
    bench.readTroubles = 1;
    bench.connect();
    const other = bench.keep(randomBytes(3000));
    expect(bench.drain()).toBe(true);
    expect(bench.stored.map((one) => one.blob)).toEqual([other, blob]);
    expect(bench.givenUp).toEqual([]);
    expect(bench.nowMs).toBeGreaterThanOrEqual(60_000);
    const broken = bench.keep(randomBytes(100));
    bench.readTroubles = Number.POSITIVE_INFINITY;
    expect(bench.drain(24 * 3_600_000)).toBe(true);
    expect(bench.givenUp).toEqual([{ blob: broken, reason: "damaged", code: "EMFILE" }]);
  });

  test("that was stored is offered again to another epoch, and to the same one never", () => {
    const bench = new BlobBench();
    const blob = bench.keep(randomBytes(3000));
    bench.connect();
    bench.drain();
    bench.cut();
    bench.published.length = 0;
    bench.connect();
    bench.restart();
    bench.connect();
    expect(bench.published).toEqual([]);
    bench.bridge.epoch = "e2";
    bench.cut();
    bench.connect();
    bench.drain();
    expect(bench.published.map(({ message }) => message.bytes.length)).toEqual([0]);
    bench.bridge.epoch = "e3";
    bench.bridge.rows.clear();
    bench.bridge.files.clear();
    bench.cut();
    bench.connect();
    bench.drain();
    expect(bench.bridge.files.has(blob)).toBe(true);
  });
});

describe("an upload that cannot end", () => {
  test("starts over once when the bridge put together something else, and is given up the second time", () => {
    const bench = new BlobBench();
    bench.bridge.spoils = 1;
    const once = bench.keep(randomBytes(3000));
    bench.connect();
    bench.drain();
    expect(bench.stored).toMatchObject([{ blob: once }]);
    bench.bridge.spoils = 2;
    const twice = bench.keep(randomBytes(3000));
    bench.drain();
    expect(bench.givenUp).toEqual([{ blob: twice, reason: "refused", code: "BLOB_HASH" }]);
    bench.published.length = 0;
    bench.cut();
    bench.connect();
    bench.pass(3_600_000);
    expect(bench.published).toEqual([]);
  });

  test("of a file that is gone, or no longer what it was, is given up once", () => {
    const bench = new BlobBench();
    const gone = bench.keep(randomBytes(3000));
    bench.disk.delete(gone);
    bench.connect();
    bench.drain();
    expect(bench.givenUp).toEqual([{ blob: gone, reason: "gone", code: undefined }]);
    const damaged = bench.keep(randomBytes(3000));
    bench.disk.set(damaged, randomBytes(3000));
    bench.drain();
    expect(bench.givenUp.slice(1)).toEqual([{ blob: damaged, reason: "damaged", code: undefined }]);
  });

  test("for want of room at the bridge waits as long as it is told, and goes on", () => {
    const bench = new BlobBench();
    const blob = bench.keep(randomBytes(3000));
    bench.connect();
    bench.up = [];
    const receipt = { v: 1, type: "blob", bridge: "b", epoch: "e1", blob, next: 0, waitMs: 60_000 } as const;
    bench.send("receipt", { receipt });
    bench.published.length = 0;
    bench.pass(59_000);
    expect(bench.published).toEqual([]);
    bench.pass(2000);
    expect(bench.drain()).toBe(true);
    expect(bench.stored).toHaveLength(1);
  });
});

test("without receipts one offer goes again, doubling to a minute, and nothing else", () => {
  const bench = new BlobBench();
  for (let i = 0; i < 20; i++) bench.keep(randomBytes(3000));
  bench.connect();
  bench.up = [];
  for (const [message] of bench.published.entries()) bench.send("puback", { message: message + 1 });
  bench.published.length = 0;
  bench.pass(600_000);
  const waits = bench.published.map(({ atMs }, i) => atMs - (bench.published[i - 1]?.atMs ?? 0));
  expect(waits.slice(0, 6)).toEqual([5000, 10_000, 20_000, 40_000, 60_000, 60_000]);
  expect(offersOf(bench)).toHaveLength(bench.published.length);
  expect(bench.sender.isWaiting).toBe(false);
});

test("it never sends without room, and says that it waits", () => {
  const bench = new BlobBench();
  bench.roomBytes = 0;
  bench.keep(randomBytes(3000));
  bench.connect();
  bench.pass(60_000);
  expect(bench.published).toEqual([]);
  expect(bench.sender.isWaiting).toBe(true);
  bench.roomBytes = 2000;
  bench.send("tick", {});
  expect(bench.published).toHaveLength(1);
});

/** One thing that may happen to a line, a node or a bridge. */
const happening = fc.oneof(
  { weight: 8, arbitrary: fc.constant("take" as const) },
  { weight: 8, arbitrary: fc.constant("answer" as const) },
  { weight: 2, arbitrary: fc.constant("stumble" as const) },
  { weight: 2, arbitrary: fc.constant("pass" as const) },
  fc.constantFrom("cut" as const, "restart" as const, "crash" as const, "forget" as const, "keep" as const),
);

test("whatever breaks in whatever order, every file ends stored with its very bytes, and none is given up", () => {
  let chunks = 0;
  const seed = Number(process.env["SHAO_SEED"] ?? Date.now() % 1_000_000);
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 12_000 }), { minLength: 1, maxLength: 5 }),
      fc.array(fc.tuple(happening, fc.double({ min: 0, max: 1, noNaN: true })), { maxLength: 120 }),
      (sizes, happenings) => {
        const bench = new BlobBench();
        const kept = new Map<string, Uint8Array>();
        const keep = (sizeBytes: number): void => {
          const bytes = randomBytes(sizeBytes);
          kept.set(bench.keep(bytes), bytes);
        };
        for (const size of sizes) keep(size);
        bench.connect();
        for (const [what, amount] of happenings) {
          if (what === "take") bench.takeOne();
          else if (what === "answer") bench.answerOne();
          else if (what === "stumble") bench.takeOne(true);
          else if (what === "pass") bench.pass(amount * 20_000);
          else if (what === "keep") keep(Math.floor(amount * 6000));
          else {
            if (what === "crash") bench.bridge.crash(amount);
            if (what === "forget") {
              // A bridge restored from a backup.
              bench.bridge.crash(0);
              bench.bridge.rows.clear();
              bench.bridge.parts.clear();
              bench.bridge.files.clear();
            }
            if (what === "restart") bench.restart();
            else bench.cut();
            bench.connect();
          }
        }
        expect(bench.drain()).toBe(true);
        expect(bench.givenUp).toEqual([]);
        for (const [blob, bytes] of kept) {
          expect(Buffer.compare(bench.bridge.files.get(blob) ?? Buffer.from("missing"), bytes)).toBe(0);
          expect(bench.cards.get(blob)?.storedEpoch).toBe(bench.bridge.epoch);
        }
        chunks += bench.published.length;
      },
    ),
    { numRuns: 500, seed },
  );
  process.stderr.write(`${JSON.stringify({ seed, runs: 500, messages: chunks })}\n`);
});
