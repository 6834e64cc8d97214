import { ProtocolError } from "./errors.ts";

/**
 * JSON with keys sorted by code unit and no spaces: what is signed, and what hashes of structures are taken over.
 * Members that are undefined are left out.
 * @throws ProtocolError CANONICAL_JSON on what JSON cannot carry (NaN, infinities, functions, nesting beyond 64)
 */
export function canonicalJson(value: unknown): string {
  return write(value, 0);
}

const MAX_DEPTH = 64;

function write(value: unknown, depth: number): string {
  if (depth > MAX_DEPTH) throw notCarried("nesting beyond 64 levels");
  if (value === null || typeof value === "boolean" || typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw notCarried(String(value));
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map((item: unknown) => write(item, depth + 1)).join(",")}]`;
  if (typeof value === "object") {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => `${JSON.stringify(key)}:${write(member, depth + 1)}`);
    return `{${members.join(",")}}`;
  }
  throw notCarried(typeof value);
}

function notCarried(what: string): ProtocolError {
  return new ProtocolError("CANONICAL_JSON", `JSON cannot carry ${what}`, "Leave the member out or give it a value.");
}
