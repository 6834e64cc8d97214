import { BridgeError } from "../store/errors.ts";

export const DEFAULT_PAGE = 100;

/** A cursor is the key of the last item on the page before; opaque to the client. */
export function encodeCursor(key: string): string {
  return Buffer.from(key).toString("base64url");
}

/** @throws BridgeError CURSOR_INVALID */
export function decodeCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const key = Buffer.from(cursor, "base64url").toString();
  if (key !== "" && encodeCursor(key) === cursor) return key;
  throw new BridgeError("CURSOR_INVALID", "the cursor is not one of this bridge", {
    status: 400,
    hint: "Take it from `next` of the page before, unchanged.",
  });
}

/** Cuts what was asked with one item too many, and names the next page's cursor. */
export function pageOf<T>(
  found: readonly T[],
  limit: number,
  keyOf: (item: T) => string,
): { items: T[]; next?: string } {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return found.length > limit && last !== undefined ? { items, next: encodeCursor(keyOf(last)) } : { items };
}
