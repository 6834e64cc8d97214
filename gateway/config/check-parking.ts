import type { DocumentFault } from "../../protocol/document/fault.ts";
import { type DocumentNode, nodeAt } from "../../protocol/document/parse-document.ts";
import type { FoundDevice } from "./check-devices.ts";
import { keysOf, textAt, unknownName } from "./document-parts.ts";

/** An ignition that nobody reads would never park the vehicle. */
export function checkParking(root: DocumentNode, found: readonly FoundDevice[], faults: DocumentFault[]): void {
  const name = textAt(root, ["parking", "device"]);
  if (name === undefined) return;
  if (!found.some(({ id }) => id === name)) {
    faults.push(unknownName(root, ["parking", "device"], "device", name, keysOf(root, ["devices"]), "devices"));
    return;
  }
  const inputs = keysOf(root, ["devices", name, "inputs"]);
  const input = textAt(root, ["parking", "input"]) ?? "ignition";
  if (inputs.includes(input)) return;
  const place = nodeAt(root, ["parking", "input"]) === undefined ? "device" : "input";
  faults.push(unknownName(root, ["parking", place], "input", input, inputs, `devices.${name}.inputs`));
}
