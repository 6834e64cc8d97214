import type { ColumnType, Generated } from "kysely";
import type { CaseworkColumns } from "./casework-tables.ts";

/** A column with a default in the database. */
type Defaulted<T> = ColumnType<T, T | undefined, T>;
type AllDefaulted<T> = { [K in keyof T]: Defaulted<T[K]> };

export interface CrewPositionsTable {
  crew_id: string;
  source: string;
  latitude_deg: number;
  longitude_deg: number;
  accuracy_m: number | null;
  at_ms: number;
  received_at_ms: number;
}

export interface CasesTable extends AllDefaulted<CaseworkColumns> {
  id: string;
  number: number;
  family: string;
  nature: string;
  title: string;
  rule: string;
  state: string;
  before_suspend: string | null;
  late: Defaulted<number>;
  dispatchable: Defaulted<number>;
  site_id: string | null;
  node: string;
  latitude_deg: number | null;
  longitude_deg: number | null;
  opened_at_ms: number;
  updated_at_ms: number;
  closed_at_ms: number | null;
  last_alarm_at_ms: number;
  level_db: number | null;
  peak_db: number | null;
  waiting_for: Defaulted<string>;
  auto_dispatch_at_ms: number | null;
  suspended_until_ms: number | null;
  handlers: Defaulted<string>;
  quiet_since_ms: number | null;
}

export interface CaseAlarmsTable {
  case_id: string;
  alarm_id: string;
  joined_at_ms: number;
  how: string;
  seen_rev: Defaulted<number>;
  seen_phase: Defaulted<string>;
}

export interface TimelineTable {
  case_id: string;
  seq: number;
  kind: string;
  actor: string;
  channel: string;
  device_time_ms: number | null;
  server_time_ms: number;
  latitude_deg: number | null;
  longitude_deg: number | null;
  accuracy_m: number | null;
  cause: string | null;
  detail: string | null;
  hash: string;
}

export interface AssignmentsTable {
  id: string;
  case_id: string;
  crew_id: string;
  state: string;
  active: number;
  distance_m: number | null;
  eta_ms: number | null;
  created_at_ms: number;
  assigned_at_ms: number;
  assigned_by: string;
  notified_at_ms: number | null;
  acknowledged_at_ms: number | null;
  en_route_at_ms: number | null;
  on_scene_at_ms: number | null;
  on_scene_by: Defaulted<string>;
  ended_at_ms: number | null;
  end_cause: string | null;
  /** `lead` moves the case, `back-up` helps. */
  role: Defaulted<string>;
  /** 1: the crew has no other case that holds it. */
  holds: Defaulted<number>;
}

export interface DecisionsTable {
  id: Generated<number>;
  case_id: string;
  at_ms: number;
  candidates: string;
}

export interface TimersTable {
  id: Generated<number>;
  kind: string;
  ref: string;
  due_at_ms: number;
  created_at_ms: number;
  done_at_ms: number | null;
}

export interface OutboxTable {
  id: Generated<number>;
  channel: string;
  reason: string;
  crew_id: string;
  assignment_id: string;
  case_id: string;
  created_at_ms: number;
  attempts: Defaulted<number>;
  delivered_at_ms: number | null;
  delivered_to: string | null;
  cancelled_at_ms: number | null;
  address: string | null;
  payload: string | null;
  next_try_at_ms: number | null;
  dead_at_ms: number | null;
  last_error: string | null;
  command_id: string | null;
}

export interface CrewSignalsTable {
  id: Generated<number>;
  node: string;
  run: string;
  seq: number;
  kind: string;
  n: number | null;
  body: string;
  at_ms: number;
  stamped_at_ms: number;
  received_at_ms: number;
  done_at_ms: number | null;
  outcome: string | null;
}

export interface EventsTable {
  id: Generated<number>;
  name: string;
  data: string;
  at_ms: number;
}
