import type { LevelFlag } from "../../protocol/noise.ts";
import { DriverError } from "../errors.ts";

/** One value as the meter said it, and what it had said of itself by then. Undefined: it has not said. */
export interface MeterSample {
  readonly levelDb: number;
  readonly weighting: "A" | "C" | undefined;
  readonly timeWeighting: "fast" | "slow" | undefined;
  /** The display holds a maximum, a minimum or an old value: it is not the level now. */
  readonly isHeld: boolean;
  readonly flags: readonly LevelFlag[];
  readonly isBatteryLow: boolean;
}

export type StreamItem = { readonly sample: MeterSample } | { readonly fault: DriverError };

/** Finds a model's samples in a stream of bytes. Bounded in memory; never throws on bytes. */
export interface MeterStream {
  push(bytes: Uint8Array): StreamItem[];
  /** No more bytes come. */
  end(): StreamItem[];
}

export function framingFault(bytes: readonly number[], what: string): DriverError {
  const shown = Buffer.from(bytes.slice(0, 12)).toString("hex").toUpperCase();
  return new DriverError("METER_FRAMING", `${bytes.length} bytes ${shown} are ${what}`, {
    retry: "backoff",
    hint: "Check the model and the baud rate, and that nothing else is plugged into this port.",
  });
}

export function heldFault(): DriverError {
  return new DriverError("METER_HOLD", "the meter holds a value on its display, which is not the level now", {
    retry: "backoff",
    hint: "Leave HOLD, MAX and MIN on the meter.",
  });
}
