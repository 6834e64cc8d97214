import { createHash } from "node:crypto";
import { canonicalJson } from "../../protocol/canonical-json.ts";
import type { Change } from "../cases/case-rows.ts";
import type { Trx } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";

/**
 * Lets an act happen once per account and key, within the act's own transaction.
 * @returns false when this very request has been done already
 * @throws BridgeError IDEMPOTENCY_KEY_REUSED when the key came with another request
 */
export async function isFirstTime(change: Change, accountId: string, key: string, request: unknown): Promise<boolean> {
  const again = { trx: change.trx, accountId, key, request, nowMs: change.nowMs };
  return (await recalled(again)) === undefined && (await remember(again, ""));
}

/** A request of an account under its key, in the transaction that answers it. */
export interface KeyedRequest {
  readonly trx: Trx;
  readonly accountId: string;
  readonly key: string;
  readonly request: unknown;
  readonly nowMs: number;
}

/**
 * What this very request was answered before; undefined: it is new.
 * @throws BridgeError IDEMPOTENCY_KEY_REUSED when the key came with another request
 */
export async function recalled({ trx, accountId, key, request }: KeyedRequest): Promise<string | undefined> {
  const known = await trx
    .selectFrom("idempotency")
    .select(["request_sha256", "response"])
    .where("account_id", "=", accountId)
    .where("key", "=", key)
    .executeTakeFirst();
  if (known === undefined) return undefined;
  if (known.request_sha256 === hashOf(request)) return known.response;
  throw new BridgeError("IDEMPOTENCY_KEY_REUSED", "this Idempotency-Key came with another request before", {
    status: 422,
    hint: "Draw a new key for each act; repeat a key only with the very same request.",
  });
}

export async function remember({ trx, accountId, key, request, nowMs }: KeyedRequest, response: string): Promise<true> {
  const row = { account_id: accountId, key, request_sha256: hashOf(request), status: 200, response, at_ms: nowMs };
  await trx.insertInto("idempotency").values(row).execute();
  return true;
}

function hashOf(request: unknown): string {
  return createHash("sha256").update(canonicalJson(request)).digest("hex");
}
