import type { FastifyRequest } from "fastify";
import { BridgeError } from "../store/errors.ts";

const KEY = /^[A-Za-z0-9_-]{8,64}$/u;

/**
 * Two requests of one account with one key are one act: the desk remembers the key in the act's own transaction.
 * @throws BridgeError IDEMPOTENCY_KEY_MISSING
 */
export function idempotencyKey(request: FastifyRequest): string {
  const key = request.headers["idempotency-key"];
  if (typeof key === "string" && KEY.test(key)) return key;
  throw new BridgeError("IDEMPOTENCY_KEY_MISSING", "this act needs an Idempotency-Key", {
    status: 400,
    hint: "Send a random key of 8 to 64 letters and digits, e.g. a UUID; the same one when you repeat the act.",
  });
}
