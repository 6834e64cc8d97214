import process from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { DECODER_SAMPLES, type DecoderSample } from "../../bench/decoder-samples.ts";
import type { DecodedItem, FrameDecoder } from "../../drivers/decoder.ts";
import { DriverError } from "../../drivers/errors.ts";
import { CAPTURES } from "../../drivers/registry.ts";

const GIANT_BYTES = 1024 * 1024;
const CHUNK_BYTES = 1460;
const WARM_UP_CHUNKS = 60;
const MOST_HELD_BYTES = 128 * 1024;
/** What the heap does by itself: compiled code, the test runner. */
const HEAP_NOISE_BYTES = 256 * 1024;

const named = DECODER_SAMPLES.map((sample) => [sample.profile ?? sample.kind, sample] as const);

async function decoderOf({ kind, profile }: DecoderSample): Promise<() => FrameDecoder> {
  const format = await CAPTURES.find((entry) => entry.kind === kind)?.load();
  if (format === undefined) throw new Error(`no decoder is called ${kind}`);
  return () => format.decoder(profile);
}

function decode(decoder: FrameDecoder, chunks: readonly Uint8Array[]): DecodedItem[] {
  return [...chunks.flatMap((chunk) => decoder.push(chunk)), ...decoder.end()];
}

function readings(items: readonly DecodedItem[]): string[] {
  return items.flatMap((item) => ("reading" in item ? JSON.stringify(item.reading) : []));
}

/** Every number that is read is one, and every fault says what it is. */
function expectSound(items: readonly DecodedItem[]): void {
  for (const item of items) {
    if ("fault" in item) expect(item.fault).toBeInstanceOf(DriverError);
    else
      for (const value of Object.values(item.reading))
        if (typeof value === "number") expect(Number.isFinite(value), JSON.stringify(item.reading)).toBe(true);
  }
}

test("every decoder of the registry has good frames to be fuzzed and measured with", () => {
  expect([...new Set(DECODER_SAMPLES.map(({ kind }) => kind))].toSorted()).toEqual(
    CAPTURES.map(({ kind }) => kind).toSorted(),
  );
});

describe.each(named)("%s", (_name, sample) => {
  const whole = Buffer.concat(sample.frames);
  const frame = fc.constantFrom(...sample.frames);
  const truncated = fc.tuple(frame, fc.nat()).map(([bytes, at]) => bytes.subarray(0, at % bytes.length));
  const mutated = fc
    .tuple(frame, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }))
    .map(([bytes, changes]) => {
      const changed = Uint8Array.from(bytes);
      for (const [at, value] of changes) changed[at % changed.length] = value;
      return changed;
    });
  const piece = fc.oneof(frame, truncated, mutated, fc.uint8Array({ maxLength: 300 }));

  test("its good frames are read without a fault", async () => {
    const items = decode((await decoderOf(sample))(), [whole]);
    expect(items.filter((item) => "fault" in item)).toEqual([]);
    expect(readings(items).length).toBeGreaterThan(0);
  });

  test("random bytes and truncated and mutated frames, in any pieces, neither throw nor give a number that is none", async () => {
    const fresh = await decoderOf(sample);
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.array(piece, { maxLength: 4 }), (pushed, framed) => {
        const decoder = fresh();
        expectSound(framed.flatMap((bytes) => decoder.frame(bytes)));
        expectSound(decode(decoder, pushed));
      }),
    );
  });

  test("where it is cut into chunks changes nothing of what is read", async () => {
    const fresh = await decoderOf(sample);
    const expected = readings(decode(fresh(), [whole]));
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length), { maxLength: 12 }), (cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), whole.length];
        const chunks = at.slice(1).map((end, index) => whole.subarray(at[index], end));
        expect(readings(decode(fresh(), chunks))).toEqual(expected);
      }),
    );
  });

  test("a mebibyte of one byte, of frame starts or of digits leaves little behind, and a good frame after it is read", async () => {
    // Up to a million faults, none of which is asked where it comes from.
    const depth = Error.stackTraceLimit;
    onTestFinished(() => {
      Error.stackTraceLimit = depth;
    });
    Error.stackTraceLimit = 0;
    const fresh = await decoderOf(sample);
    const starts = sample.frames[0]?.subarray(0, 4) ?? Uint8Array.of(0);
    for (const filling of [
      Uint8Array.of(0),
      Uint8Array.of(0xff),
      starts.subarray(0, 1),
      starts,
      Buffer.from("0123456789"),
    ]) {
      const chunk = Buffer.alloc(CHUNK_BYTES, filling);
      const warm = fresh();
      for (let left = WARM_UP_CHUNKS; left > 0; left--) warm.push(chunk);
      const decoder = fresh();
      const before = heldBytes();
      for (let fed = 0; fed < GIANT_BYTES; fed += CHUNK_BYTES) decoder.push(chunk);
      expect(heldBytes() - before).toBeLessThan(MOST_HELD_BYTES + HEAP_NOISE_BYTES);
      expectSound(decoder.end());
      expect(readings(decode(decoder, [whole])).length).toBeGreaterThan(0);
    }
  });
});

function heldBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  // What buffers held is given back beside the program: only the second collection waits for the first one's.
  for (let time = 0; time < 2; time++) if (typeof collect === "function") collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

test.each(named.filter(([, { hasChecksum }]) => hasChecksum))(
  "%s: a frame with one wrong byte never gives a value that it did not have",
  async (_name, sample) => {
    const fresh = await decoderOf(sample);
    for (const good of sample.frames) {
      const own = readings(decode(fresh(), [good]));
      fc.assert(
        fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, flipped) => {
          const wrong = Uint8Array.from(good);
          wrong[at] = (wrong[at] ?? 0) ^ flipped;
          for (const reading of readings(decode(fresh(), [wrong]))) expect(own).toContain(reading);
        }),
        { numRuns: 400 },
      );
    }
  },
);
