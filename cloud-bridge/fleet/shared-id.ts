import type { Trx } from "../store/database.ts";

const REMEMBERED_RUNS = 16;

/**
 * Notices two boxes that carry one identity (a cloned card). A run is drawn anew at each start and never comes back, so a
 * hello of run A after one of run B, when A was there before B, can only come from a second box.
 * @param runs those that were heard of as the running one, newest last
 */
export function noteRun(
  runs: readonly string[],
  current: string,
): { readonly runs: readonly string[]; isBack: boolean } {
  if (runs.at(-1) === current) return { runs, isBack: false };
  const others = runs.filter((run) => run !== current);
  return { runs: [...others, current].slice(-REMEMBERED_RUNS), isBack: others.length < runs.length };
}

/**
 * The same over restarts of the bridge and for all its processes; the node's row is held. What comes in a session other than the
 * one that `state` names was long on its way, and proves nothing.
 * @returns whether this hello proves that the id is shared
 */
export async function isIdShared(
  trx: Trx,
  node: string,
  { session, current }: { readonly session: string; readonly current: string },
): Promise<boolean> {
  const row = await trx
    .selectFrom("nodes")
    .leftJoin("hello_runs", "hello_runs.node", "nodes.id")
    .select(["nodes.session", "hello_runs.runs"])
    .where("nodes.id", "=", node)
    .executeTakeFirst();
  if (row === undefined || (row.session !== null && row.session !== session)) return false;
  const before = JSON.parse(row.runs ?? "[]") as string[];
  const { runs, isBack } = noteRun(before, current);
  if (runs === before) return false;
  const values = { runs: JSON.stringify(runs) };
  await trx
    .insertInto("hello_runs")
    .values({ node, ...values })
    .onConflict((conflict) => conflict.column("node").doUpdateSet(values))
    .execute();
  return isBack;
}
