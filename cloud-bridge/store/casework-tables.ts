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
  inhibited_by: string | null;
}

/** Work on a node, a device or a site: what is raised there is recorded, and nobody is sent while it lasts. */
export interface InhibitionsTable {
  id: string;
  node: string | null;
  device: string | null;
  site_id: string | null;
  cause: string;
  from_ms: number;
  to_ms: number;
  created_by: string;
  created_at_ms: number;
  ended_at_ms: number | null;
  ended_by: string | null;
}

export interface WhistlesTable {
  id: string;
  file_number: string;
  case_id: string;
  kind: string;
  catalogue: string;
  catalogue_version: string;
  from_unit_id: string;
  lead_unit_id: string;
  aid: string | null;
  text: string;
  state: string;
  blown_by: string;
  blown_at_ms: number;
  reviewed_by: string | null;
  reviewed_at_ms: number | null;
  opinion: string | null;
  started_at_ms: number | null;
  ended_at_ms: number | null;
  updated_at_ms: number;
}

export interface WhistleLegsTable {
  id: string;
  whistle_id: string;
  unit_id: string;
  is_lead: number;
  state: string;
  due_scene_at_ms: number | null;
  due_handle_at_ms: number | null;
  received_at_ms: number | null;
  received_by: string | null;
  on_scene_at_ms: number | null;
  on_scene_by: string | null;
  ended_at_ms: number | null;
  ended_by: string | null;
  result: string | null;
  scene_overdue: number;
  handle_overdue: number;
  rating_of_unit: number | null;
  rating_of_unit_by: string | null;
  rating_of_unit_text: string | null;
  rating_of_caller: number | null;
  rating_of_caller_by: string | null;
  rating_of_caller_text: string | null;
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
