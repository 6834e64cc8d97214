import { DriverError } from "../errors.ts";

/** Longest message (2047 bits of user data, twice over) in hex, and room for a header on the same line. */
const MAX_LINE_CHARACTERS = 2048;
const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;

/** Cuts a radio's bytes into lines without their ends; empty ones are left out. Bounded whatever it is fed. */
export class LineReader {
  #line = "";
  #isOverlong = false;

  push(chunk: Uint8Array): (string | { readonly fault: DriverError })[] {
    const found: (string | { readonly fault: DriverError })[] = [];
    for (const byte of chunk) {
      if (byte === CARRIAGE_RETURN || byte === LINE_FEED) found.push(...this.end());
      else if (byte >= 0x20 && !this.#isOverlong) {
        this.#line += String.fromCharCode(byte);
        if (this.#line.length > MAX_LINE_CHARACTERS) {
          this.#isOverlong = true;
          this.#line = "";
          found.push({ fault: overlong() });
        }
      }
    }
    return found;
  }

  /** The line that has no end yet. */
  end(): string[] {
    const line = this.#line.trim();
    this.#line = "";
    this.#isOverlong = false;
    return line === "" ? [] : [line];
  }
}

function overlong(): DriverError {
  return new DriverError("PEI_LINE_TOO_LONG", `a line of more than ${MAX_LINE_CHARACTERS} characters`, {
    retry: "backoff",
    hint: "This is no PEI, or the baud rate is wrong: 115200 and 9600 are usual.",
  });
}
