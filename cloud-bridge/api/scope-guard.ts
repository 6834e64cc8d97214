import type { FastifyRequest } from "fastify";
import { caseOfEvidence, loadEvidence } from "../evidence/evidence-views.ts";
import type { AccountFacts } from "../roster/accounts.ts";
import {
  mayCrewName,
  mayFilingName,
  mayPersonName,
  mayUnitName,
  type NamedByCrew,
  type NamedByFiling,
  type NamedByUnit,
  scopeOfCrew,
} from "../roster/named.ts";
import { holdsWork, type Scope, type ScopeKind, within } from "../roster/scope.ts";
import type { Db } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import { accountOf } from "./access-control.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** What the account gets at; whole where nobody is signed in. */
    scope: Scope;
  }
}

/** Somebody who asks, and what of the world this account gets at. */
export interface Viewer extends AccountFacts {
  readonly scope: Scope;
}

export function viewerOf(request: FastifyRequest): Viewer {
  return { ...accountOf(request), scope: request.scope };
}

type Verdict = (scope: Scope, id: string, db: Db) => Promise<boolean> | boolean;
const ANY: Verdict = () => true;

function holder(table: "sites" | "crews" | "people" | "shifts", kind: ScopeKind, column: "id" | "unit_id"): Verdict {
  return async (scope, id, db) => {
    const row = await db.selectFrom(table).select(column).where("id", "=", id).executeTakeFirst();
    // What is not there is told as such by whoever looks for it.
    return row === undefined || within(scope, kind, row[column as never]);
  };
}

function ofCrew(table: "duties" | "filings"): Verdict {
  return async (scope, id, db) => {
    const row = await db.selectFrom(table).select("crew_id").where("id", "=", id).executeTakeFirst();
    return row === undefined || within(scope, "crewIds", row.crew_id);
  };
}

const ofCase: Verdict = async (scope, id, db) => {
  const known = await db.selectFrom("cases").select("id").where("id", "=", id).executeTakeFirst();
  if (known === undefined) return true;
  const units = await db.selectFrom("case_units").select("unit_id").where("case_id", "=", id).execute();
  return units.some(({ unit_id }) => within(scope, "unitIds", unit_id));
};

const ofReport: Verdict = async (scope, id, db) => {
  const row = await db.selectFrom("reports").select("case_id").where("id", "=", id).executeTakeFirst();
  return row === undefined || ofCase(scope, row.case_id, db);
};

const ofAssignment: Verdict = async (scope, id, db) => {
  const row = await db.selectFrom("assignments").select("case_id").where("id", "=", id).executeTakeFirst();
  return row === undefined || ofCase(scope, row.case_id, db);
};

const ofWhistle: Verdict = async (scope, id, db) => {
  const row = await db.selectFrom("whistles").select("case_id").where("id", "=", id).executeTakeFirst();
  return row === undefined || ofCase(scope, row.case_id, db);
};

const ofWhistleLeg: Verdict = async (scope, id, db) => {
  const row = await db.selectFrom("whistle_legs").select("whistle_id").where("id", "=", id).executeTakeFirst();
  return row === undefined || ofWhistle(scope, row.whistle_id, db);
};

const ofInhibition: Verdict = async (scope, id, db) => {
  const row = await db.selectFrom("inhibitions").select(["node", "site_id"]).where("id", "=", id).executeTakeFirst();
  return row === undefined || holdsWork(scope, row);
};

const ofNotice: Verdict = async (scope, id, db) => {
  const row = await db.selectFrom("outbox").select("case_id").where("id", "=", Number(id)).executeTakeFirst();
  return row === undefined || ofCase(scope, row.case_id, db);
};

const ofEvidence: Verdict = async (scope, id, db) => {
  const row = await loadEvidence(db, id).catch(() => undefined);
  if (row === undefined) return true;
  const caseId = await caseOfEvidence(db, row);
  return caseId === undefined ? within(scope, "nodeIds", row.node) : ofCase(scope, caseId, db);
};

const ofPermit: Verdict = async (scope, id, db) => {
  const row = await db.selectFrom("permits").select("site_id").where("id", "=", id).executeTakeFirst();
  return row === undefined || within(scope, "siteIds", row.site_id);
};

const ofNode: Verdict = async (scope, id, db) => {
  if (within(scope, "nodeIds", id)) return true;
  return (await db.selectFrom("nodes").select("id").where("id", "=", id).executeTakeFirst()) === undefined;
};

/** Items by the first part of their path: who gets at them. What does not stand here is for accounts without a unit. */
const ITEMS: Readonly<Record<string, Verdict>> = {
  session: ANY,
  catalogues: ANY,
  calendars: ANY,
  cases: ofCase,
  assignments: ofAssignment,
  evidence: ofEvidence,
  reports: ofReport,
  whistles: ofWhistle,
  "whistle-legs": ofWhistleLeg,
  inhibitions: ofInhibition,
  notices: ofNotice,
  nodes: ofNode,
  sites: holder("sites", "siteIds", "id"),
  permits: ofPermit,
  crews: holder("crews", "crewIds", "id"),
  people: holder("people", "unitIds", "unit_id"),
  shifts: holder("shifts", "unitIds", "unit_id"),
  rosters: ofCrew("duties"),
  filings: ofCrew("filings"),
};

/** Lists, and the stream, that cut themselves by `request.scope`; and those that are the same for everybody. */
const LISTS: ReadonlySet<string> = new Set([
  ...["session", "events", "catalogues", "calendars", "units", "analysis", "config-schema"],
  ...[
    "alarms",
    "cases",
    "reports",
    "whistles",
    "inhibitions",
    "notices",
    "nodes",
    "fleet",
    "cameras",
    "sites",
    "devices",
    "permits",
  ],
  ...["crews", "people", "shifts", "rosters", "filings", "supervision"],
]);

/** What is made or changed: where its body says that it belongs. */
const MADE: Readonly<Record<string, (scope: Scope, body: Body, db: Db) => Promise<boolean> | boolean>> = {
  session: () => true,
  welcome: () => true,
  enroll: () => true,
  reports: () => true,
  whistles: async (scope, { caseId = "", fromUnitId }, db) =>
    within(scope, "unitIds", fromUnitId) && (await ofCase(scope, caseId, db)),
  inhibitions: (scope, { node, siteId }) => holdsWork(scope, { node: node ?? null, site_id: siteId ?? null }),
  nodes: (scope, { node = "" }, db) => ofNode(scope, node, db),
  units: async (scope, unit, db) =>
    (await mayPutUnit(scope, unit.id, unit.parentId, db)) && (await mayUnitName(scope, unit, db)),
  sites: async (scope, { id = "", unitId }, db) =>
    within(scope, "unitIds", unitId) && (await holder("sites", "siteIds", "id")(scope, id, db)),
  bindings: async (scope, { node = "", siteId }, db) =>
    within(scope, "siteIds", siteId) && (await ofNode(scope, node, db)),
  crews: async (scope, crew, db) =>
    within(scope, "unitIds", crew.unitId) &&
    (await holder("crews", "crewIds", "id")(scope, crew.id ?? "", db)) &&
    (await mayCrewName(scope, crew, db)),
  people: async (scope, person, db) =>
    within(scope, "unitIds", person.unitId) &&
    (await holder("people", "unitIds", "unit_id")(scope, person.id ?? "", db)) &&
    (await mayPersonName(scope, person, db)),
  shifts: async (scope, { id = "", unitId }, db) =>
    within(scope, "unitIds", unitId) && (await holder("shifts", "unitIds", "unit_id")(scope, id, db)),
  rosters: (scope, { crewId }) => within(scope, "crewIds", crewId),
  filings: async (scope, filing, db) =>
    within(scope, "crewIds", filing.crewId) && (await mayFilingName(scope, filing, db)),
  permits: (scope, { siteId }) => within(scope, "siteIds", siteId),
};

type Field = "id" | "unitId" | "parentId" | "crewId" | "siteId" | "node" | "caseId" | "fromUnitId" | "act" | "into";
type Body = Readonly<Partial<Record<Field, string>>> & NamedByCrew & NamedByFiling & NamedByUnit;

/** A unit within, or a new one below one within; never the top of the scope itself, which somebody above keeps. */
async function mayPutUnit(scope: Scope, id = "", parentId: string | undefined, db: Db): Promise<boolean> {
  if (!within(scope, "unitIds", parentId)) return false;
  const known = await db.selectFrom("units").select("id").where("id", "=", id).executeTakeFirst();
  return known === undefined || within(scope, "unitIds", id);
}

/**
 * Before every handler: does the account's scope hold what the path and the body name? A route of which nothing is known
 * here is for accounts without a unit.
 * @throws BridgeError SCOPE_REFUSED, CASE_FOREIGN
 */
export async function demandScope(request: FastifyRequest, db: Db): Promise<void> {
  const { scope } = request;
  const { url = "" } = request.routeOptions;
  if (scope.isWhole || !url.startsWith("/api/")) return;
  const [, , , room = "", item] = url.split("/");
  const isRead = request.method === "GET" || request.method === "HEAD";
  if (room === "units" && item !== undefined && !isRead) return refuseUnless(isBelow(request), request);
  if (room === "units" && item !== undefined) return;
  if (item === undefined || !item.startsWith(":")) {
    if (isRead) return refuseUnless(LISTS.has(room), request);
    const body = (request.body ?? {}) as Body;
    return refuseUnless((await MADE[room]?.(scope, body, db)) ?? false, request);
  }
  const params = request.params as { readonly id?: string | number; readonly name?: string };
  const { act, into = "" } = (request.body ?? {}) as Body;
  if (room === "cases" && act === "merge" && !(await ofCase(scope, into, db))) return refuseUnless(false, request);
  const isHeld = (await ITEMS[room]?.(scope, String(params.id ?? params.name ?? ""), db)) ?? false;
  if (isHeld) return;
  if (room !== "cases") return refuseUnless(false, request);
  throw new BridgeError("CASE_FOREIGN", `${accountOf(request).name} has no part in case ${params.id}`, {
    status: 403,
    hint: "An account sees the cases of its unit and of all below it.",
  });
}

/** An account of role crew has no scope: it files what its crew's unit has. @throws BridgeError SCOPE_REFUSED */
export async function demandFilable(request: FastifyRequest, filing: Body, db: Db): Promise<void> {
  const { role, crewId } = accountOf(request);
  if (role !== "crew" || crewId === undefined) return;
  refuseUnless(await mayFilingName(await scopeOfCrew(db, crewId), filing, db), request);
}

function isBelow(request: FastifyRequest): boolean {
  const { id } = request.params as { readonly id: string };
  return id !== accountOf(request).unitId && within(request.scope, "unitIds", id);
}

function refuseUnless(isHeld: boolean, request: FastifyRequest): void {
  if (isHeld) return;
  const { name, role, crewId, unitId = "no unit" } = accountOf(request);
  const whom = role === "crew" ? `crew ${crewId}` : `${unitId} and what stands below it`;
  throw new BridgeError("SCOPE_REFUSED", `${name} acts for ${whom}`, {
    status: 403,
    hint: "Somebody of the unit that this belongs to, or of one above both, must do it.",
  });
}
