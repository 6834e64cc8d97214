import type { GatewayError } from "../contracts/gateway-error.ts";
import type { Logger } from "../contracts/logger.ts";

/** Says each trouble of the line once and counts what repeats, until the bridge has answered again. */
export class LinkTrouble {
  readonly #log: Logger;
  readonly #said = new Set<string>();
  #current: { readonly error: GatewayError; repeated: number } | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  get current() {
    if (this.#current === undefined) return undefined;
    const { error, repeated } = this.#current;
    return { code: error.code, message: error.message, hint: error.hint, repeated };
  }

  note(error: GatewayError, retryInMs: number): void {
    if (this.#current?.error.code === error.code) {
      this.#current.repeated += 1;
      return;
    }
    this.#current = { error, repeated: 0 };
    const { code, message, hint } = error;
    this.#log.warn({ code, reason: message, hint, retryInMs }, "no connection to the bridge, will retry");
  }

  once(code: string, say: () => void): void {
    if (this.#said.has(code)) return;
    this.#said.add(code);
    say();
  }

  end(): void {
    if (this.#current !== undefined && this.#current.repeated > 0) {
      this.#log.info(
        { code: this.#current.error.code, repeated: this.#current.repeated },
        "trouble of the line is over",
      );
    }
    this.#current = undefined;
    this.#said.clear();
  }
}
