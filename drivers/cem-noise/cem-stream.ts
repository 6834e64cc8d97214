import type { LevelFlag } from "../../protocol/noise.ts";
import { framingFault, heldFault, type MeterSample, type MeterStream, type StreamItem } from "./meter-stream.ts";

const START = 0xa5;
/** Sent again and again while the display is frozen. */
const HOLD = 0xff;

/** Bytes that follow a token. @source libsigrok, driver cem-dt-885x (protocol table) */
const PAYLOAD_BYTES: ReadonlyMap<number, number> = new Map([
  ...[0x02, 0x03, 0x04, 0x05, 0x07, 0x08, 0x09, 0x0a, 0x0c, 0x0e, 0x0f, 0x11, 0x19, 0x1a, 0x1f].map(
    (token): [number, number] => [token, 0],
  ),
  ...[0x30, 0x40, 0x4b, 0x4c].map((token): [number, number] => [token, 0]),
  [0x06, 3],
  [0x0b, 1],
  [0x0d, 2],
  [0x1b, 1],
  [0x1c, 1],
]);
/** Clones were seen to leave these payloads out: a byte that begins the next message is not theirs. */
const MAY_LACK_PAYLOAD = [0x0b, 0x1b, 0x1c];
const LONGEST_NOISE_BYTES = 256;
/** After a token that nobody knows, so many bytes may be its own. */
const UNKNOWN_PAYLOAD_BYTES = 4;

/**
 * CEM DT-8850 family: `A5 token [payload]`, about 20 values a second, no checksum. A value counts as said when it comes;
 * range, weighting and battery are said in messages of their own and hold until the next one.
 */
export class CemStream implements MeterStream {
  #pending: number[] = [];
  #noise: number[] = [];
  #unknownLeft = 0;
  #isFrozen = false;
  #weighting: "A" | "C" | undefined;
  #timeWeighting: "fast" | "slow" | undefined;
  #isHeld = false;
  #range: LevelFlag | undefined;
  #isBatteryLow = false;

  push(bytes: Uint8Array): StreamItem[] {
    const items: StreamItem[] = [];
    for (const byte of bytes) this.#take(byte, items);
    return items;
  }

  end(): StreamItem[] {
    const items: StreamItem[] = [];
    this.#noise.push(...this.#pending);
    this.#pending = [];
    this.#endNoise(items);
    return items;
  }

  #take(byte: number, items: StreamItem[]): void {
    if (this.#pending.length === 0) {
      this.#between(byte, items);
      return;
    }
    if (byte === START) {
      // No payload holds this byte (numbers are BCD): what was open is without its payload, or was cut.
      if (MAY_LACK_PAYLOAD.includes(this.#pending[1] ?? 0)) this.#finish(items);
      else this.#noise.push(...this.#pending);
      this.#endNoise(items);
      this.#pending = [byte];
      return;
    }
    this.#pending.push(byte);
    const payload = PAYLOAD_BYTES.get(this.#pending[1] ?? 0);
    if (payload === undefined) {
      this.#unknownLeft = UNKNOWN_PAYLOAD_BYTES;
      this.#pending = [];
      return;
    }
    if (this.#pending.length === 2 + payload) this.#finish(items);
  }

  /** A byte where a message may begin. */
  #between(byte: number, items: StreamItem[]): void {
    if (byte === START) {
      this.#endNoise(items);
      this.#unknownLeft = 0;
      this.#isFrozen = false;
      this.#pending = [byte];
    } else if (byte === HOLD) {
      this.#endNoise(items);
      if (!this.#isFrozen) items.push({ fault: heldFault() });
      this.#isFrozen = true;
    } else if (this.#unknownLeft > 0) {
      this.#unknownLeft--;
    } else {
      this.#noise.push(byte);
      if (this.#noise.length >= LONGEST_NOISE_BYTES) this.#endNoise(items);
    }
  }

  #finish(items: StreamItem[]): void {
    const [, token = 0, high = 0, low = 0] = this.#pending;
    const message = this.#pending;
    this.#pending = [];
    if (token === 0x0d) {
      const levelDb = fromBcd(high, low);
      if (levelDb === undefined) items.push({ fault: framingFault(message, "no number") });
      else items.push({ sample: this.#sample(levelDb) });
      return;
    }
    this.#note(token);
  }

  #note(token: number): void {
    switch (token) {
      case 0x02:
        this.#timeWeighting = "fast";
        break;
      case 0x03:
        this.#timeWeighting = "slow";
        break;
      case 0x04:
      case 0x05:
        this.#isHeld = true;
        break;
      case 0x0e:
        this.#isHeld = false;
        break;
      case 0x07:
        this.#range = "overload";
        break;
      case 0x08:
        this.#range = "under-range";
        break;
      case 0x11:
        this.#range = undefined;
        break;
      case 0x0f:
        this.#isBatteryLow = true;
        break;
      case 0x1f:
        this.#isBatteryLow = false;
        break;
      case 0x1b:
        this.#weighting = "A";
        break;
      case 0x1c:
        this.#weighting = "C";
        break;
    }
  }

  #sample(levelDb: number): MeterSample {
    return {
      levelDb,
      weighting: this.#weighting,
      timeWeighting: this.#timeWeighting,
      isHeld: this.#isHeld,
      flags: this.#range === undefined ? [] : [this.#range],
      isBatteryLow: this.#isBatteryLow,
    };
  }

  #endNoise(items: StreamItem[]): void {
    if (this.#noise.length > 0) items.push({ fault: framingFault(this.#noise, "no message of a CEM DT-885x") });
    this.#noise = [];
  }
}

/** Hundreds and tens, ones and tenths: 06 53 is 65.3. @returns undefined where a digit is none */
function fromBcd(high: number, low: number): number | undefined {
  const digits = [high >> 4, high & 15, low >> 4, low & 15];
  if (digits.some((digit) => digit > 9)) return undefined;
  return Number(digits.join("")) / 10;
}
