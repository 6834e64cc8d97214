import { didYouMean } from "../../protocol/document/did-you-mean.ts";
import type { DocumentFault } from "../../protocol/document/fault.ts";
import { type DocumentNode, faultAt, nodeAt } from "../../protocol/document/parse-document.ts";

/** A name that points to nothing. */
export function unknownName(
  root: DocumentNode,
  path: readonly (string | number)[],
  what: string,
  name: string,
  known: readonly string[],
  section: string,
): DocumentFault {
  const near = didYouMean(name, known);
  const expected = known.length === 0 ? `a ${what} that is defined under ${section}` : `one of ${known.join(", ")}`;
  return faultAt(root, path, {
    code: "CONFIG_REFERENCE",
    message: `${path.join(".")}: no ${what} is called ${JSON.stringify(name)}`,
    expected,
    ...(known[0] === undefined ? {} : { example: `${what}: ${near ?? known[0]}` }),
    ...(near === undefined ? {} : { suggestion: near }),
  });
}

/** The names of a list that point to nothing. */
export function unknownNames(
  root: DocumentNode,
  path: readonly (string | number)[],
  what: string,
  known: readonly string[],
  section: string,
): DocumentFault[] {
  const list = nodeAt(root, path);
  return [...(list?.type === "list" ? list.items.keys() : [])].flatMap((index) => {
    const node = nodeAt(root, [...path, index]);
    if (node?.type !== "scalar" || typeof node.value !== "string" || known.includes(node.value)) return [];
    return [unknownName(root, [...path, index], what, node.value, known, section)];
  });
}

export function keysOf(root: DocumentNode, path: readonly (string | number)[]): string[] {
  const node = nodeAt(root, path);
  return node?.type === "map" ? node.entries.map(({ key }) => key) : [];
}

export function textAt(root: DocumentNode, path: readonly (string | number)[]): string | undefined {
  const node = nodeAt(root, path);
  return node?.type === "scalar" && typeof node.value === "string" ? node.value : undefined;
}
