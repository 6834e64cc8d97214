const NAME = Buffer.from("PW=");
const STAR = 0x2a;
/** An HJ 212 station's is of six characters, its config takes 32: what goes on for longer is no password. */
const LONGEST = 64;
const ENDS = new Set(Buffer.from(";\r\n"));

/**
 * One way of a link, as it may be shown: stars in the place of what stands behind `PW=` (HJ 212 sends it in the clear). What
 * is hidden goes on where a chunk ends in its middle.
 */
export class PasswordMask {
  #named = 0;
  /** Bytes that may still belong to a password. */
  #left = 0;

  /** @returns as many bytes */
  hide(bytes: Uint8Array): Uint8Array {
    return bytes.map((byte) => {
      if (this.#left > 0 && !ENDS.has(byte)) {
        this.#left--;
        return STAR;
      }
      this.#left = 0;
      this.#name(byte);
      return byte;
    });
  }

  #name(byte: number): void {
    // 0x20 apart: a letter's other case.
    const isNext = byte === NAME[this.#named] || (byte & ~0x20) === NAME[this.#named];
    if (isNext) this.#named++;
    else this.#named = (byte & ~0x20) === NAME[0] ? 1 : 0;
    if (this.#named < NAME.length) return;
    this.#named = 0;
    this.#left = LONGEST;
  }
}
