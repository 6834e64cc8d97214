import type { CaptureFormat } from "../decoder.ts";
import type { PositionReading } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { METRES_PER_HDOP } from "./config.ts";
import { decodeSentence } from "./decode.ts";
import { type Epoch, EpochAssembler } from "./epoch.ts";
import { type SentenceOrFault, SentenceReader } from "./sentence.ts";

export type CaptureItem =
  | { readonly reading: Omit<PositionReading, "atMs"> & { readonly atMs?: number } }
  | { readonly fault: DriverError };

/** Reads captured NMEA 0183, of any date: `atMs` is the receiver's own time, absent where it gave no full one. */
export class NmeaCapture {
  readonly #reader = new SentenceReader();
  readonly #assembler = new EpochAssembler(METRES_PER_HDOP);

  push(chunk: Uint8Array): CaptureItem[] {
    return this.#reader.push(chunk).flatMap((found) => this.#take(found));
  }

  end(): CaptureItem[] {
    return [...this.#reader.end().flatMap((found) => this.#take(found)), ...readings(this.#assembler.close())];
  }

  #take(found: SentenceOrFault): CaptureItem[] {
    if ("fault" in found) return [found];
    try {
      const facts = decodeSentence(found.sentence);
      const { talker, type } = found.sentence;
      return facts === undefined ? [] : readings(this.#assembler.add(facts, talker, type));
    } catch (error) {
      if (error instanceof DriverError) return [{ fault: error }];
      throw error;
    }
  }
}

function readings(epoch: Epoch | undefined): CaptureItem[] {
  if (epoch?.position === undefined) return [];
  const { position, utcMs } = epoch;
  return [{ reading: { kind: "position", ...position, ...(utcMs !== undefined && { fixAtMs: utcMs, atMs: utcMs }) } }];
}

const LINE_END = Uint8Array.of(0x0d, 0x0a);

export const nmeaCapture: CaptureFormat = {
  decoder() {
    const capture = new NmeaCapture();
    return {
      frame: (bytes) => [...capture.push(bytes), ...capture.push(LINE_END)],
      push: (bytes) => capture.push(bytes),
      end: () => capture.end(),
    };
  },
};
