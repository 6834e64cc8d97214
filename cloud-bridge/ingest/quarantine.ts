import { raiseFault } from "../alarms/faults.ts";
import type { Trx } from "../store/database.ts";
import { mayBeUrgent, type Quarantined } from "./take-envelope.ts";

/**
 * Keeps what is no record, or what has another's key: its bytes up to the node's share, beyond it only seq, hash and code.
 * A person hears of it: of what may have been an alarm through the node's case "unreadable alarm".
 */
export async function quarantine(
  trx: Trx,
  place: { readonly node: string; readonly run: string },
  items: readonly Quarantined[],
  limitBytes: number,
  nowMs: number,
): Promise<void> {
  if (items.length === 0) return;
  let heldBytes = await heldBy(trx, place.node);
  for (const { seq, sha256, code, kind, bytes } of items) {
    const isKept = heldBytes + bytes.length <= limitBytes;
    if (isKept) heldBytes += bytes.length;
    await trx
      .insertInto("quarantine")
      .values({
        ...place,
        seq,
        sha256,
        code,
        message: isKept ? "kept whole" : "beyond the node's share: only its hash is kept",
        kind: kind ?? null,
        received_at_ms: nowMs,
        size_bytes: bytes.length,
        bytes: isKept ? bytes : null,
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
  await raiseFault(trx, { node: place.node, rule: "quarantine" }, nowMs);
  if (items.some(({ kind, code }) => code !== "RECORD_CLASH" && mayBeUrgent(kind))) {
    await raiseFault(trx, { node: place.node, rule: "unreadable-alarm" }, nowMs);
  }
}

async function heldBy(trx: Trx, node: string): Promise<number> {
  const row = await trx
    .selectFrom("quarantine")
    .select(({ fn }) => fn.sum<number | null>("size_bytes").as("bytes"))
    .where("node", "=", node)
    .where("bytes", "is not", null)
    .executeTakeFirst();
  return Number(row?.bytes ?? 0);
}
