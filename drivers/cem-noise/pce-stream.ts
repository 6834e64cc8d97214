import type { LevelFlag } from "../../protocol/noise.ts";
import { framingFault, type MeterSample, type MeterStream, type StreamItem } from "./meter-stream.ts";

const FRAME_BYTES = 13;
const START = 0x7f;
const END = 0x00;
const LONGEST_NOISE_BYTES = 256;
/** By the two low bits of the fifth byte. @source libsigrok, driver pce-322a */
const RANGES_DB: readonly (readonly [number, number])[] = [
  [30, 130],
  [30, 80],
  [50, 100],
  [80, 130],
];

/** What makes the meter begin to send. */
export const PCE_CONNECT = Uint8Array.of(0xac, 0xff);

/**
 * PCE-322A: frames of 13 bytes `7F hi lo w r … 00`, no checksum. Where the stream was not in step, a frame is believed
 * only when the next one begins right behind it.
 */
export class PceStream implements MeterStream {
  #buffer: number[] = [];
  #noise: number[] = [];
  #isInStep = false;

  push(bytes: Uint8Array): StreamItem[] {
    const items: StreamItem[] = [];
    for (const byte of bytes) {
      this.#buffer.push(byte);
      this.#look(items, false);
    }
    return items;
  }

  end(): StreamItem[] {
    const items: StreamItem[] = [];
    while (this.#buffer.length >= FRAME_BYTES) this.#look(items, true);
    this.#noise.push(...this.#buffer);
    this.#buffer = [];
    this.#endNoise(items);
    return items;
  }

  #look(items: StreamItem[], isLast: boolean): void {
    while (this.#buffer.length > 0 && this.#buffer[0] !== START) this.#skip(items);
    if (this.#buffer.length < FRAME_BYTES) return;
    const isFrame = this.#buffer[FRAME_BYTES - 1] === END;
    if (isFrame && !this.#isInStep && !isLast && this.#buffer.length === FRAME_BYTES) return;
    if (!isFrame || (!this.#isInStep && this.#buffer.length > FRAME_BYTES && this.#buffer[FRAME_BYTES] !== START)) {
      this.#skip(items);
      return;
    }
    this.#endNoise(items);
    this.#isInStep = true;
    items.push({ sample: sample(this.#buffer.splice(0, FRAME_BYTES)) });
  }

  #skip(items: StreamItem[]): void {
    this.#isInStep = false;
    const byte = this.#buffer.shift();
    if (byte !== undefined) this.#noise.push(byte);
    if (this.#noise.length >= LONGEST_NOISE_BYTES) this.#endNoise(items);
  }

  #endNoise(items: StreamItem[]): void {
    if (this.#noise.length > 0) items.push({ fault: framingFault(this.#noise, "no frame of a PCE-322A") });
    this.#noise = [];
  }
}

function sample([, high = 0, low = 0, weighting = 0, range = 0]: readonly number[]): MeterSample {
  const levelDb = (high * 256 + low) / 10;
  const [lowestDb = 30, highestDb = 130] = RANGES_DB[range & 3] ?? [];
  const flag: LevelFlag | undefined = levelDb > highestDb ? "overload" : levelDb < lowestDb ? "under-range" : undefined;
  return {
    levelDb,
    weighting: (weighting & 1) === 1 ? "C" : "A",
    timeWeighting: (weighting & 2) === 2 ? "slow" : "fast",
    isHeld: (range & 0b1100) !== 0,
    flags: flag === undefined ? [] : [flag],
    isBatteryLow: false,
  };
}
