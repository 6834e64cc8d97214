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
