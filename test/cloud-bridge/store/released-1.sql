CREATE TABLE nodes (
  id TEXT PRIMARY KEY, site_id TEXT, created_at_ms INTEGER NOT NULL, paired_at_ms INTEGER, revoked_at_ms INTEGER,
  certificate_sha256 TEXT, certificate_serial TEXT, public_key_pem TEXT,
  version TEXT, config_sha256 TEXT, time_quality TEXT, current_run TEXT,
  online INTEGER NOT NULL DEFAULT 0, session TEXT, state_at_ms INTEGER,
  health TEXT, health_at_ms INTEGER, last_seen_at_ms INTEGER,
  latitude_deg REAL, longitude_deg REAL, position_at_ms INTEGER
) STRICT;
CREATE TABLE enrol_tokens (
  sha256 TEXT PRIMARY KEY, node TEXT NOT NULL, created_by TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL, expires_at_ms INTEGER NOT NULL, used_at_ms INTEGER
) STRICT;

CREATE TABLE runs (
  node TEXT NOT NULL, run TEXT NOT NULL, first INTEGER NOT NULL DEFAULT 1, head INTEGER NOT NULL DEFAULT 0,
  stored TEXT NOT NULL DEFAULT '[]', declared TEXT NOT NULL DEFAULT '[]', listed INTEGER NOT NULL DEFAULT 0,
  first_received_ms INTEGER NOT NULL, last_received_ms INTEGER NOT NULL,
  time_offset_ms INTEGER, time_offset_quality TEXT, started_at_ms INTEGER, previous_run TEXT, previous_last_seq INTEGER,
  PRIMARY KEY (node, run)
) STRICT;
CREATE TABLE hellos (
  node TEXT NOT NULL, session TEXT NOT NULL, current_run TEXT NOT NULL, pages TEXT NOT NULL DEFAULT '[]',
  complete INTEGER NOT NULL DEFAULT 0, listed TEXT NOT NULL DEFAULT '[]', open TEXT NOT NULL DEFAULT '[]',
  received_at_ms INTEGER NOT NULL, PRIMARY KEY (node, session)
) STRICT;
CREATE TABLE inbox (
  node TEXT NOT NULL, run TEXT NOT NULL, seq INTEGER NOT NULL, received_at_ms INTEGER NOT NULL,
  kind TEXT NOT NULL, device TEXT, subject_type TEXT, subject_id TEXT,
  up_ms INTEGER NOT NULL, at_ms INTEGER NOT NULL, corrected_at_ms INTEGER, time_quality TEXT NOT NULL,
  sha256 TEXT NOT NULL, bytes BLOB NOT NULL,
  PRIMARY KEY (node, run, seq)
) STRICT;
CREATE INDEX inbox_by_series ON inbox (node, device, kind, at_ms);
CREATE TABLE quarantine (
  node TEXT NOT NULL, run TEXT NOT NULL, seq INTEGER NOT NULL, sha256 TEXT NOT NULL, code TEXT NOT NULL,
  message TEXT NOT NULL, kind TEXT, received_at_ms INTEGER NOT NULL, size_bytes INTEGER NOT NULL, bytes BLOB,
  PRIMARY KEY (node, run, seq, sha256)
) STRICT;

CREATE TABLE alarms (
  alarm_id TEXT NOT NULL, node TEXT NOT NULL, device TEXT NOT NULL,
  subject_type TEXT NOT NULL DEFAULT '', subject_id TEXT NOT NULL DEFAULT '',
  rule TEXT NOT NULL, family TEXT NOT NULL, nature TEXT NOT NULL, rev INTEGER NOT NULL, phase TEXT NOT NULL,
  body TEXT NOT NULL, run TEXT NOT NULL, seq INTEGER NOT NULL, site_id TEXT,
  received_at_ms INTEGER NOT NULL, updated_at_ms INTEGER NOT NULL, raised_at_ms INTEGER NOT NULL,
  state_at_ms INTEGER NOT NULL, late INTEGER NOT NULL DEFAULT 0, superseded INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX once_alarm ON alarms (alarm_id);
CREATE INDEX alarms_by_key ON alarms (node, device, rule, phase);
CREATE INDEX alarms_standing ON alarms (rule, site_id) WHERE phase <> 'cleared';
CREATE INDEX alarms_by_receipt ON alarms (received_at_ms);
CREATE TABLE follow_up (
  id INTEGER PRIMARY KEY AUTOINCREMENT, alarm_id TEXT NOT NULL, pending INTEGER NOT NULL DEFAULT 1,
  created_at_ms INTEGER NOT NULL, case_id TEXT
) STRICT;
CREATE UNIQUE INDEX once_follow_up ON follow_up (alarm_id);
CREATE INDEX follow_up_pending ON follow_up (id) WHERE pending = 1;
CREATE TABLE evidence (
  evidence_id TEXT PRIMARY KEY, alarm_id TEXT NOT NULL, node TEXT NOT NULL, device TEXT NOT NULL,
  run TEXT NOT NULL, seq INTEGER NOT NULL, received_at_ms INTEGER NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX evidence_by_alarm ON evidence (alarm_id);

CREATE TABLE sites (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, time_zone TEXT NOT NULL, latitude_deg REAL, longitude_deg REAL,
  radius_m REAL, unit_id TEXT, created_at_ms INTEGER NOT NULL, source TEXT NOT NULL
) STRICT;
CREATE TABLE bindings (
  id INTEGER PRIMARY KEY AUTOINCREMENT, node TEXT NOT NULL, device TEXT NOT NULL, site_id TEXT NOT NULL,
  driver TEXT, quantity TEXT, from_ms INTEGER NOT NULL, to_ms INTEGER, source TEXT NOT NULL
) STRICT;
CREATE INDEX bindings_by_device ON bindings (node, device, from_ms);
CREATE INDEX bindings_by_site ON bindings (site_id);
CREATE TABLE device_state (
  node TEXT NOT NULL, device TEXT NOT NULL, subject_type TEXT NOT NULL DEFAULT '', subject_id TEXT NOT NULL DEFAULT '',
  driver TEXT, quantity TEXT, state TEXT NOT NULL, body TEXT NOT NULL DEFAULT '{}', at_ms INTEGER NOT NULL,
  last_reading_at_ms INTEGER, PRIMARY KEY (node, device, subject_type, subject_id)
) STRICT;

CREATE TABLE units (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, level TEXT NOT NULL, parent_id TEXT
) STRICT;
CREATE TABLE crews (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, unit_id TEXT NOT NULL, vehicle_node TEXT, radio_issi TEXT,
  assignment_id TEXT
) STRICT;
CREATE INDEX crews_by_vehicle ON crews (vehicle_node);
CREATE TABLE duties (
  id TEXT PRIMARY KEY, crew_id TEXT NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX duties_by_crew ON duties (crew_id, to_ms);
CREATE TABLE crew_positions (
  crew_id TEXT NOT NULL, source TEXT NOT NULL, latitude_deg REAL NOT NULL, longitude_deg REAL NOT NULL,
  accuracy_m REAL, at_ms INTEGER NOT NULL, received_at_ms INTEGER NOT NULL, PRIMARY KEY (crew_id, source)
) STRICT;

CREATE TABLE accounts (
  id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, role TEXT NOT NULL, crew_id TEXT, unit_id TEXT,
  password_hash TEXT, created_at_ms INTEGER NOT NULL, disabled_at_ms INTEGER
) STRICT;
CREATE TABLE sessions (
  sha256 TEXT PRIMARY KEY, account_id TEXT NOT NULL, csrf TEXT NOT NULL, created_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL, last_seen_at_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE invites (
  sha256 TEXT PRIMARY KEY, account_id TEXT NOT NULL, created_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL, used_at_ms INTEGER
) STRICT;

CREATE TABLE cases (
  id TEXT PRIMARY KEY, number INTEGER NOT NULL UNIQUE, family TEXT NOT NULL, nature TEXT NOT NULL, title TEXT NOT NULL,
  rule TEXT NOT NULL, state TEXT NOT NULL, before_suspend TEXT, late INTEGER NOT NULL DEFAULT 0,
  dispatchable INTEGER NOT NULL DEFAULT 1, site_id TEXT, node TEXT NOT NULL, latitude_deg REAL, longitude_deg REAL,
  opened_at_ms INTEGER NOT NULL, updated_at_ms INTEGER NOT NULL, closed_at_ms INTEGER, last_alarm_at_ms INTEGER NOT NULL,
  level_db REAL, peak_db REAL, waiting_for TEXT NOT NULL DEFAULT '[]', auto_dispatch_at_ms INTEGER,
  suspended_until_ms INTEGER, handlers TEXT NOT NULL DEFAULT '[]', quiet_since_ms INTEGER
) STRICT;
CREATE INDEX cases_by_state ON cases (state, updated_at_ms);
CREATE INDEX cases_open ON cases (family, site_id) WHERE closed_at_ms IS NULL;
CREATE INDEX cases_by_site ON cases (site_id, family);
CREATE TABLE case_alarms (
  case_id TEXT NOT NULL, alarm_id TEXT NOT NULL, joined_at_ms INTEGER NOT NULL, how TEXT NOT NULL,
  seen_rev INTEGER NOT NULL DEFAULT 0, seen_phase TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX once_case_alarm ON case_alarms (alarm_id);
CREATE INDEX case_alarms_by_case ON case_alarms (case_id);
CREATE TABLE timeline (
  case_id TEXT NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL, actor TEXT NOT NULL, channel TEXT NOT NULL,
  device_time_ms INTEGER, server_time_ms INTEGER NOT NULL, latitude_deg REAL, longitude_deg REAL, accuracy_m REAL,
  cause TEXT, detail TEXT, hash TEXT NOT NULL, PRIMARY KEY (case_id, seq)
) STRICT;
CREATE TRIGGER timeline_is_append_only_1 BEFORE UPDATE ON timeline
  BEGIN SELECT RAISE(ABORT, 'the timeline is append-only'); END;
CREATE TRIGGER timeline_is_append_only_2 BEFORE DELETE ON timeline
  BEGIN SELECT RAISE(ABORT, 'the timeline is append-only'); END;
CREATE TABLE assignments (
  id TEXT PRIMARY KEY, case_id TEXT NOT NULL, crew_id TEXT NOT NULL, state TEXT NOT NULL, active INTEGER NOT NULL,
  distance_m REAL, eta_ms REAL, created_at_ms INTEGER NOT NULL, assigned_at_ms INTEGER NOT NULL, assigned_by TEXT NOT NULL,
  notified_at_ms INTEGER, acknowledged_at_ms INTEGER, en_route_at_ms INTEGER, on_scene_at_ms INTEGER,
  on_scene_by TEXT NOT NULL DEFAULT '[]', ended_at_ms INTEGER, end_cause TEXT
) STRICT;
CREATE INDEX assignments_by_case ON assignments (case_id);
CREATE UNIQUE INDEX one_assignment_per_crew ON assignments (crew_id) WHERE active = 1;
CREATE UNIQUE INDEX one_assignment_per_case ON assignments (case_id) WHERE active = 1;
CREATE TABLE decisions (
  id INTEGER PRIMARY KEY AUTOINCREMENT, case_id TEXT NOT NULL, at_ms INTEGER NOT NULL, candidates TEXT NOT NULL
) STRICT;
CREATE INDEX decisions_by_case ON decisions (case_id, id);
CREATE TABLE timers (
  id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, ref TEXT NOT NULL, due_at_ms INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL, done_at_ms INTEGER
) STRICT;
CREATE UNIQUE INDEX one_open_timer ON timers (kind, ref) WHERE done_at_ms IS NULL;
CREATE INDEX timers_due ON timers (due_at_ms) WHERE done_at_ms IS NULL;
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, reason TEXT NOT NULL, crew_id TEXT NOT NULL, assignment_id TEXT NOT NULL,
  case_id TEXT NOT NULL, created_at_ms INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
  delivered_at_ms INTEGER, delivered_to TEXT, cancelled_at_ms INTEGER
) STRICT;
CREATE UNIQUE INDEX one_notification ON outbox (channel, assignment_id, reason);
CREATE INDEX outbox_waiting ON outbox (crew_id) WHERE delivered_at_ms IS NULL AND cancelled_at_ms IS NULL;
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, data TEXT NOT NULL, at_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE idempotency (
  account_id TEXT NOT NULL, key TEXT NOT NULL, request_sha256 TEXT NOT NULL, status INTEGER NOT NULL,
  response TEXT NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (account_id, key)
) STRICT;
CREATE TABLE commands (
  id TEXT PRIMARY KEY, node TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, issued_by TEXT NOT NULL,
  issued_at_ms INTEGER NOT NULL, expires_at_ms INTEGER NOT NULL, sent_at_ms INTEGER, answered_at_ms INTEGER, result TEXT
) STRICT;
CREATE INDEX commands_waiting ON commands (node, expires_at_ms) WHERE answered_at_ms IS NULL;
CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL,
  target TEXT, address TEXT, detail TEXT
) STRICT;
