import { type Selectable, sql } from "kysely";
import type { Trx } from "../store/database.ts";
import type { HellosTable, NodesTable } from "../store/fleet-tables.ts";
import { overRows } from "../store/over-rows.ts";
import { currentHello, type HelloState } from "./hello-state.ts";

export interface HelloRow {
  readonly state: HelloState;
  /** The node's alarms were settled by it; an alarm that arrives after that from below its heads unsettles it. */
  readonly isSettled: boolean;
}

/** Sessions whose hello is remembered: the one that stands, and those that overlap with it in transit. */
const REMEMBERED_SESSIONS = 3;

/** Newest heard last. */
export async function loadHellos(trx: Trx, node: string): Promise<readonly HelloRow[]> {
  return (await hellosOf(trx, [{ node }])).rows.map(helloOf);
}

function helloOf(row: Selectable<HellosTable>): HelloRow {
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

const hellosOf = overRows<{ node: string }, Selectable<HellosTable>>(
  { node: "text" },
  (given) => sql`select hellos.* from ${given} join hellos on hellos.node = given.node
    order by hellos.node, hellos.received_at_ms, hellos.session`,
);

/** A node's transport as its retained `state` says, and the hello that counts by it, see currentHello. */
export interface NodeSession {
  readonly session: string | undefined;
  readonly isOnline: boolean;
  readonly hello: HelloRow | undefined;
}

export async function loadSession(trx: Trx, node: string): Promise<NodeSession> {
  const sessions = await loadSessions(trx, [node]);
  return sessions.get(node) ?? { session: undefined, isOnline: false, hello: undefined };
}

/** Of each of these nodes. */
export async function loadSessions(trx: Trx, nodes: readonly string[]): Promise<Map<string, NodeSession>> {
  const asked = nodes.map((node) => ({ node }));
  const transports = new Map((await transportsOf(trx, asked)).rows.map((row) => [row.id, row]));
  const hellos = Map.groupBy((await hellosOf(trx, asked)).rows, ({ node }) => node);
  return new Map(
    nodes.map((node) => {
      const transport = transports.get(node);
      const session = transport?.session ?? undefined;
      const hello = currentHello((hellos.get(node) ?? []).map(helloOf), session);
      return [node, { session, isOnline: transport?.online === 1, hello }];
    }),
  );
}

const transportsOf = overRows<{ node: string }, Pick<Selectable<NodesTable>, "id" | "session" | "online">>(
  { node: "text" },
  (given) => sql`select nodes.id, nodes.session, nodes.online from ${given} join nodes on nodes.id = given.node`,
);

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
    .onConflict((conflict) => conflict.columns(["node", "session"]).doUpdateSet(values))
    .execute();
}

/** Forgets the oldest when more are held than can overlap in transit. */
export async function forgetOldHellos(trx: Trx, node: string, rows: readonly HelloRow[]): Promise<void> {
  for (const { state } of rows.slice(0, -REMEMBERED_SESSIONS)) {
    await trx.deleteFrom("hellos").where("node", "=", node).where("session", "=", state.session).execute();
  }
}

export async function markSettled(trx: Trx, node: string, session: string, isSettled: boolean): Promise<void> {
  await trx
    .updateTable("hellos")
    .set({ complete: isSettled ? 2 : 1 })
    .where("node", "=", node)
    .where("session", "=", session)
    .where("complete", "=", isSettled ? 1 : 2)
    .execute();
}
