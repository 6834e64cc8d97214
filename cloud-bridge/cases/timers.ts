import type { Trx } from "../store/database.ts";
import { prepared } from "../store/prepared.ts";

/**
 * `acknowledge` names an assignment, `inhibition` and `permit` one of those, `whistle-…` a leg of a whistle, the others a case:
 * `arrive` and `total` are the clocks of its class.
 */
export const TIMER_KINDS = [
  "propose",
  "dispatch",
  "resume",
  "acknowledge",
  "arrive",
  "total",
  "inhibition",
  "permit",
  "whistle-scene",
  "whistle-handle",
] as const;
export type TimerKind = (typeof TIMER_KINDS)[number];

/** Sets the one open timer of its kind, or moves it. */
export async function setTimer(trx: Trx, kind: TimerKind, ref: string, dueAtMs: number, nowMs: number): Promise<void> {
  const moved = await moveTimer(trx, { kind, ref, dueAtMs });
  if ((moved.numAffectedRows ?? 0n) > 0n) return;
  await insertTimer(trx, { kind, ref, dueAtMs, nowMs });
}

const moveTimer = prepared((db, { kind, ref, dueAtMs }: { kind: TimerKind; ref: string; dueAtMs: number }) =>
  db
    .updateTable("timers")
    .set({ due_at_ms: dueAtMs })
    .where("kind", "=", kind)
    .where("ref", "=", ref)
    .where("done_at_ms", "is", null),
);

type NewTimer = { kind: TimerKind; ref: string; dueAtMs: number; nowMs: number };
const insertTimer = prepared((db, { kind, ref, dueAtMs, nowMs }: NewTimer) =>
  db.insertInto("timers").values({ kind, ref, due_at_ms: dueAtMs, created_at_ms: nowMs }),
);

export async function cancelTimer(trx: Trx, kind: TimerKind, ref: string, nowMs: number): Promise<void> {
  await endTimer(trx, { kind, ref, nowMs });
}

const endTimer = prepared((db, { kind, ref, nowMs }: { kind: TimerKind; ref: string; nowMs: number }) =>
  db
    .updateTable("timers")
    .set({ done_at_ms: nowMs })
    .where("kind", "=", kind)
    .where("ref", "=", ref)
    .where("done_at_ms", "is", null),
);

/** Takes a due timer for the transaction that acts on it. @returns false when another took it */
export async function takeTimer(trx: Trx, id: number, nowMs: number): Promise<boolean> {
  const taken = await trx
    .updateTable("timers")
    .set({ done_at_ms: nowMs })
    .where("id", "=", id)
    .where("done_at_ms", "is", null)
    .executeTakeFirst();
  return taken.numUpdatedRows > 0n;
}
