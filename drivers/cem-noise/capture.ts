import type { CaptureFormat, DecodedItem } from "../decoder.ts";
import { DriverError } from "../errors.ts";
import type { CemModel } from "./config.ts";
import { meterStream, sampledLevel } from "./decode.ts";
import type { StreamItem } from "./meter-stream.ts";

/**
 * Every value of a capture, not one a second. A capture that begins amid the stream has not yet said how the meter weighs;
 * until it does, A and Fast are assumed, as the meter is delivered, and `assumed` says so. The driver never assumes.
 */
export const cemCapture: CaptureFormat = {
  profiles: ["cem-dt885x", "pce-322a"],
  decoder(name) {
    const model: CemModel = name === "pce-322a" ? "pce-322a" : "cem-dt885x";
    const stream = meterStream(model);
    return {
      frame(bytes) {
        // A line of hex is one frame: nothing of it waits for the next line.
        const own = model === "pce-322a" ? meterStream(model) : stream;
        return [...own.push(bytes), ...own.end()].map(decoded);
      },
      push: (bytes) => stream.push(bytes).map(decoded),
      end: () => stream.end().map(decoded),
    };
  },
};

function decoded(item: StreamItem): DecodedItem {
  if ("fault" in item) return item;
  const { weighting = "A", timeWeighting = "fast" } = item.sample;
  const assumed = [
    ...(item.sample.weighting === undefined ? ["weighting"] : []),
    ...(item.sample.timeWeighting === undefined ? ["timeWeighting"] : []),
  ];
  try {
    const level = sampledLevel({ ...item.sample, weighting, timeWeighting });
    return { reading: { ...level, ...(assumed.length > 0 && { assumed }) } };
  } catch (error) {
    if (error instanceof DriverError) return { fault: error };
    throw error;
  }
}
