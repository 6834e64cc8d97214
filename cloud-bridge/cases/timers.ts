import type { Trx } from "../store/database.ts";

/** `propose`, `dispatch` and `resume` name a case, `acknowledge` an assignment. */
export type TimerKind = "propose" | "dispatch" | "resume" | "acknowledge";
export const TIMER_KINDS: readonly TimerKind[] = ["propose", "dispatch", "resume", "acknowledge"];

/** Sets the one open timer of its kind, or moves it. */
export async function setTimer(trx: Trx, kind: TimerKind, ref: string, dueAtMs: number, nowMs: number): Promise<void> {
  const moved = await trx
    .updateTable("timers")
    .set({ due_at_ms: dueAtMs })
    .where("kind", "=", kind)
    .where("ref", "=", ref)
    .where("done_at_ms", "is", null)
    .executeTakeFirst();
  if (moved.numUpdatedRows > 0n) return;
  await trx.insertInto("timers").values({ kind, ref, due_at_ms: dueAtMs, created_at_ms: nowMs }).execute();
}

export async function cancelTimer(trx: Trx, kind: TimerKind, ref: string, nowMs: number): Promise<void> {
  await trx
    .updateTable("timers")
    .set({ done_at_ms: nowMs })
    .where("kind", "=", kind)
    .where("ref", "=", ref)
    .where("done_at_ms", "is", null)
    .execute();
}

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
