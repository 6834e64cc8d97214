import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import type { DocumentFault, Place } from "./fault.ts";

/** A document as plain data that still knows where each key and value stands. */
export type DocumentNode = MapNode | ListNode | ScalarNode;

export interface MapNode {
  readonly type: "map";
  readonly at: Place;
  readonly entries: readonly { readonly key: string; readonly keyAt: Place; readonly value: DocumentNode }[];
}
export interface ListNode {
  readonly type: "list";
  readonly at: Place;
  readonly items: readonly DocumentNode[];
}
export interface ScalarNode {
  readonly type: "scalar";
  readonly at: Place;
  readonly value: string | number | boolean | null;
}

export const MAX_DOCUMENT_CHARACTERS = 1024 * 1024;
const MAX_NODES = 100_000;
const MAX_DEPTH = 32;

/**
 * Reads one YAML 1.2 document (JSON is a part of it). Anchors, aliases, tags and keys that are not plain names are faults:
 * a config is read by people at night. Never throws; bounded in size, count and depth.
 */
export function parseDocumentText(text: string): { readonly root: DocumentNode; readonly faults: DocumentFault[] } {
  const empty: ScalarNode = { type: "scalar", at: { line: 1, column: 1 }, value: null };
  if (text.length > MAX_DOCUMENT_CHARACTERS) {
    return { root: empty, faults: [syntaxFault(empty.at, `the file has ${text.length} characters`, "at most 1 MiB")] };
  }
  const tooDeep = placeBeyondDepth(text);
  if (tooDeep !== undefined) {
    return { root: empty, faults: [syntaxFault(tooDeep, "nested too deeply", `at most ${MAX_DEPTH} levels`)] };
  }
  const lines = new LineCounter();
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  let document: ReturnType<typeof parseDocument>;
  try {
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false, strict: true, uniqueKeys: true });
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    return { root: empty, faults: [syntaxFault(empty.at, `not readable as YAML: ${said}`, "a YAML document")] };
  }
  const faults = [...document.errors, ...document.warnings].map((error) =>
    syntaxFault(
      place(error.pos[0]),
      sentence(error.message),
      "a YAML document: `key: value` lines, indented by spaces",
    ),
  );
  const reader = new NodeReader(place, faults);
  return { root: reader.read(document.contents, 0), faults };
}

class NodeReader {
  #nodes = 0;
  readonly #place: (offset: number) => Place;
  readonly #faults: DocumentFault[];

  constructor(place: (offset: number) => Place, faults: DocumentFault[]) {
    this.#place = place;
    this.#faults = faults;
  }

  read(node: unknown, depth: number): DocumentNode {
    const at = this.#place(offsetOf(node));
    if (++this.#nodes > MAX_NODES || depth > MAX_DEPTH) {
      if (this.#nodes === MAX_NODES + 1 || depth === MAX_DEPTH + 1) {
        this.#faults.push(
          syntaxFault(
            at,
            "too many or too deeply nested values",
            `at most ${MAX_NODES} values, ${MAX_DEPTH} levels deep`,
          ),
        );
      }
      return { type: "scalar", at, value: null };
    }
    if (isMap(node)) {
      const entries = node.items.map(({ key, value }) => {
        const keyAt = this.#place(offsetOf(key));
        return {
          key: this.#name(key, keyAt),
          keyAt,
          value: value === null ? nothing(keyAt) : this.read(value, depth + 1),
        };
      });
      return { type: "map", at, entries };
    }
    if (isSeq(node)) return { type: "list", at, items: node.items.map((item) => this.read(item, depth + 1)) };
    if (isAlias(node)) {
      this.#faults.push(syntaxFault(at, "an alias (*name)", "the value itself, written out"));
      return { type: "scalar", at, value: null };
    }
    if (!isScalar(node)) return { type: "scalar", at, value: null };
    const { value } = node;
    const isPlain =
      value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean";
    if (!isPlain) this.#faults.push(syntaxFault(at, "a value of an unknown type", "text, a number, true or false"));
    return { type: "scalar", at, value: isPlain ? value : null };
  }

  #name(key: unknown, at: Place): string {
    if (isScalar(key) && (typeof key.value === "string" || typeof key.value === "number")) return String(key.value);
    this.#faults.push(syntaxFault(at, "a key that is not a name", "a name before the colon"));
    return "";
  }
}

/** The value at a path, or undefined. */
export function nodeAt(root: DocumentNode, path: readonly (string | number)[]): DocumentNode | undefined {
  let node: DocumentNode | undefined = root;
  for (const step of path) {
    if (node?.type === "map") node = node.entries.find((entry) => entry.key === step)?.value;
    else if (node?.type === "list" && typeof step === "number") node = node.items[step];
    else return undefined;
  }
  return node;
}

/** Where the value at a path stands; where the path ends early, the last value that is there. */
export function placeAt(root: DocumentNode, path: readonly (string | number)[]): Place {
  for (let length = path.length; length > 0; length--) {
    const node = nodeAt(root, path.slice(0, length));
    if (node !== undefined) return node.at;
  }
  return root.at;
}

/** A fault at the value of a path, for what only the whole document shows: a name that nothing has, two values that clash. */
export function faultAt(
  root: DocumentNode,
  path: readonly (string | number)[],
  fault: Omit<DocumentFault, "path" | "at">,
): DocumentFault {
  return { ...fault, path: path.join("."), at: placeAt(root, path) };
}

function nothing(at: Place): ScalarNode {
  return { type: "scalar", at, value: null };
}

function offsetOf(node: unknown): number {
  return (node as Node | null)?.range?.[0] ?? 0;
}

/** The parser recurses: nesting is measured before it is called, so that no file can exhaust the stack. */
function placeBeyondDepth(text: string): Place | undefined {
  let flow = 0;
  let line = 0;
  for (const source of text.split("\n")) {
    line++;
    const lead = /^[\s\-?:]*/.exec(source)?.[0] ?? "";
    const markers = lead.replace(/[^-?:]/g, "").length;
    if (markers > MAX_DEPTH * 3) return { line, column: lead.length };
    for (let index = 0; index < source.length; index++) {
      const character = source[index];
      if (character === "[" || character === "{") flow++;
      else if ((character === "]" || character === "}") && flow > 0) flow--;
      if (flow > MAX_DEPTH * 3) return { line, column: index + 1 };
    }
  }
  return undefined;
}

function sentence(message: string): string {
  const first = message.split("\n")[0] ?? message;
  return first.charAt(0).toLowerCase() + first.slice(1).replace(/\.$/, "");
}

function syntaxFault(at: Place, message: string, expected: string): DocumentFault {
  return { code: "CONFIG_SYNTAX", path: "", at, message, expected };
}
