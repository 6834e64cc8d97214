import { settleAlarms } from "../alarms/apply-alarm.ts";
import { clearFault, raiseFault } from "../alarms/faults.ts";
import type { Trx } from "../store/database.ts";
import { gapsOf, isAccounted } from "../store/ledger.ts";
import { markSettled, type NodeSession } from "./hello-rows.ts";
import { isComplete } from "./hello-state.ts";
import { ledgerOf } from "./ledger-rows.ts";

/**
 * Settles a node's alarms by its hello, if it was heard whole, is that of the session that the retained `state` names, and
 * nothing up to its heads is outstanding.
 * @returns whether alarms changed
 */
export async function settleSession(
  trx: Trx,
  node: string,
  { session, isOnline, hello }: NodeSession,
  nowMs: number,
): Promise<boolean> {
  if (hello === undefined || hello.isSettled || !isComplete(hello.state)) return false;
  if (!isOnline || session !== hello.state.session) return false;
  const runs = await trx
    .selectFrom("runs")
    .select(["run", "head", "stored", "declared"])
    .where("node", "=", node)
    .where("listed", "=", 1)
    .execute();
  for (const run of runs) {
    const head = hello.state.heads.get(run.run);
    if (head !== undefined && !isAccounted(ledgerOf(run), head)) return false;
  }
  const changed = await settleAlarms(trx, node, { heads: hello.state.heads, open: new Set(hello.state.open) }, nowMs);
  await markSettled(trx, node, hello.state.session, true);
  return changed > 0;
}

/**
 * A hello heard whole says which runs the node holds. A gap in any other will not be filled: it is unexplained, and
 * somebody must know.
 * @returns whether a gap is unexplained
 */
export async function listRuns(
  trx: Trx,
  node: string,
  heads: ReadonlyMap<string, number>,
  nowMs: number,
): Promise<boolean> {
  const runs = await trx
    .selectFrom("runs")
    .select(["run", "head", "stored", "declared", "listed"])
    .where("node", "=", node)
    .execute();
  let hasUnexplained = false;
  for (const run of runs) {
    const listed = heads.has(run.run) ? 1 : 0;
    if (run.listed !== listed) {
      await trx.updateTable("runs").set({ listed }).where("node", "=", node).where("run", "=", run.run).execute();
    }
    if (listed === 0 && gapsOf(ledgerOf(run)).length > 0) hasUnexplained = true;
  }
  await (hasUnexplained ? raiseFault : clearFault)(trx, { node, rule: "seq-unexplained" }, nowMs);
  return hasUnexplained;
}
