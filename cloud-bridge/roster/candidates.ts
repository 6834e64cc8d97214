import type { Trx } from "../store/database.ts";
import { distanceM, type GeoPosition } from "./distance.ts";
import { newestPositions } from "./positions.ts";

export interface CandidateSettings {
  /** A fix older than this places nobody. */
  readonly freshFixMs: number;
  /** Roads are longer than the straight line. */
  readonly detourFactor: number;
  readonly speedMps: number;
}

export const DEFAULT_CANDIDATES: CandidateSettings = { freshFixMs: 120_000, detourFactor: 1.4, speedMps: 8.3 };

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
}

/** What is known of one crew when somebody is to be sent. */
export interface CrewSituation {
  readonly crewId: string;
  readonly crewName: string;
  readonly onDuty: boolean;
  /** Number of the case that it works on. */
  readonly busyWith?: number;
  /** Why this crew is out of question for this very case, e.g. that it declined. */
  readonly barred?: string;
  readonly fix?: GeoPosition & { readonly accuracyM?: number; readonly atMs: number };
}

/** Every crew with its verdict: eligible ones first, by arrival; those rejected after them. Pure. */
export function rankCandidates(
  crews: readonly CrewSituation[],
  target: GeoPosition | undefined,
  nowMs: number,
  settings: CandidateSettings = DEFAULT_CANDIDATES,
): readonly CandidateFacts[] {
  return crews
    .map((crew) => judge(crew, target, nowMs, settings))
    .sort(
      (a, b) =>
        Number(b.eligible) - Number(a.eligible) ||
        (a.etaMs ?? Number.MAX_VALUE) - (b.etaMs ?? Number.MAX_VALUE) ||
        a.crewId.localeCompare(b.crewId),
    );
}

function judge(
  crew: CrewSituation,
  target: GeoPosition | undefined,
  nowMs: number,
  settings: CandidateSettings,
): CandidateFacts {
  const { crewId, crewName, fix } = crew;
  const fixAgeMs = fix === undefined ? undefined : Math.max(0, nowMs - fix.atMs);
  const isFresh = fixAgeMs !== undefined && fixAgeMs <= settings.freshFixMs;
  const eligible = crew.onDuty && crew.busyWith === undefined && crew.barred === undefined && isFresh;
  const reasons = [
    crew.onDuty ? "on duty" : "off duty",
    crew.busyWith === undefined ? "free" : `busy with case ${crew.busyWith}`,
    ...(crew.barred === undefined ? [] : [crew.barred]),
    fixReason(fixAgeMs, isFresh),
  ];
  const straightM = distanceM(fix, target);
  if (!Number.isFinite(straightM)) {
    if (target === undefined) reasons.push("distance unknown: the case has no position");
    return { crewId, crewName, eligible, reasons, ...placed(fix, fixAgeMs) };
  }
  const roadM = Math.round(straightM * settings.detourFactor);
  reasons.push(`${roadM} m: straight line × ${settings.detourFactor}`);
  const etaMs = Math.round((roadM / settings.speedMps) * 1000);
  return { crewId, crewName, eligible, reasons, distanceM: roadM, etaMs, ...placed(fix, fixAgeMs) };
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
  target: GeoPosition | undefined,
  barred: ReadonlyMap<string, string>,
  nowMs: number,
  settings: CandidateSettings = DEFAULT_CANDIDATES,
): Promise<readonly CandidateFacts[]> {
  const [crews, onDuty, fixes] = [await crewsWithWork(trx), await crewsOnDuty(trx, nowMs), await newestPositions(trx)];
  const situations = crews.map(({ id, name, number }): CrewSituation => {
    const fix = fixes.get(id);
    const reason = barred.get(id);
    return {
      crewId: id,
      crewName: name,
      onDuty: onDuty.has(id),
      ...(number === null ? {} : { busyWith: number }),
      ...(reason === undefined ? {} : { barred: reason }),
      ...(fix === undefined ? {} : { fix }),
    };
  });
  return rankCandidates(situations, target, nowMs, settings);
}

export async function crewsOnDuty(trx: Trx, nowMs: number): Promise<ReadonlySet<string>> {
  const rows = await trx
    .selectFrom("duties")
    .select("crew_id")
    .where("from_ms", "<=", nowMs)
    .where("to_ms", ">", nowMs)
    .execute();
  return new Set(rows.map(({ crew_id }) => crew_id));
}

function crewsWithWork(trx: Trx) {
  return trx
    .selectFrom("crews")
    .leftJoin("assignments", "assignments.id", "crews.assignment_id")
    .leftJoin("cases", "cases.id", "assignments.case_id")
    .select(["crews.id", "crews.name", "cases.number"])
    .orderBy("crews.id")
    .execute();
}
