import type { ColumnType, Generated } from "kysely";

/** A column with a default in the database. */
type Defaulted<T> = ColumnType<T, T | undefined, T>;

export interface MetaTable {
  key: string;
  value: string;
}

export interface SchemaVersionTable {
  version: number;
  name: string;
  applied_at_ms: number;
}

export interface NodesTable {
  id: string;
  site_id: string | null;
  created_at_ms: number;
  paired_at_ms: number | null;
  revoked_at_ms: number | null;
  certificate_sha256: string | null;
  certificate_serial: string | null;
  public_key_pem: string | null;
  version: string | null;
  config_sha256: string | null;
  time_quality: string | null;
  current_run: string | null;
  online: Defaulted<number>;
  session: string | null;
  state_at_ms: number | null;
  health: string | null;
  health_at_ms: number | null;
  last_seen_at_ms: number | null;
  latitude_deg: number | null;
  longitude_deg: number | null;
  position_at_ms: number | null;
  /** The process that holds the node's connection, where a broker of ours does. */
  worker: Defaulted<string | null>;
}

/** Certificates that their nodes may use no more: they were replaced, or the node was revoked. */
export interface RevokedCertificatesTable {
  serial: string;
  node: string;
  at_ms: number;
}

export interface EnrolTokensTable {
  sha256: string;
  node: string;
  created_by: string;
  created_at_ms: number;
  expires_at_ms: number;
  used_at_ms: number | null;
  /** What it was answered with. */
  certificate_pem: Generated<string | null>;
}

export interface RunsTable {
  node: string;
  run: string;
  first: Defaulted<number>;
  head: Defaulted<number>;
  stored: Defaulted<string>;
  declared: Defaulted<string>;
  listed: Defaulted<number>;
  first_received_ms: number;
  last_received_ms: number;
  /** Ranges declared, by the reason that the node gave. */
  reasons: Defaulted<string>;
  stored_count: Defaulted<number>;
  declared_count: Defaulted<number>;
  shed_quota: Defaulted<number>;
  shed_expired: Defaulted<number>;
  shed_corrupt: Defaulted<number>;
  shed_undecodable: Defaulted<number>;
  /** Seqs up to the head that are neither stored nor declared. */
  gaps: Defaulted<number>;
  /** What the run's `time` records said, see time-marks.ts. */
  time_marks: Defaulted<string>;
  started_at_ms: number | null;
  previous_run: string | null;
  previous_last_seq: number | null;
}

export interface HelloRunsTable {
  node: string;
  /** JSON, newest last. */
  runs: string;
}

export interface HellosTable {
  node: string;
  session: string;
  current_run: string;
  pages: Defaulted<string>;
  complete: Defaulted<number>;
  listed: Defaulted<string>;
  open: Defaulted<string>;
  received_at_ms: number;
}

export interface InboxTable {
  node: string;
  run: string;
  seq: number;
  received_at_ms: number;
  kind: string;
  device: string | null;
  subject_type: string | null;
  subject_id: string | null;
  up_ms: number;
  at_ms: number;
  corrected_at_ms: number | null;
  time_quality: string;
  sha256: string;
  bytes: Uint8Array;
}

/** Of records of lane 0 that retention took: their hash lives as long as the ledger. */
export interface KeptHashesTable {
  node: string;
  run: string;
  seq: number;
  sha256: string;
}

/** A span whose records a case needs; device '': the node's own. Spans of one device do not touch. */
export interface RetentionHoldsTable {
  node: string;
  device: string;
  from_ms: number;
  to_ms: number;
}

export interface QuarantineTable {
  node: string;
  run: string;
  seq: number;
  sha256: string;
  code: string;
  message: string;
  kind: string | null;
  received_at_ms: number;
  size_bytes: number;
  bytes: Uint8Array | null;
  /** A later version of this program could read it, and took it up then. */
  replayed_at_ms: number | null;
}

export interface AlarmsTable {
  alarm_id: string;
  node: string;
  device: string;
  subject_type: Defaulted<string>;
  subject_id: Defaulted<string>;
  rule: string;
  family: string;
  nature: string;
  rev: number;
  phase: string;
  body: string;
  run: string;
  seq: number;
  site_id: string | null;
  received_at_ms: number;
  updated_at_ms: number;
  raised_at_ms: number;
  state_at_ms: number;
  late: Defaulted<number>;
  superseded: Defaulted<number>;
}

export interface FollowUpTable {
  id: Generated<number>;
  alarm_id: string;
  pending: Defaulted<number>;
  created_at_ms: number;
  case_id: string | null;
}

export interface SitesTable {
  id: string;
  name: string;
  time_zone: string;
  latitude_deg: number | null;
  longitude_deg: number | null;
  radius_m: number | null;
  unit_id: string | null;
  created_at_ms: number;
  source: string;
}

export interface BindingsTable {
  id: Generated<number>;
  node: string;
  device: string;
  site_id: string;
  driver: string | null;
  quantity: string | null;
  from_ms: number;
  to_ms: number | null;
  source: string;
}

export interface DeviceStateTable {
  node: string;
  device: string;
  subject_type: Defaulted<string>;
  subject_id: Defaulted<string>;
  driver: string | null;
  quantity: string | null;
  state: string;
  body: Defaulted<string>;
  at_ms: number;
  last_reading_at_ms: number | null;
}

export interface AccountsTable {
  id: string;
  name: string;
  role: string;
  crew_id: string | null;
  unit_id: string | null;
  password_hash: string | null;
  created_at_ms: number;
  disabled_at_ms: number | null;
}

export interface SessionsTable {
  sha256: string;
  account_id: string;
  csrf: string;
  created_at_ms: number;
  expires_at_ms: number;
  last_seen_at_ms: number;
}

export interface InvitesTable {
  sha256: string;
  account_id: string;
  created_at_ms: number;
  expires_at_ms: number;
  used_at_ms: number | null;
}

export interface IdempotencyTable {
  account_id: string;
  key: string;
  request_sha256: string;
  status: number;
  response: string;
  at_ms: number;
}

export interface CommandsTable {
  id: string;
  node: string;
  kind: string;
  body: string;
  issued_by: string;
  issued_at_ms: number;
  expires_at_ms: number;
  sent_at_ms: number | null;
  answered_at_ms: number | null;
  result: string | null;
  cancelled_at_ms: number | null;
  cancelled_by: string | null;
}

export interface AuditTable {
  id: Generated<number>;
  at_ms: number;
  actor: string;
  action: string;
  target: string | null;
  address: string | null;
  detail: string | null;
}
