import type { DocumentFault } from "../protocol/document/fault.ts";
import { type DocumentNode, faultAt, nodeAt } from "../protocol/document/parse-document.ts";

/** What the schema of `dispatch` cannot say. */
export function dispatchFaults(root: DocumentNode): DocumentFault[] {
  return [...nightFaults(root), ...exceptionFaults(root)];
}

function nightFaults(root: DocumentNode): DocumentFault[] {
  const [from, to] = ["from", "to"].map((name) => textAt(root, ["dispatch", "night", name]));
  if (from === undefined || from !== to) return [];
  return [
    faultAt(root, ["dispatch", "night", "to"], {
      code: "CONFIG_WRONG_VALUE",
      message: "dispatch.night: it ends when it begins",
      expected: "another time than `from`",
      example: "night: { from: '22:00', to: '06:00' }",
    }),
  ];
}

/** One that fits everything hides all that stand below it, and `dispatch.policy`. */
function exceptionFaults(root: DocumentNode): DocumentFault[] {
  const exceptions = nodeAt(root, ["dispatch", "exceptions"]);
  if (exceptions?.type !== "list") return [];
  return exceptions.items.flatMap((item, index) => {
    if (item.type !== "map" || item.entries.some(({ key }) => ["rules", "categories", "period"].includes(key)))
      return [];
    return [
      faultAt(root, ["dispatch", "exceptions", index], {
        code: "CONFIG_WRONG_VALUE",
        message: `dispatch.exceptions ${index + 1}: names no rule, no category and no period`,
        expected: "at least one of `rules`, `categories`, `period`; what holds for all is `dispatch.policy`",
        example: "{ rules: [night-noise], period: night, policy: auto }",
      }),
    ];
  });
}

function textAt(root: DocumentNode, path: readonly string[]): string | undefined {
  const node = nodeAt(root, path);
  return node?.type === "scalar" && typeof node.value === "string" ? node.value : undefined;
}
