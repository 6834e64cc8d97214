import type { Trx } from "../store/database.ts";
import type { HelloState } from "./hello-state.ts";

export interface HelloRow {
  readonly state: HelloState;
  /** The node's alarms were settled by it; an alarm that arrives after that from below its heads unsettles it. */
  readonly isSettled: boolean;
}

export async function loadHello(trx: Trx, node: string): Promise<HelloRow | undefined> {
  const row = await trx.selectFrom("hellos").selectAll().where("node", "=", node).executeTakeFirst();
  if (row === undefined) return undefined;
  const pages = JSON.parse(row.pages) as { heard: number[]; last: number | null };
  return {
    state: {
      session: row.session,
      current: row.current_run,
      pages: pages.heard,
      lastPage: pages.last ?? undefined,
      heads: new Map(JSON.parse(row.listed) as [string, number][]),
      open: JSON.parse(row.open) as string[],
    },
    isSettled: row.complete === 2,
  };
}

/** `complete` is 0 while pages are missing, 1 once all were heard, 2 once the alarms were settled by it. */
export async function saveHello(
  trx: Trx,
  node: string,
  state: HelloState,
  complete: 0 | 1 | 2,
  nowMs: number,
): Promise<void> {
  const values = {
    session: state.session,
    current_run: state.current,
    pages: JSON.stringify({ heard: state.pages, last: state.lastPage ?? null }),
    complete,
    listed: JSON.stringify([...state.heads]),
    open: JSON.stringify(state.open),
    received_at_ms: nowMs,
  };
  await trx
    .insertInto("hellos")
    .values({ node, ...values })
    .onConflict((conflict) => conflict.column("node").doUpdateSet(values))
    .execute();
}

export async function markSettled(trx: Trx, node: string, isSettled: boolean): Promise<void> {
  await trx
    .updateTable("hellos")
    .set({ complete: isSettled ? 2 : 1 })
    .where("node", "=", node)
    .where("complete", "=", isSettled ? 1 : 2)
    .execute();
}
