import { type TLiteral, Type } from "typebox";
import { BridgeError } from "../store/errors.ts";
import { DEFAULT_PAGE, decodeCursor, pageOf } from "./cursor.ts";
import { PageQuery } from "./schema/common.ts";

type Key = string | number | boolean | undefined;

/** What a register can be sorted by: each name with the value of an item. */
export type Sorts<T> = Readonly<Record<string, (item: T) => Key>>;

/** `sort=name` rises, `sort=-name` falls. */
export function sortedBy<const N extends string>(...names: readonly N[]) {
  const ways = names.flatMap((name) => [name, `-${name}` as const]);
  return Type.Optional(Type.Union(ways.map((way) => Type.Literal(way)) as TLiteral<N | `-${N}`>[]));
}

/** Query of a list: a page of it, in an order. */
export function listQuery<const N extends string>(...names: readonly N[]) {
  return Type.Object({ ...PageQuery.properties, sort: sortedBy(...names) });
}

/**
 * One page of a register that is small enough to be read whole. The cursor holds the last item's place in the order, so
 * that pages meet without a gap whatever is added or taken away in between.
 * @throws BridgeError CURSOR_INVALID, also when the cursor is one of another order
 */
export function registerPage<T>(
  items: readonly T[],
  query: { readonly cursor?: string; readonly limit?: number; readonly sort?: string },
  keyOf: (item: T) => string,
  sorts: Sorts<T> = {},
): { items: T[]; next?: string } {
  const { cursor, limit = DEFAULT_PAGE, sort = "" } = query;
  const isFalling = sort.startsWith("-");
  const rankOf = sorts[isFalling ? sort.slice(1) : sort] ?? keyOf;
  const placeOf = (item: T): Place => [rankOf(item) ?? null, keyOf(item)];
  const before = (a: Place, b: Place): number => (isFalling ? compare(b[0], a[0]) : compare(a[0], b[0]));
  const order = (a: Place, b: Place): number => before(a, b) || compare(a[1], b[1]);
  const after = placeNamed(cursor, sort);
  const inOrder = items.toSorted((a, b) => order(placeOf(a), placeOf(b)));
  const rest = after === undefined ? inOrder : inOrder.filter((item) => order(placeOf(item), after) > 0);
  return pageOf(rest.slice(0, limit + 1), limit, (item) => JSON.stringify([sort, ...placeOf(item)]));
}

type Place = readonly [string | number | boolean | null, string];

function placeNamed(cursor: string | undefined, sort: string): Place | undefined {
  const text = decodeCursor(cursor);
  if (text === undefined) return undefined;
  try {
    const named: unknown = JSON.parse(text);
    if (Array.isArray(named) && named.length === 3 && named[0] === sort) return [named[1], String(named[2])];
  } catch {
    // Told below, like one of another order.
  }
  throw new BridgeError("CURSOR_INVALID", "the cursor is not one of this list in this order", {
    status: 400,
    hint: "Take it from `next` of the page before, unchanged, and keep `sort` and the filters as they were.",
  });
}

/** What has no value comes last when rising. */
function compare(a: Place[0], b: Place[0]): number {
  if (a === b) return 0;
  if (a === null || b === null) return a === null ? 1 : -1;
  return a < b ? -1 : 1;
}
