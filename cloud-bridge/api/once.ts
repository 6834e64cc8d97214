import type { FastifyRequest } from "fastify";
import { recalled, remember } from "../dispatch/idempotency.ts";
import type { BridgeClock } from "../store/clock.ts";
import type { Db, Trx } from "../store/database.ts";
import { changing, lockDesk } from "../store/transactions.ts";
import { accountOf } from "./access-control.ts";
import { idempotencyKey } from "./idempotency.ts";

/**
 * One transaction that changes a register. With an Idempotency-Key the same request of the same account happens once, and
 * whoever repeats it gets the answer of the first time.
 * @param act its answer must survive a journey through JSON
 * @throws BridgeError IDEMPOTENCY_KEY_MISSING for one that is no key, IDEMPOTENCY_KEY_REUSED
 */
export async function once<T>(
  request: FastifyRequest,
  { db, clock }: { readonly db: Db; readonly clock: BridgeClock },
  act: (trx: Trx, nowMs: number) => Promise<T>,
): Promise<T> {
  const key = request.headers["idempotency-key"] === undefined ? undefined : idempotencyKey(request);
  return changing(db, async (trx) => {
    await lockDesk(trx);
    const nowMs = clock.nowMs();
    if (key === undefined) return act(trx, nowMs);
    const { method, url, body = null } = request;
    const asked = { trx, accountId: accountOf(request).id, key, request: { method, url, body }, nowMs };
    const before = await recalled(asked);
    if (before !== undefined) return JSON.parse(before) as T;
    const answer = await act(trx, nowMs);
    await remember(asked, JSON.stringify(answer));
    return answer;
  });
}
