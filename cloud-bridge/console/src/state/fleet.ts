import { computed, signal } from "@preact/signals";
import type { NodeAccounting, NodeView, RunRange } from "../../../api/schema/fleet.ts";
import { call } from "../api/client.ts";
import { onEvent, streamClient } from "../api/events.ts";

export const nodes = signal<ReadonlyMap<string, NodeView>>(new Map());
export const isFleetLoaded = signal(false);
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

const ORDER: Record<Standing, number> = { away: 0, attention: 1, ok: 2 };
export const nodesInOrder = computed(() =>
  [...nodes.value.values()].sort(
    (a, b) => ORDER[standingOf(a)] - ORDER[standingOf(b)] || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0),
  ),
);

function put(view: NodeView): void {
  toldAtMs.set(view.id, Date.now());
  nodes.value = new Map(nodes.value).set(view.id, view);
}

export async function loadNodes(): Promise<void> {
  const { items } = await call<{ items: NodeView[] }>("GET", "/nodes?limit=500");
  for (const view of items) toldAtMs.set(view.id, Date.now());
  nodes.value = new Map(items.map((view) => [view.id, view]));
  isFleetLoaded.value = true;
}

export async function loadNode(id: string): Promise<void> {
  put(await call<NodeView>("GET", `/nodes/${encodeURIComponent(id)}`));
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

onEvent("presence", ({ node, presence }) => {
  const known = nodes.value.get(node);
  if (known) put({ ...known, presence });
  else if (isFleetLoaded.value) void loadNode(node).catch(() => {});
});

streamClient.subscribe((client) => {
  if (client !== undefined && isFleetLoaded.value) void loadNodes().catch(() => {});
});
