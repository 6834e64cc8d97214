import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

const REALM = "shao sim camera";

/** Digest access, as cameras ask for it: MD5, without `qop`. @source RFC 2617 §3.2 */
export class Digest {
  readonly #user: string;
  readonly #password: string;
  readonly #nonce = randomBytes(16).toString("hex");

  constructor(user: string, password: string) {
    this.#user = user;
    this.#password = password;
  }

  get challenge(): string {
    return `Digest realm="${REALM}", nonce="${this.#nonce}"`;
  }

  allows(method: string, header: string | undefined): boolean {
    if (header === undefined || !/^digest /i.test(header)) return false;
    const fields = new Map([...header.matchAll(/(\w+)="?([^",]*)"?/g)].map(([, key = "", value = ""]) => [key, value]));
    if (fields.get("username") !== this.#user || fields.get("nonce") !== this.#nonce) return false;
    const secret = md5(`${this.#user}:${REALM}:${this.#password}`);
    const expected = md5(`${secret}:${this.#nonce}:${md5(`${method}:${fields.get("uri") ?? ""}`)}`);
    const given = fields.get("response") ?? "";
    return given.length === expected.length && timingSafeEqual(Buffer.from(given), Buffer.from(expected));
  }
}

function md5(text: string): string {
  return createHash("md5").update(text).digest("hex");
}
