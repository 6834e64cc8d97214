import { createHash } from "node:crypto";
import { canonicalJson } from "../../protocol/canonical-json.ts";
import type { Change } from "../cases/case-rows.ts";
import { BridgeError } from "../store/errors.ts";

/**
 * Lets an act happen once per account and key, within the act's own transaction.
 * @returns false when this very request has been done already
 * @throws BridgeError IDEMPOTENCY_KEY_REUSED when the key came with another request
 */
export async function isFirstTime(change: Change, accountId: string, key: string, request: unknown): Promise<boolean> {
  const sha256 = createHash("sha256").update(canonicalJson(request)).digest("hex");
  const known = await change.trx
    .selectFrom("idempotency")
    .select("request_sha256")
    .where("account_id", "=", accountId)
    .where("key", "=", key)
    .executeTakeFirst();
  if (known === undefined) {
    await change.trx
      .insertInto("idempotency")
      .values({
        account_id: accountId,
        key,
        request_sha256: sha256,
        status: 200,
        response: "",
        at_ms: change.nowMs,
      })
      .execute();
    return true;
  }
  if (known.request_sha256 === sha256) return false;
  throw new BridgeError("IDEMPOTENCY_KEY_REUSED", "this Idempotency-Key came with another request before", {
    status: 422,
    hint: "Draw a new key for each act; repeat a key only with the very same request.",
  });
}
