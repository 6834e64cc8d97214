import type { ColumnType, Generated } from "kysely";

/** A column with a default in the database. */
type Defaulted<T> = ColumnType<T, T | undefined, T>;

export interface UnitsTable {
  id: string;
  name: string;
  level: string;
  parent_id: string | null;
  /** JSON, see roster/areas.ts */
  areas: Defaulted<string>;
  calendar_id: Defaulted<string | null>;
  phone: Defaulted<string | null>;
  retired_at_ms: Defaulted<number | null>;
}

/** Units that have a part in a case, and why: `site`, `area`, `crew`, or what a later room calls it. */
export interface CaseUnitsTable {
  case_id: string;
  unit_id: string;
  why: string;
  since_ms: number;
}

export interface CrewsTable {
  id: string;
  name: string;
  unit_id: string;
  vehicle_node: string | null;
  radio_issi: string | null;
  assignment_id: string | null;
  phone: Defaulted<string | null>;
  skills: Defaulted<string>;
  areas: Defaulted<string>;
  status: Defaulted<string>;
  status_cause: Defaulted<string | null>;
}

export interface PeopleTable {
  id: string;
  name: string;
  unit_id: string;
  badge: string | null;
  phone: string | null;
  radio_issi: string | null;
  authority: Defaulted<string>;
  left_at_ms: number | null;
}

export interface CrewMembersTable {
  crew_id: string;
  person_id: string;
}

export interface ShiftsTable {
  id: string;
  unit_id: string;
  name: string;
  /** Wall clock, `22:00` */
  starts: string;
  ends: string;
}

export interface DutiesTable {
  id: string;
  crew_id: string;
  from_ms: number;
  to_ms: number;
  shift_id: Defaulted<string | null>;
}

export interface FilingsTable {
  id: string;
  crew_id: string;
  duty_id: string | null;
  from_ms: number;
  to_ms: number;
  vehicle_node: string | null;
  note: string | null;
  filed_by: string;
  filed_at_ms: number;
  ended_by: string | null;
}

export interface FilingPeopleTable {
  filing_id: string;
  person_id: string;
  radio_issi: string | null;
}

export interface SupervisionTable {
  id: Generated<number>;
  filing_id: string;
  crew_id: string;
  kind: string;
  since_ms: number;
  until_ms: number | null;
  fix_at_ms: number | null;
  latitude_deg: number | null;
  longitude_deg: number | null;
}

export interface CalendarsTable {
  id: string;
  version: number;
  name: string;
  time_zone: string;
  body: string;
  created_at_ms: number;
  created_by: string;
}

export interface PermitsTable {
  id: string;
  site_id: string;
  number: string;
  rules: Defaulted<string>;
  from_ms: number;
  to_ms: number;
  issued_by: string | null;
  note: string | null;
  created_by: string;
  created_at_ms: number;
  revoked_at_ms: number | null;
  revoked_by: string | null;
  revoke_cause: string | null;
}

/** What another system shows when it reports; only the hash of the secret is kept. */
export interface SourceTokensTable {
  id: string;
  name: string;
  /** All that it reports is of this source. */
  source: string;
  /** JSON: the channels by which it may report. */
  channels: string;
  unit_id: string | null;
  per_minute: number;
  sha256: string;
  created_by: string;
  created_at_ms: number;
  expires_at_ms: number | null;
  last_used_at_ms: number | null;
  revoked_at_ms: number | null;
  revoked_by: string | null;
}
