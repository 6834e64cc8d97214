import { createHash, randomBytes } from "node:crypto";

const SESSION_MS = 12 * 3600_000;
const MOST_SESSIONS = 20;
/** So many wrong numbers in a row are a person's; what follows waits, twice as long each time. */
const FREE_TRIES = 5;
const FIRST_WAIT_MS = 5_000;
const LONGEST_WAIT_MS = 15 * 60_000;

/** Who is inside, and how soon somebody may try again. Eight digits hold for years behind this, from however many addresses. */
export class Door {
  readonly #isPin: (given: string) => Promise<boolean>;
  readonly #upMs: () => number;
  readonly #sessions = new Map<string, number>();
  #wrong = 0;
  #closedUntilUpMs = 0;
  #trying: Promise<unknown> = Promise.resolve();

  constructor(isPin: (given: string) => Promise<boolean>, upMs: () => number) {
    this.#isPin = isPin;
    this.#upMs = upMs;
  }

  /** One after another. @returns a session's secret; or in how many ms to come again, 0: the number was wrong */
  enter(given: string): Promise<{ readonly secret: string } | { readonly waitMs: number }> {
    const tried = this.#trying.then(async () => {
      const waitMs = Math.max(0, Math.ceil(this.#closedUntilUpMs - this.#upMs()));
      if (waitMs > 0) return { waitMs };
      if (await this.#isPin(given)) {
        this.#wrong = 0;
        return { secret: this.#open() };
      }
      this.#wrong += 1;
      if (this.#wrong >= FREE_TRIES) {
        const pauseMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (this.#wrong - FREE_TRIES));
        this.#closedUntilUpMs = this.#upMs() + pauseMs;
      }
      return { waitMs: 0 };
    });
    this.#trying = tried.catch(() => {});
    return tried;
  }

  isInside(secret: string | undefined): boolean {
    const until = secret === undefined ? undefined : this.#sessions.get(hashOf(secret));
    return until !== undefined && until > this.#upMs();
  }

  leave(secret: string | undefined): void {
    if (secret !== undefined) this.#sessions.delete(hashOf(secret));
  }

  #open(): string {
    for (const [hash, until] of this.#sessions) if (until <= this.#upMs()) this.#sessions.delete(hash);
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size >= MOST_SESSIONS && oldest !== undefined) this.#sessions.delete(oldest);
    const secret = randomBytes(32).toString("base64url");
    this.#sessions.set(hashOf(secret), this.#upMs() + SESSION_MS);
    return secret;
  }
}

function hashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}
