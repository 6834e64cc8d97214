import { Compile } from "typebox/compile";
import { NodeState } from "../../protocol/session.ts";
import { lockNode } from "../fleet/lock-node.ts";
import type { Trx } from "../store/database.ts";
import { loadSession } from "./hello-rows.ts";
import { isComplete } from "./hello-state.ts";
import { listRuns, settleSession } from "./settle-session.ts";

const checkedState = Compile(NodeState);

/**
 * Takes a node's retained `state` or its last will. A will of another session than the one that stands is ignored: the node
 * is connected again already.
 * @param worker the process that holds the connection, where a broker of ours does
 */
export async function applyNodeState(
  trx: Trx,
  node: string,
  bytes: Uint8Array,
  nowMs: number,
  worker: string | undefined,
): Promise<{ readonly isPresence: boolean; readonly hasAlarms: boolean }> {
  const state = stateOf(bytes);
  if (state === undefined) return { isPresence: false, hasAlarms: false };
  await lockNode(trx, node);
  const row = await trx.selectFrom("nodes").select(["session", "online"]).where("id", "=", node).executeTakeFirst();
  const isOld = !state.online && row?.session != null && row.session !== state.session;
  if (isOld) return { isPresence: false, hasAlarms: false };
  const values = {
    online: state.online ? 1 : 0,
    session: state.session,
    version: state.version,
    state_at_ms: nowMs,
    last_seen_at_ms: nowMs,
    worker: worker ?? null,
  };
  await trx
    .insertInto("nodes")
    .values({ id: node, created_at_ms: nowMs, ...values })
    .onConflict((conflict) => conflict.column("id").doUpdateSet(values))
    .execute();
  const standing = await loadSession(trx, node);
  const hello = standing.hello?.state;
  const isHeard = state.online && hello?.session === state.session && isComplete(hello);
  const hasGap = isHeard && (await listRuns(trx, node, hello.heads, nowMs));
  const isSettled = await settleSession(trx, node, standing, nowMs);
  return { isPresence: true, hasAlarms: hasGap || isSettled };
}

function stateOf(bytes: Uint8Array): NodeState | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    return checkedState.Check(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
