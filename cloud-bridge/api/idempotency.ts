import { createHash } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { canonicalJson } from "../../protocol/canonical-json.ts";
import type { Db } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import { accountOf } from "./access-control.ts";

const KEY = /^[A-Za-z0-9_-]{8,64}$/u;
const KEPT_MS = 24 * 3600_000;

/** Two requests of one account with one key are one act: the second gets the first one's answer. */
export class IdempotentActs {
  readonly #db: Db;
  readonly #nowMs: () => number;
  readonly #running = new Map<string, Promise<unknown>>();

  constructor(db: Db, nowMs: () => number) {
    this.#db = db;
    this.#nowMs = nowMs;
  }

  /** @throws BridgeError IDEMPOTENCY_KEY_MISSING, IDEMPOTENCY_KEY_REUSED, or what the act throws: then nothing is kept */
  async once<T>(request: FastifyRequest, act: () => Promise<T>): Promise<T> {
    const key = request.headers["idempotency-key"];
    if (typeof key !== "string" || !KEY.test(key)) {
      throw new BridgeError("IDEMPOTENCY_KEY_MISSING", "this act needs an Idempotency-Key", {
        status: 400,
        hint: "Send a random key of 8 to 64 letters and digits, e.g. a UUID; the same one when you repeat the act.",
      });
    }
    const account = accountOf(request).id;
    const asked = { method: request.method, url: request.url, body: request.body ?? null };
    const sha256 = createHash("sha256").update(canonicalJson(asked)).digest("hex");
    const id = `${account} ${key}`;
    // In line behind an act with the same key that is still running: it may be this very one, sent twice.
    const before = this.#running.get(id) ?? Promise.resolve();
    const mine = before.catch(() => {}).then(() => this.#replayOrAct(account, key, sha256, act));
    this.#running.set(id, mine);
    try {
      return await mine;
    } finally {
      if (this.#running.get(id) === mine) this.#running.delete(id);
    }
  }

  async #replayOrAct<T>(account: string, key: string, sha256: string, act: () => Promise<T>): Promise<T> {
    const kept = await this.#find(account, key);
    if (kept === undefined) return this.#act(account, key, sha256, act);
    if (kept.request_sha256 !== sha256) throw reusedKey();
    // The answer of the same route to the same request.
    return JSON.parse(kept.response) as T;
  }

  #find(account: string, key: string) {
    return this.#db
      .selectFrom("idempotency")
      .select(["request_sha256", "response"])
      .where("account_id", "=", account)
      .where("key", "=", key)
      .executeTakeFirst();
  }

  async #act<T>(account: string, key: string, sha256: string, act: () => Promise<T>): Promise<T> {
    const answer = await act();
    const nowMs = this.#nowMs();
    await this.#db
      .deleteFrom("idempotency")
      .where("at_ms", "<", nowMs - KEPT_MS)
      .execute();
    await this.#db
      .insertInto("idempotency")
      .values({
        account_id: account,
        key,
        request_sha256: sha256,
        status: 200,
        response: JSON.stringify(answer ?? null),
        at_ms: nowMs,
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    return answer;
  }
}

function reusedKey(): BridgeError {
  return new BridgeError("IDEMPOTENCY_KEY_REUSED", "this Idempotency-Key belongs to another act", {
    status: 409,
    hint: "Make a new key for each act; repeat one only with the same request.",
  });
}
