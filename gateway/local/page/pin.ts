import { type Argon2Parameters, argon2, randomBytes, randomInt, timingSafeEqual } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writePrivateFile } from "../../contracts/private-file.ts";

const FOLDER = "local";
const FILE = "pin";
/** OWASP's floor for argon2id. */
const COST = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 } as const;
const DIGITS = 8;

/** Of the page's PIN only this is kept: salt and hash, in hex. */
export class Pin {
  readonly #salt: Buffer;
  readonly #tag: Buffer;

  private constructor(salt: Buffer, tag: Buffer) {
    this.#salt = salt;
    this.#tag = tag;
  }

  /** @returns the PIN that holds; `fresh` is the number itself, the only time that anybody can see it, where it was made now */
  static async open(state: string): Promise<{ readonly pin: Pin; readonly fresh?: string }> {
    const path = join(state, FOLDER, FILE);
    const known = read(path);
    if (known !== undefined) return { pin: new Pin(known.salt, known.tag) };
    const fresh = String(randomInt(10 ** DIGITS)).padStart(DIGITS, "0");
    const salt = randomBytes(16);
    const tag = await derive(fresh, salt);
    writePrivateFile(path, `${salt.toString("hex")} ${tag.toString("hex")}\n`);
    return { pin: new Pin(salt, tag), fresh };
  }

  /** The next `open` makes another one. */
  static forget(state: string): void {
    rmSync(join(state, FOLDER, FILE), { force: true });
  }

  async is(given: string): Promise<boolean> {
    return timingSafeEqual(await derive(given.replace(/[\s-]/gu, "").slice(0, 64), this.#salt), this.#tag);
  }
}

function read(path: string): { readonly salt: Buffer; readonly tag: Buffer } | undefined {
  try {
    const [, salt, tag] = /^([0-9a-f]{32}) ([0-9a-f]{64})\s*$/u.exec(readFileSync(path, "utf8")) ?? [];
    return salt === undefined || tag === undefined
      ? undefined
      : { salt: Buffer.from(salt, "hex"), tag: Buffer.from(tag, "hex") };
  } catch {
    return undefined;
  }
}

function derive(message: string, nonce: Buffer): Promise<Buffer> {
  const parameters: Argon2Parameters = { message, nonce, ...COST };
  return new Promise((resolve, reject) => {
    argon2("argon2id", parameters, (error, tag) => (error === null ? resolve(tag) : reject(error)));
  });
}
