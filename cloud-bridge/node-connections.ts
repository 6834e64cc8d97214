import type { Link } from "./broker/link.ts";
import type { Db } from "./store/database.ts";

/** This process has no connection yet, whatever the one before it had. */
export async function noteAllGone(db: Db, nowMs: number): Promise<void> {
  await db.updateTable("nodes").set({ online: 0, state_at_ms: nowMs }).where("online", "=", 1).execute();
}

/** Nodes that the command line revoked beside us. */
export async function cutRevoked(db: Db, link: Link): Promise<void> {
  const rows = await db.selectFrom("nodes").select("id").where("revoked_at_ms", "is not", null).execute();
  for (const { id } of rows) link.disconnect(id);
}

export async function countOnline(db: Db): Promise<number> {
  const { count } = await db
    .selectFrom("nodes")
    .select((from) => from.fn.countAll<number>().as("count"))
    .where("online", "=", 1)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Nodes that are called connected and of whom a broker that should know them has said nothing since. @returns those */
export async function noteSilentGone(db: Db, sinceMs: number, nowMs: number): Promise<readonly string[]> {
  const gone = await db
    .updateTable("nodes")
    .set({ online: 0, state_at_ms: nowMs })
    .where("online", "=", 1)
    .where("state_at_ms", "<", sinceMs)
    .returning("id")
    .execute();
  return gone.map(({ id }) => id);
}
