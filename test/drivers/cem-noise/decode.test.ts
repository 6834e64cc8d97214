import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cemCapture } from "../../../drivers/cem-noise/capture.ts";
import { CemStream } from "../../../drivers/cem-noise/cem-stream.ts";
import { meterStream, sampledLevel } from "../../../drivers/cem-noise/decode.ts";
import { cemMessages, pceFrame } from "../../../drivers/cem-noise/simulator.ts";
import type { DecodedItem } from "../../../drivers/decoder.ts";
import { receivedFrames } from "../../fakes/trace.ts";

type Model = "cem-dt885x" | "pce-322a";
const FRAMES = {
  "cem-dt885x": receivedFrames("cem-noise/dt-8852.trace"),
  "pce-322a": receivedFrames("cem-noise/pce-322a.trace"),
};

function said(item: DecodedItem): unknown {
  if ("fault" in item) return item.fault.code;
  const {
    levelDb,
    quantity,
    flags,
    assumed = [],
  } = item.reading as Record<string, unknown> & { flags: string[]; assumed?: string[] };
  return [levelDb, quantity, ...flags, ...assumed];
}

function stream(bytes: Uint8Array, model: Model, chunkBytes = bytes.length): unknown[] {
  const decoder = cemCapture.decoder(model);
  const items: DecodedItem[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes)
    items.push(...decoder.push(bytes.subarray(at, at + chunkBytes)));
  return [...items, ...decoder.end()].map(said);
}

const EXPECTED = {
  "cem-dt885x": [
    [65.3, "LAF"],
    [130.5, "LAF", "overload"],
    [29.1, "LAF", "under-range"],
    [70.1, "LAS"],
    "METER_WEIGHTING",
    "METER_HOLD",
    "METER_HOLD",
  ],
  "pce-322a": [[65.3, "LAF"], [70.1, "LAS"], "METER_WEIGHTING", "METER_HOLD", [70.1, "LAF", "under-range"]],
};

describe.each(["cem-dt885x", "pce-322a"] as const)("stream of a %s", (model) => {
  const whole = Buffer.concat(FRAMES[model]);

  test("levels with their time weighting and range; C-weighting and held values refused by name", () => {
    expect(stream(whole, model)).toEqual(EXPECTED[model]);
  });

  test("split and joined anywhere, it says the same", () => {
    for (const chunkBytes of [1, 2, 3, 7]) expect(stream(whole, model, chunkBytes)).toEqual(EXPECTED[model]);
  });

  test("noise before and between is one fault each and costs no frame that is whole", () => {
    const noise = Uint8Array.of(0x12, 0x34, 0x56);
    const frame = model === "pce-322a" ? pceFrame(65.3, {}) : cemMessages(65.3, {});
    expect(stream(Buffer.concat([noise, frame, frame, noise, frame]), model)).toEqual([
      "METER_FRAMING",
      [65.3, "LAF"],
      [65.3, "LAF"],
      "METER_FRAMING",
      [65.3, "LAF"],
    ]);
  });

  test("cut off at any byte, it gives nothing but what was whole", () => {
    const frame = model === "pce-322a" ? pceFrame(65.3, {}) : Uint8Array.of(0xa5, 0x0d, 0x06, 0x53);
    for (let length = 1; length < frame.length; length++) {
      expect(stream(frame.subarray(0, length), model)).toEqual(["METER_FRAMING"]);
    }
  });

  test("whatever comes, in whatever pieces: it ends, is bounded, and says the same", () => {
    const part = fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.constantFrom(...FRAMES[model]));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), fc.integer({ min: 1, max: 90 }), (parts, chunkBytes) => {
        const bytes = Buffer.concat(parts);
        const all = stream(bytes, model);
        expect(stream(bytes, model, chunkBytes)).toEqual(all);
        expect(all.length).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });

  test("a megabyte of one byte is a fault for each 256, or a hold, and the frame behind it is found", () => {
    const frame = model === "pce-322a" ? pceFrame(65.3, {}) : cemMessages(65.3, {});
    for (const byte of [0x55, 0xff, 0x7f]) {
      const items = stream(Buffer.concat([new Uint8Array(1_000_000).fill(byte), frame]), model, 65_536);
      expect(items.at(-1)).toEqual([65.3, "LAF"]);
      expect(items.length).toBeLessThan(4100);
    }
  });
});

describe("what a sample may be taken for", () => {
  test("a value of unknown weighting is no level for the driver; a capture assumes A and Fast, and says so", () => {
    const bytes = Uint8Array.of(0xa5, 0x0d, 0x06, 0x53);
    const [item] = new CemStream().push(bytes);
    expect(item !== undefined && "sample" in item ? sampledLevel(item.sample) : item).toBeUndefined();
    expect(cemCapture.decoder().frame(bytes).map(said)).toEqual([[65.3, "LAF", "weighting", "timeWeighting"]]);
  });

  test("a digit that is none is refused, not rounded to one", () => {
    expect(stream(Uint8Array.of(0xa5, 0x0d, 0x0a, 0x53), "cem-dt885x")).toEqual(["METER_FRAMING"]);
  });

  test("a clone that leaves out the byte behind A and C is read all the same", () => {
    const bytes = Uint8Array.of(0xa5, 0x02, 0xa5, 0x1b, 0xa5, 0x0d, 0x07, 0x01);
    expect(stream(bytes, "cem-dt885x")).toEqual([[70.1, "LAF"]]);
  });

  test("every level that the meter can show comes out as it was said", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 300, max: 1300 }),
        fc.constantFrom<Model>("cem-dt885x", "pce-322a"),
        (tenths, model) => {
          const bytes = model === "pce-322a" ? pceFrame(tenths / 10, {}) : cemMessages(tenths / 10, {});
          const items = [...meterStream(model).push(bytes), ...[]];
          expect(stream(bytes, model)).toEqual([[tenths / 10, "LAF"]]);
          expect(items.length).toBeLessThanOrEqual(1);
        },
      ),
    );
  });
});
