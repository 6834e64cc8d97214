import { type Selectable, sql } from "kysely";
import type { AlarmBody, AlarmFamily, AlarmNature } from "../../protocol/alarm.ts";
import type { Subject } from "../../protocol/ids.ts";
import { traceOf } from "../../protocol/trace.ts";
import { type AlarmRow, bodyOf, subjectOf } from "../alarms/alarm-rows.ts";
import { isStanding, UNWATCHED_RULES } from "../alarms/faults.ts";
import { crewsOnDuty } from "../roster/candidates.ts";
import { type CrewFacts, crewOf, membersByCrew } from "../roster/crews.ts";
import { type FilingFacts, filingsNow } from "../roster/filings.ts";
import { newestPositions } from "../roster/positions.ts";
import { type FlagKind, listFlags } from "../roster/supervision.ts";
import type { Db, Trx } from "../store/database.ts";
import type { AssignmentsTable } from "../store/desk-tables.ts";
import { prepared } from "../store/prepared.ts";
import { type CaseFieldFacts, caseFields } from "./case-fields.ts";
import { type CaseRow, positionOf, stateOfCase } from "./case-rows.ts";
import { unitIdsOf } from "./case-units.ts";
import type { CaseStateName } from "./states.ts";

/** Shapes of the API's AlarmView, Assignment, CaseView and CrewView; they stand here since rooms do not import the API. */
export interface AlarmFacts {
  readonly alarmId: string;
  readonly trace: string;
  readonly node: string;
  readonly device: string;
  readonly subject?: Subject;
  readonly siteId?: string;
  /** As the node stamped it. */
  readonly body: AlarmBody;
  /** When it was raised and when its newest revision was made, corrected where that clock was not to be believed. */
  readonly raisedAtMs: number;
  readonly stateAtMs: number;
  readonly isTimeCorrected: boolean;
  readonly late: boolean;
  readonly superseded: boolean;
  readonly receivedAtMs: number;
  readonly caseId?: string;
}

const ASSIGNMENT_STATES = [
  "proposed",
  "assigned",
  "acknowledged",
  "declined",
  "en-route",
  "on-scene",
  "done",
  "withdrawn",
] as const;
export type AssignmentStateName = (typeof ASSIGNMENT_STATES)[number];
const ARRIVALS = ["button", "gps", "radio"] as const;
export type Arrival = (typeof ARRIVALS)[number];

export interface AssignmentFacts {
  readonly id: string;
  readonly caseId: string;
  readonly crewId: string;
  readonly crewName: string;
  readonly role?: "back-up";
  readonly state: AssignmentStateName;
  readonly distanceM?: number;
  readonly etaMs?: number;
  readonly assignedAtMs: number;
  readonly notifiedAtMs?: number;
  readonly acknowledgedAtMs?: number;
  readonly onSceneAtMs?: number;
  readonly onSceneBy?: Arrival[];
}

export interface CaseFacts extends CaseFieldFacts {
  readonly id: string;
  readonly number: number;
  readonly family: AlarmFamily | "report";
  readonly nature: AlarmNature;
  readonly title: string;
  readonly state: CaseStateName;
  readonly late: boolean;
  readonly siteId?: string;
  readonly siteName?: string;
  readonly unitIds?: string[];
  readonly isHeld?: boolean;
  readonly unwatched: boolean;
  readonly position?: { latitudeDeg: number; longitudeDeg: number };
  readonly openedAtMs: number;
  readonly updatedAtMs: number;
  readonly closedAtMs?: number;
  readonly alarmIds: string[];
  readonly levelDb?: number;
  readonly peakDb?: number;
  readonly waitingFor: string[];
  readonly autoDispatchAtMs?: number;
  readonly assignment?: AssignmentFacts;
}

export interface CrewSituationFacts extends CrewFacts {
  readonly onDuty: boolean;
  /** Who sits in which car with which radio now. */
  readonly filing?: FilingFacts;
  readonly flags?: FlagKind[];
  readonly position?: {
    readonly latitudeDeg: number;
    readonly longitudeDeg: number;
    readonly atMs: number;
    readonly source: "vehicle" | "radio" | "phone";
  };
  readonly assignment?: AssignmentFacts;
}

export function alarmFacts(row: AlarmRow, caseId: string | null): AlarmFacts {
  const subject = subjectOf(row);
  const body = bodyOf(row);
  return {
    alarmId: row.alarm_id,
    trace: traceOf(row.alarm_id),
    node: row.node,
    device: row.device,
    ...(subject === undefined ? {} : { subject }),
    ...(row.site_id === null ? {} : { siteId: row.site_id }),
    body,
    raisedAtMs: row.raised_at_ms,
    stateAtMs: row.state_at_ms,
    isTimeCorrected: body.raisedAtMs !== row.raised_at_ms || body.stateAtMs !== row.state_at_ms,
    late: row.late === 1,
    superseded: row.superseded === 1,
    receivedAtMs: row.received_at_ms,
    ...(caseId === null ? {} : { caseId }),
  };
}

export function assignmentFacts(row: Selectable<AssignmentsTable>, crewName: string): AssignmentFacts {
  const arrivals = arrivalsOf(row);
  return {
    id: row.id,
    caseId: row.case_id,
    crewId: row.crew_id,
    crewName,
    ...(row.role === "back-up" ? { role: "back-up" as const } : {}),
    state: ASSIGNMENT_STATES.find((state) => state === row.state) ?? "withdrawn",
    ...(row.distance_m === null ? {} : { distanceM: row.distance_m }),
    ...(row.eta_ms === null ? {} : { etaMs: row.eta_ms }),
    assignedAtMs: row.assigned_at_ms,
    ...(row.notified_at_ms === null ? {} : { notifiedAtMs: row.notified_at_ms }),
    ...(row.acknowledged_at_ms === null ? {} : { acknowledgedAtMs: row.acknowledged_at_ms }),
    ...(row.on_scene_at_ms === null ? {} : { onSceneAtMs: row.on_scene_at_ms }),
    ...(arrivals.length === 0 ? {} : { onSceneBy: arrivals }),
  };
}

export function arrivalsOf(row: Pick<Selectable<AssignmentsTable>, "on_scene_by">): Arrival[] {
  const named: unknown = JSON.parse(row.on_scene_by);
  return Array.isArray(named) ? ARRIVALS.filter((arrival) => named.includes(arrival)) : [];
}

/** Assignments with the names of their crews, newest first. */
export async function assignmentsOf(
  trx: Trx,
  where:
    | { readonly caseId: string }
    | { readonly caseIds: readonly string[] }
    | { readonly id: string }
    | { readonly active: true },
): Promise<readonly AssignmentFacts[]> {
  const { rows } = await ("caseId" in where
    ? legsOfCase(trx, where)
    : "id" in where
      ? legById(trx, where)
      : "caseIds" in where
        ? trx.executeQuery(legs(trx).where("assignments.case_id", "in", [...where.caseIds]))
        : activeLegs(trx, where));
  return rows.map((row) => assignmentFacts(row, row.crew_name));
}

function legs(db: Db | Trx) {
  return db
    .selectFrom("assignments")
    .innerJoin("crews", "crews.id", "assignments.crew_id")
    .selectAll("assignments")
    .select("crews.name as crew_name")
    .orderBy("assignments.created_at_ms", "desc")
    .orderBy("assignments.id", "desc");
}

const legsOfCase = prepared((db, { caseId }: { caseId: string }) => legs(db).where("assignments.case_id", "=", caseId));
const legById = prepared((db, { id }: { id: string }) => legs(db).where("assignments.id", "=", id));
const activeLegs = prepared((db, _: object) => legs(db).where(sql<boolean>`assignments.active = 1`));

/** The leg that counts for the case now: while it waits the proposed one, else the active, else the last that was worked on. */
function currentOf(state: CaseStateName, all: readonly AssignmentFacts[]): AssignmentFacts | undefined {
  const assignments = all.filter(({ role }) => role !== "back-up");
  if (state === "open") return assignments.find((leg) => leg.state === "proposed");
  const isWorking = ({ state }: AssignmentFacts) =>
    ["assigned", "acknowledged", "en-route", "on-scene"].includes(state);
  return assignments.find(isWorking) ?? assignments.find((leg) => leg.state === "done");
}

/** What stands beside a case's own row. */
export interface CaseParts {
  readonly alarmIds: readonly string[];
  readonly siteName: string | undefined;
  readonly assignments: readonly AssignmentFacts[];
  readonly unitIds: readonly string[];
  readonly isUnwatched: boolean;
}

export async function caseFacts(trx: Trx, row: CaseRow): Promise<CaseFacts> {
  const [site] = row.site_id === null ? [] : (await siteName(trx, { siteId: row.site_id })).rows;
  return withParts(row, {
    alarmIds: (await alarmsOfCase(trx, { caseId: row.id })).rows.map(({ alarm_id }) => alarm_id),
    siteName: site?.name,
    assignments: await assignmentsOf(trx, { caseId: row.id }),
    unitIds: await unitIdsOf(trx, row.id),
    isUnwatched: await isUnwatched(trx, row),
  });
}

export function withParts(row: CaseRow, parts: CaseParts): CaseFacts {
  const assignment = currentOf(stateOfCase(row), parts.assignments);
  const position = positionOf(row);
  const waitingFor: unknown = JSON.parse(row.waiting_for);
  return {
    id: row.id,
    number: row.number,
    family: FAMILIES.find((family) => family === row.family) ?? "fault",
    nature: row.nature === "event" ? "event" : "condition",
    title: row.title,
    state: stateOfCase(row),
    late: row.late === 1,
    ...(row.site_id === null ? {} : { siteId: row.site_id }),
    ...(parts.siteName === undefined ? {} : { siteName: parts.siteName }),
    ...(parts.unitIds.length === 0 ? {} : { unitIds: [...parts.unitIds] }),
    ...(row.dispatchable === 1 ? {} : { isHeld: true }),
    unwatched: parts.isUnwatched,
    ...(position === undefined ? {} : { position }),
    openedAtMs: row.opened_at_ms,
    updatedAtMs: row.updated_at_ms,
    ...(row.closed_at_ms === null ? {} : { closedAtMs: row.closed_at_ms }),
    alarmIds: [...parts.alarmIds],
    ...(row.level_db === null ? {} : { levelDb: row.level_db }),
    ...(row.peak_db === null ? {} : { peakDb: row.peak_db }),
    waitingFor: Array.isArray(waitingFor) ? waitingFor.map(String) : [],
    ...(row.auto_dispatch_at_ms === null ? {} : { autoDispatchAtMs: row.auto_dispatch_at_ms }),
    ...(assignment === undefined ? {} : { assignment }),
    ...caseFields(row),
  };
}

const alarmsOfCase = prepared((db, { caseId }: { caseId: string }) =>
  db
    .selectFrom("case_alarms")
    .select("alarm_id")
    .where("case_id", "=", caseId)
    .orderBy("joined_at_ms")
    // Those of one moment, too, in one order wherever they are read.
    .orderBy("alarm_id"),
);

const siteName = prepared((db, { siteId }: { siteId: string }) =>
  db.selectFrom("sites").select("name").where("id", "=", siteId),
);

const FAMILIES = ["noise", "vision", "emergency", "fault", "report"] as const;

/** A node or a meter is silent at the case's site, or at its node when it has no site. */
async function isUnwatched(trx: Trx, row: CaseRow): Promise<boolean> {
  const { rows: silences } = await (row.site_id === null
    ? silencesOfNode(trx, { node: row.node })
    : silencesOfSite(trx, { siteId: row.site_id }));
  for (const { node, device } of silences) {
    if (device === "") return true;
    const meter = await trx
      .selectFrom("device_state")
      .select("quantity")
      .where("node", "=", node)
      .where("device", "=", device)
      .where("quantity", "is not", null)
      .executeTakeFirst();
    if (meter !== undefined) return true;
  }
  return false;
}

/** Standing faults of nodes and devices that are silent. */
export function silences(db: Db | Trx) {
  return db
    .selectFrom("alarms")
    .select(["node", "device"])
    .where("family", "=", "fault")
    .where(isStanding)
    .where("rule", "in", [...UNWATCHED_RULES]);
}

const silencesOfNode = prepared((db, { node }: { node: string }) => silences(db).where("node", "=", node));
const silencesOfSite = prepared((db, { siteId }: { siteId: string }) => silences(db).where("site_id", "=", siteId));

/** Every crew with duty, position and work. */
export async function crewFacts(trx: Trx, nowMs: number): Promise<readonly CrewSituationFacts[]> {
  const crews = await trx.selectFrom("crews").selectAll().orderBy("id").execute();
  const onDuty = await crewsOnDuty(trx, nowMs);
  const positions = await newestPositions(trx);
  const active = await assignmentsOf(trx, { active: true });
  const members = await membersByCrew(trx);
  const filings = await filingsNow(trx, nowMs);
  const open = await listFlags(trx, { open: true });
  return crews.map((row) => {
    const position = positions.get(row.id);
    const own = active.filter(({ crewId }) => crewId === row.id);
    const assignment = own.find(({ id }) => id === row.assignment_id) ?? own[0];
    const filing = filings.get(row.id);
    const flags = open.filter(({ crewId }) => crewId === row.id).map(({ kind }) => kind);
    return {
      ...crewOf(row, members.get(row.id) ?? []),
      onDuty: onDuty.has(row.id),
      ...(filing === undefined ? {} : { filing }),
      ...(flags.length === 0 ? {} : { flags }),
      ...(position === undefined
        ? {}
        : {
            position: {
              latitudeDeg: position.latitudeDeg,
              longitudeDeg: position.longitudeDeg,
              atMs: position.atMs,
              source: position.source,
            },
          }),
      ...(assignment === undefined ? {} : { assignment }),
    };
  });
}
