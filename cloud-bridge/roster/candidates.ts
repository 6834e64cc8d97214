import type { Trx } from "../store/database.ts";
import { type Area, isInAreas } from "./areas.ts";
import { type AuthorityFacts, authorityOf, authorityReason, type Inspector } from "./authority.ts";
import { crewOf } from "./crews.ts";
import { distanceM, type GeoPosition } from "./distance.ts";
import { filingsNow } from "./filings.ts";
import { storedCodes } from "./people.ts";
import { newestPositions } from "./positions.ts";
import { foreignUnits } from "./unit-parts.ts";

export interface CandidateSettings {
  /** A fix older than this places nobody. */
  readonly freshFixMs: number;
  /** Roads are longer than the straight line. */
  readonly detourFactor: number;
  readonly speedMps: number;
  /** Whether crews of units that have no part in the case count, too. */
  readonly mutualAid: boolean;
  /** Of a crew that may only secure evidence: `prefer` takes it when no other can go, `require` never, `ignore` like any. */
  readonly authority: "prefer" | "require" | "ignore";
}

export const DEFAULT_CANDIDATES: CandidateSettings = {
  ...{ freshFixMs: 120_000, detourFactor: 1.4, speedMps: 8.3 },
  ...{ mutualAid: false, authority: "prefer" },
};

/** One crew that was looked at for a case: taken or rejected, and why; stored as it was at that moment. */
export interface CandidateFacts {
  readonly crewId: string;
  readonly crewName: string;
  readonly eligible: boolean;
  readonly reasons: string[];
  /** Straight line × detour factor. */
  readonly distanceM?: number;
  readonly etaMs?: number;
  readonly position?: { readonly latitudeDeg: number; readonly longitudeDeg: number; readonly accuracyM?: number };
  readonly fixAgeMs?: number;
  /** Whether two people come who may act on this matter. */
  readonly authority?: AuthorityFacts;
}

/** What is known of one crew when somebody is to be sent. */
export interface CrewSituation {
  readonly crewId: string;
  readonly crewName: string;
  readonly onDuty: boolean;
  /** Who goes along: as filed, else the usual members. */
  readonly people?: readonly Inspector[];
  readonly isFiled?: boolean;
  /** Why nobody can be sent, e.g. a broken car. */
  readonly unavailable?: string;
  /** Where it mostly works; everywhere where left out. */
  readonly areas?: readonly Area[];
  /** Number of the case that it works on. */
  readonly busyWith?: number;
  /** Name of its unit, where that has no part in the case. */
  readonly foreignUnit?: string;
  /** Why this crew is out of question for this very case, e.g. that it declined. */
  readonly barred?: string;
  readonly fix?: GeoPosition & { readonly accuracyM?: number; readonly atMs: number };
}

/** What somebody is sent for. */
export interface Matter {
  readonly place: GeoPosition | undefined;
  /** Code of the case's category; what nobody told is unknown. */
  readonly category?: string | undefined;
  /** Units that have a part in it; anybody's crew where nobody has. */
  readonly unitIds?: readonly string[];
  /** Somebody is in need: whoever is nearest goes, of whatever unit and with whatever authority. */
  readonly isHelp?: boolean;
}

/**
 * Every crew with its verdict: eligible ones first, by arrival, of those the ones that may act before the ones that may only
 * secure evidence; those rejected after them. Pure.
 */
export function rankCandidates(
  crews: readonly CrewSituation[],
  matter: Matter,
  nowMs: number,
  settings: CandidateSettings = DEFAULT_CANDIDATES,
): readonly CandidateFacts[] {
  return crews
    .map((crew) => judge(crew, matter, nowMs, settings))
    .sort(
      (a, b) =>
        Number(b.eligible) - Number(a.eligible) ||
        behind(a, matter, settings) - behind(b, matter, settings) ||
        (a.etaMs ?? Number.MAX_VALUE) - (b.etaMs ?? Number.MAX_VALUE) ||
        a.crewId.localeCompare(b.crewId),
    );
}

/** 1 for a crew that others go before, however far they are. */
function behind({ eligible, authority }: CandidateFacts, matter: Matter, settings: CandidateSettings): number {
  if (!eligible || matter.isHelp === true || settings.authority !== "prefer") return 0;
  return authority?.verdict === "evidence-only" ? 1 : 0;
}

function judge(crew: CrewSituation, matter: Matter, nowMs: number, settings: CandidateSettings): CandidateFacts {
  const { crewId, crewName, fix } = crew;
  const fixAgeMs = fix === undefined ? undefined : Math.max(0, nowMs - fix.atMs);
  const isFresh = fixAgeMs !== undefined && fixAgeMs <= settings.freshFixMs;
  const isAble = crew.barred === undefined && crew.unavailable === undefined;
  const authority = authorityOf(crew.people ?? [], matter.category);
  const isOurs = crew.foreignUnit === undefined || settings.mutualAid || matter.isHelp === true;
  const mayAct = authority.verdict !== "evidence-only" || settings.authority !== "require" || matter.isHelp === true;
  const eligible = crew.onDuty && crew.busyWith === undefined && isAble && isFresh && isOurs && mayAct;
  const said = authorityReason(authority);
  const reasons = [
    crew.onDuty ? "on duty" : "off duty",
    ...(crew.isFiled === true ? [`filed with ${authority.people} on board`] : []),
    ...(crew.unavailable === undefined ? [] : [`cannot be sent: ${crew.unavailable}`]),
    crew.busyWith === undefined ? "free" : `busy with case ${crew.busyWith}`,
    ...(crew.barred === undefined ? [] : [crew.barred]),
    ...(crew.foreignUnit === undefined
      ? []
      : [isOurs ? `mutual aid of ${crew.foreignUnit}` : `of another unit: ${crew.foreignUnit}`]),
    fixReason(fixAgeMs, isFresh),
    ...(said === undefined ? [] : [said]),
    ...(isElsewhere(crew, matter) ? ["the place is outside its area"] : []),
  ];
  const known = {
    ...(authority.people === 0 ? {} : { authority }),
    ...placed(fix, fixAgeMs),
  };
  const straightM = distanceM(fix, matter.place);
  if (!Number.isFinite(straightM)) {
    if (matter.place === undefined) reasons.push("distance unknown: the case has no position");
    return { crewId, crewName, eligible, reasons, ...known };
  }
  const roadM = Math.round(straightM * settings.detourFactor);
  reasons.push(`${roadM} m: straight line × ${settings.detourFactor}`);
  const etaMs = Math.round((roadM / settings.speedMps) * 1000);
  return { crewId, crewName, eligible, reasons, distanceM: roadM, etaMs, ...known };
}

function isElsewhere({ areas = [] }: CrewSituation, { place }: Matter): boolean {
  return areas.length > 0 && place !== undefined && !isInAreas(place, areas);
}

function fixReason(fixAgeMs: number | undefined, isFresh: boolean): string {
  if (fixAgeMs === undefined) return "no position";
  const seconds = Math.round(fixAgeMs / 1000);
  return isFresh ? `fix ${seconds} s old` : `no fresh fix: the newest is ${seconds} s old`;
}

function placed(fix: CrewSituation["fix"], fixAgeMs: number | undefined) {
  if (fix === undefined || fixAgeMs === undefined) return {};
  const { latitudeDeg, longitudeDeg, accuracyM } = fix;
  return { position: { latitudeDeg, longitudeDeg, ...(accuracyM === undefined ? {} : { accuracyM }) }, fixAgeMs };
}

/** Looks at every crew as it stands now. `barred`: crews out of question for this case, and why. */
export async function findCandidates(
  trx: Trx,
  matter: Matter,
  barred: ReadonlyMap<string, string>,
  nowMs: number,
  settings: CandidateSettings = DEFAULT_CANDIDATES,
): Promise<readonly CandidateFacts[]> {
  const crews = await crewsWithWork(trx);
  const filings = await filingsNow(trx, nowMs);
  const onDuty = await crewsOnDuty(trx, nowMs);
  const fixes = await newestPositions(trx);
  const usual = await usualPeople(
    trx,
    [...onDuty].filter((id) => !filings.has(id)),
  );
  const isForeign = await foreignUnits(trx, matter.unitIds ?? []);
  const situations = crews.map(({ number, ...row }): CrewSituation => {
    const { id, name, unitId, unavailable, areas } = crewOf(row, []);
    const foreignUnit = isForeign(unitId);
    const [fix, reason, filing] = [fixes.get(id), barred.get(id), filings.get(id)];
    return {
      crewId: id,
      crewName: name,
      onDuty: onDuty.has(id),
      people: filing?.people ?? usual.get(id) ?? [],
      ...(filing === undefined ? {} : { isFiled: true }),
      ...(unavailable === undefined ? {} : { unavailable }),
      ...(areas === undefined ? {} : { areas }),
      ...(number === null ? {} : { busyWith: number }),
      ...(foreignUnit === undefined ? {} : { foreignUnit }),
      ...(reason === undefined ? {} : { barred: reason }),
      ...(fix === undefined ? {} : { fix }),
    };
  });
  return rankCandidates(situations, matter, nowMs, settings);
}

/** Crews that are on duty now: by the roster, or because they filed. */
export async function crewsOnDuty(trx: Trx, nowMs: number): Promise<ReadonlySet<string>> {
  const duties = await trx
    .selectFrom("duties")
    .select("crew_id")
    .where("from_ms", "<=", nowMs)
    .where("to_ms", ">", nowMs)
    .execute();
  const filings = await trx
    .selectFrom("filings")
    .select("crew_id")
    .where("from_ms", "<=", nowMs)
    .where("to_ms", ">", nowMs)
    .execute();
  return new Set([...duties, ...filings].map(({ crew_id }) => crew_id));
}

/** Usual members, still there, of crews that are on duty and did not file who comes. */
async function usualPeople(trx: Trx, crewIds: readonly string[]): Promise<ReadonlyMap<string, Inspector[]>> {
  const people = new Map<string, Inspector[]>();
  if (crewIds.length === 0) return people;
  const rows = await trx
    .selectFrom("crew_members")
    .innerJoin("people", "people.id", "crew_members.person_id")
    .select(["crew_id", "name", "authority"])
    .where("crew_id", "in", crewIds)
    .where("left_at_ms", "is", null)
    .orderBy("crew_id")
    .orderBy("person_id")
    .execute();
  for (const { crew_id, name, authority } of rows) {
    people.set(crew_id, [...(people.get(crew_id) ?? []), { name, authority: storedCodes(authority) }]);
  }
  return people;
}

function crewsWithWork(trx: Trx) {
  return trx
    .selectFrom("crews")
    .leftJoin("assignments", "assignments.id", "crews.assignment_id")
    .leftJoin("cases", "cases.id", "assignments.case_id")
    .selectAll("crews")
    .select("cases.number")
    .orderBy("crews.id")
    .execute();
}
