import { signal } from "@preact/signals";
import type { NodeView } from "../../../api/schema/fleet.ts";
import type { FleetSummary } from "../../../api/schema/fleet-list.ts";
import { call } from "../api/client.ts";
import { nodes, remember } from "./fleet.ts";

export const PAGE = 50;
/** What the address may say; each goes to the bridge as it stands. */
const FILTERS = [
  ...["q", "unitId", "siteId", "standing", "device", "fault", "custody", "fullWithinH"],
  ...["version", "config", "timeQuality", "online", "faulty"],
] as const;
const ORDER = ["sort", "group", "cursor"] as const;

export interface FleetList {
  /** The address that it answers. */
  readonly search: string;
  readonly ids: readonly string[];
  readonly next: string | undefined;
  readonly summary: FleetSummary;
}

export const fleetList = signal<FleetList | undefined>(undefined);
let wanted = "";

/** One page of the fleet as an address asks for it. An answer to an address that was left is dropped. */
export async function loadFleet(search: string): Promise<void> {
  wanted = search;
  const asked = new URLSearchParams(search);
  const filter = picked(asked, FILTERS);
  const order = picked(asked, ORDER);
  const summaryQuery = new URLSearchParams(filter);
  const group = asked.get("group");
  if (group !== null) summaryQuery.set("group", group);
  const query = new URLSearchParams([...filter, ...order, ["limit", String(PAGE)]]);
  const [page, summary] = await Promise.all([
    call<{ items: NodeView[]; next?: string }>("GET", `/nodes?${query}`),
    call<FleetSummary>("GET", `/fleet/summary?${summaryQuery}`),
  ]);
  if (wanted !== search) return;
  nodes.value = new Map();
  remember(page.items);
  fleetList.value = { search, ids: page.items.map(({ id }) => id), next: page.next, summary };
}

export const refreshFleet = (): Promise<void> => loadFleet(wanted);

/** The address with something else chosen: it begins at the first page again. */
export function chosen(search: string, key: string, value: string | undefined): string {
  const query = new URLSearchParams(search);
  if (value === undefined || value === "") query.delete(key);
  else query.set(key, value);
  if (key !== "cursor") query.delete("cursor");
  const text = query.toString();
  return text === "" ? "/nodes" : `/nodes?${text}`;
}

/** Whether anything is chosen at all. */
export function isChosen(search: string): boolean {
  return picked(new URLSearchParams(search), FILTERS).size > 0;
}

function picked(query: URLSearchParams, names: readonly string[]): URLSearchParams {
  return new URLSearchParams([...query].filter(([name, value]) => names.includes(name) && value !== ""));
}
