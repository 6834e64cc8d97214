import { signal } from "@preact/signals";
import type { NodeAccounting, NodeView, RunRange } from "../../../api/schema/fleet.ts";
import { call } from "../api/client.ts";
import { onEvent } from "../api/events.ts";

export const nodes = signal<ReadonlyMap<string, NodeView>>(new Map());
/** When each node's presence was last told, by this browser: ages grow from there. */
const toldAtMs = new Map<string, number>();

export const ageSinceTold = (node: string): number => Date.now() - (toldAtMs.get(node) ?? Date.now());

export type Standing = "ok" | "attention" | "away";

/** A summary for sorting and colour only; the three facts of presence stand beside it and are never merged. */
export function standingOf(node: NodeView): Standing {
  if (node.presence.transport !== "connected") return "away";
  const hasTrouble = node.presence.devices.some(({ state }) => state !== "online" && state !== "parked");
  return hasTrouble || node.faults.length > 0 || node.accounting.unexplained > 0 ? "attention" : "ok";
}

/** What a list was told of its nodes: their ages grow from now. */
export function remember(views: readonly NodeView[]): void {
  const next = new Map(nodes.value);
  for (const view of views) {
    toldAtMs.set(view.id, Date.now());
    next.set(view.id, view);
  }
  nodes.value = next;
}

export async function loadNode(id: string): Promise<void> {
  remember([await call<NodeView>("GET", `/nodes/${encodeURIComponent(id)}`)]);
}

export function loadAccounting(id: string, which: "open" | "all", cursor?: string): Promise<NodeAccounting> {
  const page = cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`;
  return call<NodeAccounting>("GET", `/nodes/${encodeURIComponent(id)}/accounting?limit=50&which=${which}${page}`);
}

export function loadRunRanges(
  id: string,
  run: string,
  cursor?: string,
): Promise<{ readonly items: readonly RunRange[]; readonly next?: string }> {
  const page = cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`;
  return call("GET", `/nodes/${encodeURIComponent(id)}/accounting/${encodeURIComponent(run)}?limit=100${page}`);
}

/** Told at most this often: a fleet of a thousand says some thirty things a second. */
const GATHER_MS = 250;
const told = new Map<string, NodeView["presence"]>();

onEvent("presence", ({ node, presence }) => {
  if (!nodes.value.has(node)) return;
  if (told.size === 0) setTimeout(tellAll, GATHER_MS);
  told.set(node, presence);
});

function tellAll(): void {
  const known = [...told].flatMap(([id, presence]) => {
    const view = nodes.value.get(id);
    return view === undefined ? [] : [{ ...view, presence }];
  });
  told.clear();
  remember(known);
}
