import type { CatalogueDocument } from "../../../api/schema/casework.ts";

export const PARTS = ["slaClasses", "categories", "grounds", "whistleKinds", "suspendReasons"] as const;

export interface TableChange {
  readonly part: (typeof PARTS)[number] | "defaultSla";
  readonly how: "added" | "removed" | "changed";
  readonly code: string;
  /** `arriveMinutes: 30 → 20`, one for each value that differs. */
  readonly values: readonly string[];
}

/** What a file holds before the bridge has checked it. */
export type Tables = Readonly<Record<string, unknown>>;

export const isTables = (value: unknown): value is Tables =>
  typeof value === "object" && value !== null && !Array.isArray(value);

type Rows = ReadonlyMap<string, Tables>;

/** What differs between tables, row by row by its code. Of a file that is not sound it tells what can be told. */
export function changesOf(before: CatalogueDocument, after: Tables): TableChange[] {
  const changes = PARTS.flatMap((part): TableChange[] => {
    const [old, next] = [rowsOf(before[part]), rowsOf(after[part])];
    const codes = [...new Set([...old.keys(), ...next.keys()])];
    return codes.flatMap((code): TableChange[] => {
      const [was, is] = [old.get(code), next.get(code)];
      if (was === undefined) return [{ part, how: "added", code, values: [] }];
      if (is === undefined) return [{ part, how: "removed", code, values: [] }];
      const values = differing(was, is);
      return values.length === 0 ? [] : [{ part, how: "changed", code, values }];
    });
  });
  const sla = after["defaultSla"];
  if (sla === before.defaultSla) return changes;
  const values = [`${before.defaultSla} → ${said(sla)}`];
  return [...changes, { part: "defaultSla", how: "changed", code: said(sla), values }];
}

function rowsOf(value: unknown): Rows {
  const rows = Array.isArray(value) ? value.filter(isTables) : [];
  return new Map(rows.map((row) => [said(row["code"]), row]));
}

function differing(was: Tables, is: Tables): string[] {
  const keys = [...new Set([...Object.keys(was), ...Object.keys(is)])];
  return keys
    .filter((key) => said(was[key]) !== said(is[key]))
    .map((key) => `${key}: ${said(was[key])} → ${said(is[key])}`);
}

const said = (value: unknown): string =>
  value === undefined ? "–" : typeof value === "string" ? value : JSON.stringify(value);
