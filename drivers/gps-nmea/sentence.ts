import { DriverError } from "../errors.ts";

/** One sentence whose checksum was right: `talker` GP, GN, BD …, `type` RMC, GGA …, and its fields in order. */
export interface Sentence {
  readonly talker: string;
  readonly type: string;
  readonly fields: readonly string[];
}

export type SentenceOrFault = { readonly sentence: Sentence } | { readonly fault: DriverError };

/** The standard allows 82; some receivers write a little more. Beyond this it is no sentence. */
const MAX_LINE_BYTES = 120;
const DOLLAR = 0x24;
const STAR = 0x2a;
const LF = 0x0a;
const CR = 0x0d;

/**
 * Cuts a stream of bytes into sentences. Bytes before a `$` are noise; a `$` inside a sentence begins a new one: the old
 * one is whole where it has its checksum (datagrams often come without line ends), else its rest was lost. Holds at most
 * one line.
 * @source NMEA 0183, sentence structure and checksum: XOR of all between `$` and `*`
 */
export class SentenceReader {
  #line: number[] = [];
  #isInside = false;
  #noiseBytes = 0;

  /** Bytes that belonged to no sentence. */
  get noiseBytes(): number {
    return this.#noiseBytes;
  }

  push(chunk: Uint8Array): SentenceOrFault[] {
    const found: SentenceOrFault[] = [];
    for (const byte of chunk) {
      if (byte === DOLLAR) {
        if (this.#isInside && this.#line.length === 0) this.#noiseBytes++;
        else if (this.#isInside) found.push(isWhole(this.#line) ? parseLine(this.#line) : { fault: cut(this.#line) });
        this.#line = [];
        this.#isInside = true;
      } else if (!this.#isInside) {
        if (byte !== LF && byte !== CR) this.#noiseBytes++;
      } else if (byte === LF || byte === CR) {
        found.push(parseLine(this.#line));
        this.#line = [];
        this.#isInside = false;
      } else {
        this.#line.push(byte);
        if (this.#line.length > MAX_LINE_BYTES) {
          found.push({ fault: framing("too long", this.#line) });
          this.#noiseBytes += this.#line.length;
          this.#line = [];
          this.#isInside = false;
        }
      }
    }
    return found;
  }

  /** At the end of a capture: what is left without a line end. */
  end(): SentenceOrFault[] {
    if (!this.#isInside) return [];
    const line = this.#line;
    this.#line = [];
    this.#isInside = false;
    return [parseLine(line)];
  }
}

/** `$` and the line end are added; for the simulator. */
export function formatSentence(body: string): string {
  return `$${body}*${checksum(Buffer.from(body)).toString(16).toUpperCase().padStart(2, "0")}\r\n`;
}

function parseLine(line: readonly number[]): SentenceOrFault {
  const star = line.lastIndexOf(STAR);
  if (line.some((byte) => byte < 0x20 || byte > 0x7e)) return { fault: framing("not plain ASCII", line) };
  const text = String.fromCharCode(...line);
  if (star < 0) return { fault: checksumFault("has no checksum", text) };
  const given = text.slice(star + 1).trimEnd();
  if (!/^[0-9A-Fa-f]{2}$/.test(given)) return { fault: checksumFault("has no whole checksum", text) };
  const expected = checksum(line.slice(0, star));
  if (Number.parseInt(given, 16) !== expected) {
    return { fault: checksumFault(`has checksum ${given}, true is ${hex(expected)}`, text) };
  }
  const [address = "", ...fields] = text.slice(0, star).split(",");
  if (address.startsWith("P")) return { sentence: { talker: "P", type: address.slice(1), fields } };
  if (!/^[A-Z]{2}[A-Z]{3}$/.test(address)) return { fault: framing("without talker and type", line) };
  return { sentence: { talker: address.slice(0, 2), type: address.slice(2), fields } };
}

function isWhole(line: readonly number[]): boolean {
  return line.at(-3) === STAR;
}

function cut(line: readonly number[]): DriverError {
  return framing("cut off by the next one", line);
}

function checksum(bytes: Iterable<number>): number {
  let sum = 0;
  for (const byte of bytes) sum ^= byte;
  return sum;
}

function hex(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, "0");
}

function checksumFault(what: string, text: string): DriverError {
  return new DriverError("NMEA_CHECKSUM", `sentence $${text.slice(0, 20)} ${what}`, {
    retry: "backoff",
    hint: "Check the baud rate and the cable of the receiver.",
  });
}

function framing(what: string, line: readonly number[]): DriverError {
  const start = String.fromCharCode(...line.slice(0, 20)).replaceAll(/[^ -~]/g, ".");
  return new DriverError("NMEA_FRAMING", `sentence $${start} is ${what}`, {
    retry: "backoff",
    hint: "Check the baud rate, and that this port sends NMEA 0183.",
  });
}
