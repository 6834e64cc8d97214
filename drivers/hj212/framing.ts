import { DriverError } from "../errors.ts";
import { crc212, crcModbus } from "./crc.ts";
import { type Deviation, refused } from "./deviations.ts";

/** One data segment whose length and checksum were held against it. */
export interface Frame {
  readonly segment: Uint8Array;
  readonly deviations: readonly Deviation[];
}

export type FrameOrFault = { readonly frame: Frame } | { readonly fault: DriverError };

const HASH = 0x23;
const LF = 0x0a;
const CR = 0x0d;
const HEAD_BYTES = 6;
const CRC_BYTES = 4;
/** Head, the longest segment that four digits can say, checksum, line end. */
const MAX_FRAME_BYTES = HEAD_BYTES + 9999 + CRC_BYTES + 2;
const NOISE_PER_FAULT_BYTES = 256;
const NOTHING: Buffer = Buffer.alloc(0);

interface Candidate {
  readonly from: number;
  readonly end: number;
  readonly crcText: string;
  /** Where the frame ends, without its line end. */
  readonly tail: number;
  readonly isLengthWrong: boolean;
}

/**
 * Cuts a stream of bytes into frames `##` + length + segment + CRC + CR LF. The length leads; where it leads nowhere, the
 * line end does, and the frame deviates. Holds at most one frame.
 * @source HJ 212-2017, 6.3.2
 */
export class FrameReader {
  readonly #tolerate: ReadonlySet<Deviation>;
  #held: Buffer = NOTHING;
  #awaitsLineEnd = false;
  #noiseBytes = 0;
  #noiseReported = 0;

  constructor(tolerate: Iterable<Deviation>) {
    this.#tolerate = new Set(tolerate);
  }

  /** Whether a frame is whole but for its line end: when no more comes, `settle` takes it. */
  get awaitsLineEnd(): boolean {
    return this.#awaitsLineEnd;
  }

  get heldBytes(): number {
    return this.#held.length;
  }

  push(chunk: Uint8Array): FrameOrFault[] {
    this.#held = this.#held.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#held, chunk]);
    return this.#take(false);
  }

  /** The line is quiet: a frame that is whole but for its line end is one. */
  settle(): FrameOrFault[] {
    return this.#take(true);
  }

  /** No more bytes come. */
  end(): FrameOrFault[] {
    const found = this.#take(true);
    const cut = this.#held;
    this.#held = NOTHING;
    if (cut.length >= 2) found.push({ fault: framing(`the last ${cut.length} bytes are no whole frame`) });
    return found;
  }

  #take(isQuiet: boolean): FrameOrFault[] {
    const found: FrameOrFault[] = [];
    for (;;) {
      const next = this.#next(isQuiet);
      if (this.#noiseBytes - this.#noiseReported >= NOISE_PER_FAULT_BYTES) {
        found.push({ fault: framing(`${this.#noiseBytes - this.#noiseReported} bytes belong to no frame`) });
        this.#noiseReported = this.#noiseBytes;
      }
      if (next === undefined) return found;
      if (next !== "noise") found.push(next);
    }
  }

  #next(isQuiet: boolean): FrameOrFault | "noise" | undefined {
    this.#skipNoise();
    this.#awaitsLineEnd = false;
    const held = this.#held;
    if (held.length < HEAD_BYTES && !isQuiet) return undefined;
    const digits = /^\d{1,4}/.exec(held.toString("latin1", 2, HEAD_BYTES))?.[0];
    if (digits === undefined) {
      if (held.length < HEAD_BYTES) return undefined;
      this.#noiseBytes += 2;
      this.#drop(2);
      return "noise";
    }
    const from = 2 + digits.length;
    const candidate = this.#byLength(from, from + Number(digits), digits.length, isQuiet);
    if (candidate === "wait") return undefined;
    const chosen = candidate ?? this.#byLine(from);
    if (chosen === "wait") return this.#tooLong();
    if ("fault" in chosen) return chosen;
    const lineEnd = this.#lineEnd(chosen.tail, isQuiet);
    if (lineEnd === "wait") {
      this.#awaitsLineEnd = true;
      return undefined;
    }
    const segment = held.subarray(chosen.from, chosen.end);
    this.#drop(chosen.tail + lineEnd.bytes);
    const deviations = [
      ...(chosen.isLengthWrong ? (["wrong-length"] as const) : []),
      ...checksum(segment, chosen.crcText),
      ...lineEnd.deviations,
    ];
    const intolerable = deviations.find((deviation) => !this.#tolerate.has(deviation));
    if (intolerable === undefined) return { frame: { segment, deviations } };
    const seen = intolerable === "wrong-length" ? `length ${digits} is not the segment's ${segment.length}` : undefined;
    return { fault: intolerable === "wrong-crc" ? wrongChecksum(segment, chosen.crcText) : refused(intolerable, seen) };
  }

  /** The frame that the length field announces, where `&&` and a checksum stand at its end. */
  #byLength(from: number, end: number, digitCount: number, isQuiet: boolean): Candidate | "wait" | undefined {
    const held = this.#held;
    if (digitCount !== CRC_BYTES || end - from < 2 || held.length < end) return undefined;
    if (held.toString("latin1", end - 2, end) !== "&&") return undefined;
    const next = nextHead(held, from);
    if (next >= 0 && next < end) return undefined;
    const crcText = /^[0-9A-Fa-f]*/.exec(held.toString("latin1", end, end + CRC_BYTES))?.[0] ?? "";
    if (crcText.length < CRC_BYTES) {
      const after = held[end + crcText.length];
      if (after === undefined && !isQuiet) return "wait";
      if (after !== undefined && after !== CR && after !== LF && after !== HASH) return undefined;
    }
    return { from, end, crcText, tail: end + crcText.length, isLengthWrong: false };
  }

  /** The frame that ends with the line, or before the next one begins. */
  #byLine(from: number): Candidate | { readonly fault: DriverError } | "wait" {
    const held = this.#held;
    const line = held.indexOf(LF, from);
    const next = nextHead(held, from);
    const stop = line < 0 ? next : next < 0 ? line : Math.min(line, next);
    if (stop < 0) return "wait";
    const tail = stop > from && stop === line && held[stop - 1] === CR ? stop - 1 : stop;
    const closing = /(?<!CP=)&&([0-9A-Fa-f]{0,4})$/.exec(held.toString("latin1", Math.max(from, tail - 9), tail));
    if (closing !== null) {
      const crcText = closing[1] ?? "";
      const end = tail - crcText.length;
      return { from, end, crcText, tail, isLengthWrong: true };
    }
    if (next < 0 && this.#isAnnounced(from)) return "wait";
    this.#drop(stop === line ? stop + 1 : stop);
    return { fault: framing(`a frame breaks off after ${tail} bytes`) };
  }

  /** A line end inside a frame that has not all come may be a byte of its ciphertext. */
  #isAnnounced(from: number): boolean {
    const length = Number(this.#held.toString("latin1", 2, from));
    return this.#held.length < from + length + CRC_BYTES;
  }

  #lineEnd(
    tail: number,
    isQuiet: boolean,
  ): { readonly bytes: number; readonly deviations: readonly Deviation[] } | "wait" {
    const [first, second] = this.#held.subarray(tail, tail + 2);
    if (first === LF) return { bytes: 1, deviations: ["lf-only"] };
    if (first === CR && second === LF) return { bytes: 2, deviations: [] };
    if (!isQuiet && (first === undefined || (first === CR && second === undefined))) return "wait";
    return { bytes: first === CR ? 1 : 0, deviations: ["no-line-end"] };
  }

  #tooLong(): { readonly fault: DriverError } | undefined {
    if (this.#held.length <= MAX_FRAME_BYTES) return undefined;
    const next = nextHead(this.#held, HEAD_BYTES);
    const dropped = next < 0 ? this.#held.length : next;
    this.#drop(dropped);
    return { fault: framing(`${dropped} bytes come after ## without an end`) };
  }

  #skipNoise(): void {
    const held = this.#held;
    let start = held.indexOf("##");
    while (start >= 0 && held[start + 2] === HASH) start++;
    const end = start >= 0 ? start : held.at(-1) === HASH ? held.length - 1 : held.length;
    for (const byte of held.subarray(0, end)) if (byte !== LF && byte !== CR) this.#noiseBytes++;
    this.#drop(end);
  }

  #drop(count: number): void {
    this.#held = count >= this.#held.length ? NOTHING : this.#held.subarray(count);
  }
}

/** Where the next `##` with a digit begins, or -1. */
function nextHead(held: Buffer, from: number): number {
  for (let at = held.indexOf("##", from); at >= 0; at = held.indexOf("##", at + 1)) {
    const digit = held[at + 2];
    if (digit === undefined || (digit >= 0x30 && digit <= 0x39)) return at;
  }
  return -1;
}

function checksum(segment: Uint8Array, text: string): Deviation[] {
  if (text === "") return ["missing-crc"];
  const form: Deviation[] = [];
  if (/[a-f]/.test(text)) form.push("lower-case-crc");
  if (text.length < CRC_BYTES) form.push("short-crc");
  const given = Number.parseInt(text, 16);
  if (given === crc212(segment)) return form;
  const modbus = crcModbus(segment);
  const isModbus = given === modbus || given === (((modbus & 0xff) << 8) | (modbus >> 8));
  return [...form, isModbus ? "modbus-crc" : "wrong-crc"];
}

function wrongChecksum(segment: Uint8Array, text: string): DriverError {
  if (isCiphered(segment)) return ciphered();
  const right = crc212(segment).toString(16).toUpperCase().padStart(CRC_BYTES, "0");
  return new DriverError("HJ212_CRC", `wrong-crc: the frame says ${text}, its bytes give ${right}`, {
    retry: "backoff",
    hint: "Nothing of the frame is used. A line that spoils bytes, or a station with a checksum of its own.",
  });
}

/** SM4 leaves bytes in the data area that are no text. @source HJ 212-2025, appendix A */
export function isCiphered(segment: Uint8Array): boolean {
  const at = Buffer.from(segment.buffer, segment.byteOffset, segment.byteLength).indexOf("CP=&&");
  if (at < 0) return false;
  const area = segment.subarray(at + 5);
  if (Buffer.from(area.subarray(0, 3)).toString("latin1") === "{0x") return true;
  return area.some((byte) => byte < 0x20) || !isText(area);
}

export function ciphered(): DriverError {
  return new DriverError("HJ212_ENCRYPTED", "the data area is enciphered (SM4), which is not supported", {
    retry: "backoff",
    hint: "Switch the station's encryption off; its values are not read.",
  });
}

function isText(bytes: Uint8Array): boolean {
  try {
    strictUtf8.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true });

function framing(seen: string): DriverError {
  return new DriverError("HJ212_FRAMING", seen, {
    retry: "backoff",
    hint: "Whoever connects there does not speak HJ 212, or the line loses bytes.",
  });
}
