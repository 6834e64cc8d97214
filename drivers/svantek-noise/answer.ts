import { DriverError } from "../errors.ts";

/** An answer as it stands between `#` and `;`: its function and what follows. */
export interface SvantekAnswer {
  /** 1 settings, 2 results of the sound level meter. */
  readonly function: number;
  readonly fields: readonly string[];
}

export type AnswerOrFault = { readonly answer: SvantekAnswer } | { readonly fault: DriverError };

const HASH = 0x23;
const SEMICOLON = 0x3b;
/** All settings of a meter with many of them take about 900 characters. */
const LONGEST_ANSWER_BYTES = 4096;
const LONGEST_NOISE_BYTES = 256;

/** Finds answers in a stream of bytes. */
export class SvantekReader {
  #open: number[] | undefined;
  #noise: number[] = [];

  push(bytes: Uint8Array): AnswerOrFault[] {
    const found: AnswerOrFault[] = [];
    for (const byte of bytes) this.#take(byte, found);
    return found;
  }

  end(): AnswerOrFault[] {
    const found: AnswerOrFault[] = [];
    if (this.#open !== undefined) this.#noise.push(HASH, ...this.#open);
    this.#open = undefined;
    this.#endNoise(found);
    return found;
  }

  /** Forgets what was begun. */
  clear(): void {
    this.#open = undefined;
    this.#noise = [];
  }

  #take(byte: number, found: AnswerOrFault[]): void {
    if (byte === HASH && this.#open?.length === 0) {
      this.#noise.push(HASH);
      if (this.#noise.length >= LONGEST_NOISE_BYTES) this.#endNoise(found);
      return;
    }
    if (byte === HASH) {
      if (this.#open !== undefined) this.#noise.push(HASH, ...this.#open);
      this.#endNoise(found);
      this.#open = [];
      return;
    }
    if (this.#open === undefined) {
      // Line ends stand between answers on some meters.
      if (byte !== 0x0d && byte !== 0x0a && byte !== 0x20) this.#noise.push(byte);
      if (this.#noise.length >= LONGEST_NOISE_BYTES) this.#endNoise(found);
      return;
    }
    if (byte === SEMICOLON) {
      const bytes = this.#open;
      this.#open = undefined;
      found.push(parse(String.fromCharCode(...bytes)));
      return;
    }
    this.#open.push(byte);
    if (byte < 0x20 || byte > 0x7e || this.#open.length > LONGEST_ANSWER_BYTES) {
      this.#noise.push(HASH, ...this.#open);
      this.#open = undefined;
      this.#endNoise(found);
    }
  }

  #endNoise(found: AnswerOrFault[]): void {
    if (this.#noise.length === 0) return;
    const shown = Buffer.from(this.#noise.slice(0, 12)).toString("hex").toUpperCase();
    const message = `${this.#noise.length} bytes ${shown} are no answer of a Svantek meter`;
    this.#noise = [];
    found.push({
      fault: new DriverError("METER_FRAMING", message, {
        retry: "backoff",
        hint: "Check the baud rate, and that the meter's port is set to remote control.",
      }),
    });
  }
}

function parse(text: string): AnswerOrFault {
  const [code = "", ...fields] = text.split(",");
  if (/^[1-9]$/.test(code)) return { answer: { function: Number(code), fields } };
  // `#7,?;` and `#2?;` say that the meter knows no such query.
  return { fault: fieldFault(`"#${text.slice(0, 40)};" names no function`) };
}

export function fieldFault(message: string): DriverError {
  return new DriverError("METER_FIELD", message, {
    retry: "backoff",
    hint: "Send a capture: this model writes its answers in a way of its own.",
  });
}
