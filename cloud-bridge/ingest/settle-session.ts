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
    .select(["run", "head", "stored", "declared", "reasons"])
    .where("node", "=", node)
    .where("listed", "=", 1)
    .where("gaps", ">", 0)
    .execute();
  for (const run of runs) {
    const head = hello.state.heads.get(run.run);
    if (head !== undefined && !isAccounted(ledgerOf(run), head)) return false;
  }
  const { current, heads, open } = hello.state;
  const changed = await settleAlarms(trx, node, { current, heads, open: new Set(open) }, nowMs);
  await markSettled(trx, node, hello.state.session, true);
  return changed > 0;
}

/**
 * A hello heard whole says which runs the node holds. A gap in any other will not be filled: it is unexplained, and
 * somebody must know.
 * @returns whether alarms changed
 */
export async function listRuns(
  trx: Trx,
  node: string,
  heads: ReadonlyMap<string, number>,
  nowMs: number,
): Promise<boolean> {
  const runs = await trx.selectFrom("runs").select(["run", "listed"]).where("node", "=", node).execute();
  for (const listed of [0, 1]) {
    const changed = runs.filter((run) => (heads.has(run.run) ? 1 : 0) === listed && run.listed !== listed);
    for (let at = 0; at < changed.length; at += RUNS_A_STATEMENT) {
      const part = changed.slice(at, at + RUNS_A_STATEMENT).map(({ run }) => run);
      await trx.updateTable("runs").set({ listed }).where("node", "=", node).where("run", "in", part).execute();
    }
  }
  return noteUnexplained(trx, node, nowMs);
}

const RUNS_A_STATEMENT = 500;

/** Runs that the fault names; beyond them it says how many more there are. */
const NAMED_RUNS = 3;
const NAMED_RANGES = 8;

/**
 * Raises the node's fault while anything is unexplained, naming the newest runs and their ranges, and clears it once
 * nothing is: the run is listed again, its records came after all, or the node declared them.
 * @returns whether alarms changed
 */
export async function noteUnexplained(trx: Trx, node: string, nowMs: number): Promise<boolean> {
  const lost = trx.selectFrom("runs").where("node", "=", node).where("listed", "=", 0).where("gaps", ">", 0);
  const { runs, seqs } = await lost
    .select(({ fn }) => [fn.countAll<number>().as("runs"), fn.sum<number | null>("gaps").as("seqs")])
    .executeTakeFirstOrThrow();
  const fault = { node, rule: "seq-unexplained" } as const;
  if (Number(runs) === 0) return clearFault(trx, fault, nowMs);
  const newest = await lost
    .select(["run", "head", "stored", "declared", "reasons"])
    .orderBy("first_received_ms", "desc")
    .orderBy("run")
    .limit(NAMED_RUNS)
    .execute();
  const named = newest.map((row) => {
    const gaps = gapsOf(ledgerOf(row));
    const ranges = gaps.slice(0, NAMED_RANGES).map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`));
    const more = gaps.length > NAMED_RANGES ? ` (+${gaps.length - NAMED_RANGES})` : "";
    return `${row.run}: ${ranges.join(", ")}${more}`;
  });
  const others = Number(runs) > NAMED_RUNS ? ` · +${Number(runs) - NAMED_RUNS}` : "";
  return raiseFault(trx, { ...fault, detail: `${Number(seqs)} · ${named.join(" · ")}${others}` }, nowMs);
}
