import type { Db } from "../store/database.ts";

export interface AuditEntry {
  /** An account's name, or `cli:<system user>`. */
  readonly actor: string;
  /** e.g. `sign-in`, `node.add` */
  readonly action: string;
  readonly target?: string;
  readonly address?: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** Notes who did what to the bridge itself; what happens to a case stands in the case's timeline. */
export async function audit(db: Db, entry: AuditEntry, nowMs: number): Promise<void> {
  await db
    .insertInto("audit")
    .values({
      at_ms: nowMs,
      actor: entry.actor,
      action: entry.action,
      target: entry.target ?? null,
      address: entry.address ?? null,
      detail: entry.detail === undefined ? null : JSON.stringify(entry.detail),
    })
    .execute();
}

export interface AuditRow {
  readonly id: number;
  readonly atMs: number;
  readonly actor: string;
  readonly action: string;
  readonly detail?: Record<string, unknown>;
}

/** What was done to one thing, newest first, from before an id. */
export async function auditOfTarget(
  db: Db,
  target: string,
  limit: number,
  beforeId?: number,
): Promise<readonly AuditRow[]> {
  let rows = db.selectFrom("audit").selectAll().where("target", "=", target).orderBy("id", "desc").limit(limit);
  if (beforeId !== undefined) rows = rows.where("id", "<", beforeId);
  return (await rows.execute()).map(({ id, at_ms: atMs, actor, action, detail }) => ({
    ...{ id, atMs, actor, action },
    ...(detail === null ? {} : { detail: JSON.parse(detail) as Record<string, unknown> }),
  }));
}
