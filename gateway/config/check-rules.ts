import type { DocumentFault } from "../../protocol/document/fault.ts";
import { type DocumentNode, faultAt, nodeAt } from "../../protocol/document/parse-document.ts";
import { RULE_SETS } from "../contracts/rule-set.ts";
import type { FoundDevice } from "./check-devices.ts";
import { keysOf, textAt, unknownName, unknownNames } from "./document-parts.ts";
import { EXCEEDANCE_DEFAULTS, RESERVED_RULES } from "./rule-schema.ts";

/** What the schema of a rule cannot say: names that must exist, numbers that must fit each other. */
export function checkRules(root: DocumentNode, found: readonly FoundDevice[], faults: DocumentFault[]): void {
  const devices = keysOf(root, ["devices"]);
  for (const rule of keysOf(root, ["rules"])) {
    const at = (key: string): string[] => ["rules", rule, key];
    if (RESERVED_RULES.some((reserved) => reserved === rule)) faults.push(reservedName(root, rule));
    if (textAt(root, at("kind")) === "violation") {
      checkViolation(root, rule, faults);
      continue;
    }
    const name = textAt(root, at("device"));
    if (name !== undefined && !devices.includes(name)) {
      faults.push(unknownName(root, at("device"), "device", name, devices, "devices"));
    }
    const periodMs = found.find((device) => device.id === name)?.config["periodMs"];
    if (textAt(root, at("kind")) === "exceedance") {
      checkExceedance(root, rule, typeof periodMs === "number" ? periodMs : 1000, faults);
      continue;
    }
    const number = (key: string, otherwise: number): number => numberAt(root, at(key)) ?? otherwise;
    const limitDb = number("limitDb", 70);
    const clearDb = number("clearDb", 67);
    if (clearDb > limitDb) {
      const key = nodeAt(root, at("clearDb")) === undefined ? "limitDb" : "clearDb";
      faults.push(
        faultAt(root, at(key), {
          code: "CONFIG_WRONG_VALUE",
          message: `rules.${rule}: it would clear below ${clearDb} dB, above the level that raises it (${limitDb} dB)`,
          expected: "clearDb at most limitDb",
          example: `clearDb: ${limitDb - 3}`,
        }),
      );
    }
    const windows = [
      ["raiseMinValidS", number("raiseMinValidS", 8), number("raiseWindowS", 10)],
      ["clearMinValidS", number("clearMinValidS", 54), number("clearWindowS", 60)],
    ] as const;
    for (const [key, valid, window] of windows) {
      if (valid <= window) continue;
      const place = nodeAt(root, at(key)) === undefined ? at(key.replace("MinValid", "Window")) : at(key);
      faults.push(
        faultAt(root, place, {
          code: "CONFIG_WRONG_VALUE",
          message: `rules.${rule}: ${valid} valid seconds are asked of a window of ${window}`,
          expected: `${key} at most ${window}`,
          example: `${key}: ${Math.max(1, Math.floor(window * 0.8))}`,
        }),
      );
    }
    const needed = number("raiseMinValidS", 8);
    const possible =
      typeof periodMs === "number" ? (number("raiseWindowS", 10) * 1000) / Math.max(1000, periodMs) : needed;
    if (name !== undefined && possible < needed && needed <= number("raiseWindowS", 10)) {
      faults.push(
        faultAt(root, at("device"), {
          code: "CONFIG_WRONG_VALUE",
          message: `rules.${rule}: ${name} is read every ${String(periodMs)} ms, so the rule could never be raised`,
          expected: "a device that is read every 1000 ms, or a lower raiseMinValidS",
          example: "periodMs: 1000",
        }),
      );
    }
  }
}

function checkViolation(root: DocumentNode, rule: string, faults: DocumentFault[]): void {
  faults.push(...unknownNames(root, ["rules", rule, "cameras"], "camera", keysOf(root, ["cameras"]), "cameras"));
}

function checkExceedance(root: DocumentNode, rule: string, periodMs: number, faults: DocumentFault[]): void {
  const at = (key: string): string[] => ["rules", rule, key];
  const ruleSet = textAt(root, at("ruleSet"));
  const standard = textAt(root, at("standard")) ?? EXCEEDANCE_DEFAULTS.standard;
  const zone = textAt(root, at("zone")) ?? EXCEEDANCE_DEFAULTS.zone;
  const editions = RULE_SETS.filter((set) => (ruleSet === undefined ? set.standard === standard : set.id === ruleSet));
  const zones = [...new Set(editions.flatMap((set) => Object.keys(set.zones)))];
  if (editions.length > 0 && !zones.includes(zone)) {
    const key = nodeAt(root, at("zone")) !== undefined ? "zone" : ruleSet === undefined ? "standard" : "ruleSet";
    faults.push(
      faultAt(root, at(key), {
        code: "CONFIG_WRONG_VALUE",
        message: `rules.${rule}: ${ruleSet ?? standard} has no zone ${JSON.stringify(zone)}`,
        expected: `zone: one of ${zones.join(", ")}`,
        example: `zone: ${JSON.stringify(zones[0])}`,
      }),
    );
  }
  const windowS = numberAt(root, at("windowS"));
  if (windowS !== undefined && windowS % 60 !== 0) {
    faults.push(
      faultAt(root, at("windowS"), {
        code: "CONFIG_WRONG_VALUE",
        message: `rules.${rule}: a window of ${windowS} s is no whole number of minutes`,
        expected: "a multiple of 60",
        example: "windowS: 1200",
      }),
    );
  }
  const minValidPct = numberAt(root, at("minValidPct")) ?? EXCEEDANCE_DEFAULTS.minValidPct;
  const possiblePct = 100_000 / Math.max(1000, periodMs);
  if (possiblePct < minValidPct) {
    faults.push(
      faultAt(root, at("device"), {
        code: "CONFIG_WRONG_VALUE",
        message: `rules.${rule}: its device is read every ${periodMs} ms, so that no window could be judged`,
        expected: "a device that is read every 1000 ms, or a lower minValidPct",
        example: "periodMs: 1000",
      }),
    );
  }
}

function reservedName(root: DocumentNode, rule: string): DocumentFault {
  return faultAt(root, ["rules", rule], {
    code: "CONFIG_WRONG_VALUE",
    message: `rules.${rule}: this is the name of a built-in rule, which always holds`,
    expected: "another name",
    example: "night-noise: { kind: trigger, device: noise-01 }",
  });
}

function numberAt(root: DocumentNode, path: readonly string[]): number | undefined {
  const node = nodeAt(root, path);
  return node?.type === "scalar" && typeof node.value === "number" ? node.value : undefined;
}
