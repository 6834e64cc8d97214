import { type Expression, type RawBuilder, type SqlBool, sql } from "kysely";
import { BridgeError } from "../store/errors.ts";

/** How a long list is ordered: by a number of each row, and among equals by its key, in the same direction. */
export interface Order {
  readonly name: string;
  readonly value: RawBuilder<number>;
  readonly key: RawBuilder<number | string>;
  /** Whether the key is a number. */
  readonly isNumbered: boolean;
  readonly isFalling: boolean;
}

/** Place of a row in an order, as text; `next` of a page, given back as `before`. */
export function placeOf({ name, isFalling }: Order, value: number, key: number | string): string {
  return `${isFalling ? "-" : ""}${name}:${value}:${key}`;
}

/**
 * What follows a place, so that pages meet without a gap whatever comes in between.
 * @throws BridgeError CURSOR_INVALID for a place in another order
 */
export function follows(order: Order, place: string): Expression<SqlBool> {
  const [name, text = "", ...rest] = place.split(":");
  const value = Number(text);
  if (name !== `${order.isFalling ? "-" : ""}${order.name}` || text === "" || !Number.isFinite(value)) {
    throw new BridgeError("CURSOR_INVALID", "the cursor is not one of this list in this order", {
      status: 400,
      hint: "Take it from `next` of the page before, unchanged, and keep `sort` and the filters as they were.",
    });
  }
  const key = rest.join(":");
  const past = order.isFalling ? sql`<` : sql`>`;
  return sql<SqlBool>`(${order.value} ${past} ${value} or (${order.value} = ${value} and ${order.key} ${past} ${order.isNumbered ? Number(key) : key}))`;
}
