import { canonicalJson } from "../../protocol/canonical-json.ts";
import { plain } from "../../protocol/document/check-document.ts";
import { type DocumentNode, nodeAt } from "../../protocol/document/parse-document.ts";
import { REDACTED, redacted } from "../../protocol/redact.ts";

/** A secret itself stands in it: those are entered on the box and never travel. */
export function carriesSecret(root: DocumentNode): boolean {
  const value = plain(root);
  return canonicalJson(redacted(value)) !== canonicalJson(value);
}

/**
 * Puts the box's own secrets where a document says `***`. A text gets the box's at the same path only if both are equal
 * without their secret, so that no password goes to another address.
 * @returns paths for which the box has none
 */
export function withKeptSecrets(
  root: DocumentNode,
  site: DocumentNode,
): { readonly root: DocumentNode; readonly lacking: readonly string[] } {
  const lacking: string[] = [];
  const fill = (node: DocumentNode, path: readonly (string | number)[]): DocumentNode => {
    if (node.type === "map") {
      const entries = node.entries.map((entry) => ({ ...entry, value: fill(entry.value, [...path, entry.key]) }));
      return { ...node, entries };
    }
    if (node.type === "list") return { ...node, items: node.items.map((item, index) => fill(item, [...path, index])) };
    if (typeof node.value !== "string" || !node.value.includes(REDACTED)) return node;
    const own = nodeAt(site, path);
    const isSame = own !== undefined && canonicalJson(redactedAt(own, path)) === canonicalJson(node.value);
    if (isSame) return { ...own, at: node.at };
    lacking.push(path.join("."));
    return node;
  };
  return { root: fill(root, []), lacking };
}

/** As it looks in the document that holds it, where its name says what it is. */
function redactedAt(node: DocumentNode, path: readonly (string | number)[]): unknown {
  const name = String(path.at(-1));
  const value = redacted({ [name]: plain(node) }) as Readonly<Record<string, unknown>>;
  return value[name];
}
