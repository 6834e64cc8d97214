/** Columns of `cases` that came with casework: where it comes from, what it is, by when, and what came of it. */
export interface CaseworkColumns {
  /** 1: nobody knows where it is; see the act `locate`. */
  to_locate: number;
  source: string | null;
  external_id: string | null;
  description: string | null;
  address: string | null;
  accuracy_m: number | null;
  grid_cell: string | null;
  catalogue: string | null;
  catalogue_version: string | null;
  category: string | null;
  severity: string;
  sla_class: string | null;
  clock: string | null;
  due_arrive_at_ms: number | null;
  due_total_at_ms: number | null;
  /** Since when its clocks stand still. */
  clock_paused_at_ms: number | null;
  unit_id: string | null;
  found_by: string | null;
  ground: string | null;
  penalty_number: string | null;
  fine_cny: number | null;
  outcome: string | null;
  satisfaction: number | null;
  reopen_count: number;
  supervision_count: number;
  escalated_to: string | null;
  parent_id: string | null;
  merged_into: string | null;
}

export interface CataloguesTable {
  name: string;
  version: string;
  in_force_from_ms: number;
  document: string;
  sha256: string;
  loaded_at_ms: number;
  loaded_by: string;
}

export interface ReportsTable {
  id: string;
  source: string;
  external_id: string;
  channel: string;
  request_sha256: string;
  taken_by: string;
  received_at_ms: number;
  occurred_at_ms: number | null;
  category: string | null;
  title: string;
  description: string | null;
  address: string | null;
  reporter: string | null;
  contact: string | null;
  latitude_deg: number | null;
  longitude_deg: number | null;
  accuracy_m: number | null;
  case_id: string;
  how: string;
  result: string | null;
  result_at_ms: number | null;
  result_taken_at_ms: number | null;
  called_back_at_ms: number | null;
  called_back_by: string | null;
  is_resolved: number | null;
  satisfaction: number | null;
}
