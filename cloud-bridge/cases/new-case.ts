import { randomUUID } from "node:crypto";
import type { Trx } from "../store/database.ts";
import type { CaseRow } from "./case-rows.ts";
import type { Catalogue, Category } from "./catalogue.ts";

/** What a case must be told at its opening; everything else begins empty. */
export type NewCase = Pick<CaseRow, "family" | "nature" | "title" | "rule" | "node" | "last_alarm_at_ms"> &
  Partial<CaseRow>;

/** A row that nobody has stored yet. Numbers rise by one: the transaction holds the desk's lock. */
export async function newCaseRow(trx: Trx, nowMs: number, facts: NewCase): Promise<CaseRow> {
  const newest = await trx.selectFrom("cases").select("number").orderBy("number", "desc").limit(1).executeTakeFirst();
  return {
    ...EMPTY,
    id: randomUUID(),
    number: (newest?.number ?? 0) + 1,
    opened_at_ms: nowMs,
    updated_at_ms: nowMs,
    ...facts,
  };
}

const EMPTY = {
  state: "open",
  before_suspend: null,
  late: 0,
  dispatchable: 1,
  site_id: null,
  latitude_deg: null,
  longitude_deg: null,
  closed_at_ms: null,
  level_db: null,
  peak_db: null,
  waiting_for: "[]",
  auto_dispatch_at_ms: null,
  suspended_until_ms: null,
  handlers: "[]",
  quiet_since_ms: null,
  to_locate: 0,
  source: null,
  external_id: null,
  description: null,
  address: null,
  accuracy_m: null,
  grid_cell: null,
  catalogue: null,
  catalogue_version: null,
  category: null,
  severity: "urgent",
  sla_class: null,
  clock: null,
  due_arrive_at_ms: null,
  due_total_at_ms: null,
  clock_paused_at_ms: null,
  unit_id: null,
  found_by: null,
  ground: null,
  penalty_number: null,
  fine_cny: null,
  outcome: null,
  satisfaction: null,
  reopen_count: 0,
  supervision_count: 0,
  escalated_to: null,
  parent_id: null,
  merged_into: null,
  inhibited_by: null,
} as const;

/** What the tables in force say of a case of this category. */
export function categoryFacts(catalogue: Catalogue, category: Category | undefined) {
  return {
    catalogue: catalogue.name,
    catalogue_version: catalogue.version,
    category: category?.code ?? null,
    sla_class: category?.sla ?? catalogue.defaultSla,
  };
}

/** How a case was found, as outcomes are counted by it. `officer`: a call for help. `watch`: the bridge's own. */
export const FOUND_BY = ["meter", "camera-rule", "video-round", "patrol", "citizen", "officer", "watch"] as const;
export type FoundBy = (typeof FOUND_BY)[number];

export function foundByFamily(family: string): FoundBy {
  if (family === "noise") return "meter";
  if (family === "vision") return "camera-rule";
  return family === "emergency" ? "officer" : "watch";
}

const CELLS_PER_DEG = 1000;

/**
 * A cell of a thousandth of a degree, some 100 m, named after its south-west corner; stands where a city's own code is not
 * given.
 */
export function gridCellOf(position: { readonly latitudeDeg: number; readonly longitudeDeg: number }): string {
  const part = (deg: number, letters: readonly [string, string]) => {
    const cell = Math.floor(deg * CELLS_PER_DEG + 1e-6);
    return `${cell < 0 ? letters[1] : letters[0]}${Math.abs(cell)}`;
  };
  return part(position.latitudeDeg, ["N", "S"]) + part(position.longitudeDeg, ["E", "W"]);
}
