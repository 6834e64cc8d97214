import type { LevelHoursTable } from "./analysis-tables.ts";
import type {
  CataloguesTable,
  InhibitionsTable,
  ReportsTable,
  WhistleLegsTable,
  WhistlesTable,
} from "./casework-tables.ts";
import type {
  AssignmentsTable,
  CaseAlarmsTable,
  CasesTable,
  CrewPositionsTable,
  CrewSignalsTable,
  DecisionsTable,
  EventsTable,
  OutboxTable,
  TimelineTable,
  TimersTable,
} from "./desk-tables.ts";
import type {
  BlobsTable,
  CaseEvidenceTable,
  EvidenceKeysTable,
  EvidencePartsTable,
  EvidenceTable,
} from "./evidence-tables.ts";
import type {
  AccountsTable,
  AlarmsTable,
  AuditTable,
  BindingsTable,
  CommandsTable,
  DeviceStateTable,
  EnrolTokensTable,
  FollowUpTable,
  HelloRunsTable,
  HellosTable,
  IdempotencyTable,
  InboxTable,
  InvitesTable,
  KeptHashesTable,
  MetaTable,
  NodesTable,
  QuarantineTable,
  RetentionHoldsTable,
  RevokedCertificatesTable,
  RunsTable,
  SchemaVersionTable,
  SessionsTable,
  SitesTable,
} from "./fleet-tables.ts";
import type {
  CalendarsTable,
  CaseUnitsTable,
  CrewMembersTable,
  CrewsTable,
  DutiesTable,
  FilingPeopleTable,
  FilingsTable,
  PeopleTable,
  PermitsTable,
  ShiftsTable,
  SourceTokensTable,
  SupervisionTable,
  UnitsTable,
} from "./roster-tables.ts";
import type { NodeConfigsTable, NodeTwinsTable, RolloutNodesTable, RolloutsTable } from "./twin-tables.ts";

/** Row types of every table, as Kysely wants them. JSON travels as text, facts as 0 and 1. */
export interface Tables {
  meta: MetaTable;
  schema_version: SchemaVersionTable;
  nodes: NodesTable;
  enrol_tokens: EnrolTokensTable;
  runs: RunsTable;
  hellos: HellosTable;
  hello_runs: HelloRunsTable;
  inbox: InboxTable;
  level_hours: LevelHoursTable;
  kept_hashes: KeptHashesTable;
  retention_holds: RetentionHoldsTable;
  revoked_certificates: RevokedCertificatesTable;
  quarantine: QuarantineTable;
  alarms: AlarmsTable;
  follow_up: FollowUpTable;
  evidence: EvidenceTable;
  evidence_parts: EvidencePartsTable;
  case_evidence: CaseEvidenceTable;
  source_tokens: SourceTokensTable;
  evidence_keys: EvidenceKeysTable;
  blobs: BlobsTable;
  sites: SitesTable;
  bindings: BindingsTable;
  device_state: DeviceStateTable;
  units: UnitsTable;
  crews: CrewsTable;
  people: PeopleTable;
  crew_members: CrewMembersTable;
  shifts: ShiftsTable;
  duties: DutiesTable;
  filings: FilingsTable;
  filing_people: FilingPeopleTable;
  supervision: SupervisionTable;
  calendars: CalendarsTable;
  permits: PermitsTable;
  crew_positions: CrewPositionsTable;
  accounts: AccountsTable;
  sessions: SessionsTable;
  invites: InvitesTable;
  cases: CasesTable;
  catalogues: CataloguesTable;
  reports: ReportsTable;
  inhibitions: InhibitionsTable;
  whistles: WhistlesTable;
  whistle_legs: WhistleLegsTable;
  case_alarms: CaseAlarmsTable;
  case_units: CaseUnitsTable;
  timeline: TimelineTable;
  assignments: AssignmentsTable;
  decisions: DecisionsTable;
  timers: TimersTable;
  outbox: OutboxTable;
  crew_signals: CrewSignalsTable;
  events: EventsTable;
  idempotency: IdempotencyTable;
  commands: CommandsTable;
  node_configs: NodeConfigsTable;
  node_twins: NodeTwinsTable;
  rollouts: RolloutsTable;
  rollout_nodes: RolloutNodesTable;
  audit: AuditTable;
}
