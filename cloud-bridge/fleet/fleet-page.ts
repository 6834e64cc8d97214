import { BridgeError } from "../store/errors.ts";
import { type FleetEntry, groupOf, rankOf } from "./fleet-index.ts";
import type { FleetGroup, FleetSort } from "./fleet-order.ts";

export interface FleetOrder {
  readonly sort: FleetSort;
  readonly isFalling: boolean;
  /** Groups rise by name, whatever the order within them. */
  readonly group?: FleetGroup;
}

type Rank = string | number | null;
type Place = readonly [group: string, key: string, rank: Rank, id: string];

/**
 * What follows a place in this order: pages meet without a gap whatever comes or goes in between.
 * @param after the place of a page's last entry, as `placeOf` wrote it
 * @throws BridgeError CURSOR_INVALID for a place in another order
 */
export function inOrder(entries: readonly FleetEntry[], order: FleetOrder, after?: string): FleetEntry[] {
  const from = after === undefined ? undefined : placeNamed(after, order);
  return entries
    .map((entry) => ({ entry, place: placeIn(entry, order) }))
    .filter(({ place }) => from === undefined || compare(place, from, order) > 0)
    .sort((a, b) => compare(a.place, b.place, order))
    .map(({ entry }) => entry);
}

export function placeOf(entry: FleetEntry, order: FleetOrder): string {
  return JSON.stringify([nameOf(order), ...placeIn(entry, order)]);
}

function placeIn(entry: FleetEntry, { sort, group }: FleetOrder): Place {
  const { key, name } = group === undefined ? { key: "", name: "" } : groupOf(entry, group);
  return [name, key, rankOf(entry, sort) ?? null, entry.id];
}

function compare(a: Place, b: Place, { isFalling }: FleetOrder): number {
  // Who belongs to nobody comes last.
  const byGroup = Number(a[0] === "") - Number(b[0] === "") || against(a[0], b[0]) || against(a[1], b[1]);
  if (byGroup !== 0) return byGroup;
  const within = against(a[2], b[2]) || against(a[3], b[3]);
  return isFalling ? -within : within;
}

/** What has no value comes last when rising. */
function against(a: Rank, b: Rank): number {
  if (a === b) return 0;
  if (a === null || b === null) return a === null ? 1 : -1;
  return a < b ? -1 : 1;
}

function nameOf({ sort, isFalling, group }: FleetOrder): string {
  return `${group ?? ""}/${isFalling ? "-" : ""}${sort}`;
}

function placeNamed(text: string, order: FleetOrder): Place {
  try {
    const named: unknown = JSON.parse(text);
    if (Array.isArray(named) && named.length === 5 && named[0] === nameOf(order)) {
      const [, name, key, rank, id] = named as unknown[];
      const isRank = rank === null || typeof rank === "string" || typeof rank === "number";
      if (isRank) return [String(name), String(key), rank, String(id)];
    }
  } catch {
    // Told below, like one of another order.
  }
  throw new BridgeError("CURSOR_INVALID", "the cursor is not one of this list in this order", {
    status: 400,
    hint: "Take it from `next` of the page before, unchanged, and keep `sort`, `group` and the filters as they were.",
  });
}
