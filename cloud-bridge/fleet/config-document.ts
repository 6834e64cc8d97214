import { readFileSync } from "node:fs";
import type { TSchema } from "typebox";
import { stringify } from "yaml";
import { canonicalJson } from "../../protocol/canonical-json.ts";
import { checkDocument, plain } from "../../protocol/document/check-document.ts";
import { contentHash } from "../../protocol/document/content-hash.ts";
import { type DocumentFault, inDocumentOrder } from "../../protocol/document/fault.ts";
import { parseDocumentText } from "../../protocol/document/parse-document.ts";
import { redacted } from "../../protocol/redact.ts";
import { MAX_CONFIG_CHARACTERS } from "../../protocol/twin.ts";

/** What `shao check` goes by, written out from the gateway's own schema and those of its drivers. */
const SCHEMA_FILE = new URL("../../config/schema/gateway.schema.json", import.meta.url);
/** A command with it has to fit its topic. */
const MOST_BYTES = 48 * 1024;

let schema: TSchema | undefined;

export function configSchema(): TSchema {
  schema ??= JSON.parse(readFileSync(SCHEMA_FILE, "utf8")) as TSchema;
  return schema;
}

export interface CheckedConfig {
  readonly faults: readonly DocumentFault[];
  readonly sha256: string;
  readonly value: unknown;
}

/**
 * Holds a node's config against the schema. The node itself checks more (buses that are named, rules that fit): its word is
 * the last one.
 */
export function checkConfig(document: string, node: string): CheckedConfig {
  const { root, faults } = parseDocumentText(document);
  const start = { line: 1, column: 1 };
  if (faults.length > 0) return { faults: inDocumentOrder(faults), sha256: "", value: undefined };
  const value = plain(root);
  const all = [...checkDocument(configSchema(), root).faults];
  const add = (message: string, expected: string): void => {
    all.push({ code: "CONFIG_WRONG_VALUE", path: "", at: start, message, expected });
  };
  if (document.length > MAX_CONFIG_CHARACTERS || Buffer.byteLength(document) > MOST_BYTES) {
    add(`it has ${document.length} characters`, `at most ${MAX_CONFIG_CHARACTERS}, and 48 KiB`);
  }
  if (canonicalJson(redacted(value)) !== canonicalJson(value)) {
    add("a secret stands in it", "*** in its place: the box keeps its own, and new ones are entered there");
  }
  const named = (value as { readonly node?: unknown } | null)?.node;
  if (typeof named === "string" && named !== node) add(`it is the config of ${named}`, `node: ${node}`);
  return { faults: inDocumentOrder(all), sha256: contentHash(root), value };
}

export interface ConfigChange {
  /** Keys from the top, with dots. */
  readonly path: string;
  readonly from?: unknown;
  readonly to?: unknown;
}

/** What differs between two documents, value by value; secrets do not count. */
export function changesBetween(from: string, to: string): ConfigChange[] {
  const changes: ConfigChange[] = [];
  compare(plainOf(from), plainOf(to), [], changes);
  return changes;
}

/** A document with a JSON merge patch laid over it. @source RFC 7396 */
export function patched(document: string, patch: unknown): string {
  return stringify(merge(plainOf(document), patch));
}

function plainOf(document: string): unknown {
  return redacted(plain(parseDocumentText(document).root));
}

function compare(from: unknown, to: unknown, path: readonly string[], changes: ConfigChange[]): void {
  if (isMap(from) && isMap(to)) {
    for (const key of [...new Set([...Object.keys(from), ...Object.keys(to)])].sort()) {
      compare(from[key], to[key], [...path, key], changes);
    }
    return;
  }
  if (from === undefined && to === undefined) return;
  if (from !== undefined && to !== undefined && canonicalJson(from) === canonicalJson(to)) return;
  const sides = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
  changes.push({ path: path.join("."), ...sides });
}

function merge(value: unknown, patch: unknown): unknown {
  if (!isMap(patch)) return patch;
  const merged: Record<string, unknown> = isMap(value) ? { ...value } : {};
  for (const [key, member] of Object.entries(patch)) {
    if (member === null) delete merged[key];
    else if (key !== "__proto__") merged[key] = merge(merged[key], member);
  }
  return merged;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
