import { type CaseStateName, ENDED_STATES } from "../cases/states.ts";
import type { CaseFacts } from "../cases/views.ts";
import type { GeoPosition } from "../roster/distance.ts";
import type { Db } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import { readAnsweringUnits } from "./answering-units.ts";
import type { Period } from "./period.ts";

/** So many cases are read into memory at once, about 100 MB. */
const MOST_CASES = 200_000;

/** What is asked about: cases opened in a period, and of them those that fit every field that is given. */
export interface CaseFilter {
  readonly family?: CaseFacts["family"];
  readonly category?: string;
  readonly siteId?: string;
  readonly foundBy?: string;
  /** Units that have a part in the case, each with what is below it already. */
  readonly unitIds?: ReadonlySet<string>;
}

/** A case as figures need it. Times are UTC, ms; absent where it did not happen. */
export interface CountedCase {
  readonly id: string;
  readonly family: string;
  readonly state: CaseStateName;
  readonly category?: string;
  readonly siteId?: string;
  /** Who answered for it; where nobody did, who answers for its place today. Absent: nobody does. */
  readonly unitId?: string;
  /** `unknown` where nobody wrote it down. */
  readonly foundBy: string;
  readonly position?: GeoPosition;
  readonly openedAtMs: number;
  readonly assignedAtMs?: number;
  readonly takenUpAtMs?: number;
  readonly onSceneAtMs?: number;
  readonly closedAtMs?: number;
  readonly dueArriveAtMs?: number;
  readonly dueTotalAtMs?: number;
  readonly penaltyNumber?: string;
  readonly fineCny?: number;
  readonly ground?: string;
  readonly satisfaction?: number;
  readonly reopenCount: number;
  readonly supervisionCount: number;
}

/**
 * Cases opened in the period, oldest first. Faults of boxes are left out unless asked for, and what was merged into another
 * case is counted there.
 * @throws BridgeError SPAN_TOO_LONG
 */
export async function casesIn(db: Db, period: Period, filter: CaseFilter = {}): Promise<readonly CountedCase[]> {
  const { family, category, siteId, foundBy, unitIds } = filter;
  let query = db
    .selectFrom("cases")
    .leftJoin(
      (from) =>
        from
          .selectFrom("assignments")
          .select(({ fn }) => [
            "case_id",
            fn.min("assigned_at_ms").as("assigned_at_ms"),
            fn.min("acknowledged_at_ms").as("acknowledged_at_ms"),
            fn.min("on_scene_at_ms").as("on_scene_at_ms"),
          ])
          // A proposal that nobody sent is no answer of anybody's.
          .where("state", "!=", "proposed")
          .groupBy("case_id")
          .as("legs"),
      (join) => join.onRef("legs.case_id", "=", "cases.id"),
    )
    .select([
      "cases.id",
      "cases.family",
      "cases.state",
      "cases.category",
      "cases.site_id",
      "cases.unit_id",
      "cases.found_by",
      "cases.latitude_deg",
      "cases.longitude_deg",
      "cases.opened_at_ms",
      "cases.closed_at_ms",
      "cases.due_arrive_at_ms",
      "cases.due_total_at_ms",
      "cases.penalty_number",
      "cases.fine_cny",
      "cases.ground",
      "cases.satisfaction",
      "cases.reopen_count",
      "cases.supervision_count",
      "legs.assigned_at_ms",
      "legs.acknowledged_at_ms",
      "legs.on_scene_at_ms",
    ])
    .where("cases.opened_at_ms", ">=", period.fromMs)
    .where("cases.opened_at_ms", "<", period.toMs)
    .where("cases.merged_into", "is", null)
    .where("cases.family", family === undefined ? "!=" : "=", family ?? "fault");
  if (category !== undefined) query = query.where("cases.category", "=", category);
  if (siteId !== undefined) query = query.where("cases.site_id", "=", siteId);
  if (foundBy !== undefined) query = query.where("cases.found_by", "=", foundBy);
  if (unitIds !== undefined) {
    const units = [...unitIds];
    query = query.where((or) =>
      or.or([
        // Whose they are is said by the ground, below.
        or("cases.unit_id", "is", null),
        or.exists(
          or
            .selectFrom("case_units")
            .select("case_units.case_id")
            .whereRef("case_units.case_id", "=", "cases.id")
            .where("case_units.unit_id", "in", units.length === 0 ? [""] : units),
        ),
      ]),
    );
  }
  const rows = await query
    .orderBy("cases.opened_at_ms")
    .limit(MOST_CASES + 1)
    .execute();
  if (rows.length > MOST_CASES) {
    throw new BridgeError("SPAN_TOO_LONG", `more than ${MOST_CASES} cases lie in this period`, {
      status: 400,
      hint: "Ask for a shorter period, or for one unit or category.",
    });
  }
  const answering = rows.some(({ unit_id }) => unit_id === null) ? await readAnsweringUnits(db) : undefined;
  const counted = rows.map((row): Counted => {
    const taken = [row.acknowledged_at_ms, row.on_scene_at_ms].filter((at) => at !== null).map(Number);
    const position =
      row.latitude_deg === null || row.longitude_deg === null
        ? undefined
        : { latitudeDeg: row.latitude_deg, longitudeDeg: row.longitude_deg };
    const units = row.unit_id === null ? (answering?.ofPlace(row.site_id ?? undefined, position) ?? []) : [row.unit_id];
    const one: CountedCase = {
      id: row.id,
      family: row.family,
      state: row.state as CaseStateName,
      foundBy: row.found_by ?? "unknown",
      openedAtMs: row.opened_at_ms,
      reopenCount: row.reopen_count,
      supervisionCount: row.supervision_count,
      ...(taken.length === 0 ? {} : { takenUpAtMs: Math.min(...taken) }),
      ...known("position", position),
      ...known("category", row.category),
      ...known("siteId", row.site_id),
      ...known("unitId", units[0]),
      ...known("assignedAtMs", row.assigned_at_ms),
      ...known("onSceneAtMs", row.on_scene_at_ms),
      ...known("closedAtMs", row.closed_at_ms),
      ...known("dueArriveAtMs", row.due_arrive_at_ms),
      ...known("dueTotalAtMs", row.due_total_at_ms),
      ...known("penaltyNumber", row.penalty_number),
      ...known("fineCny", row.fine_cny),
      ...known("ground", row.ground),
      ...known("satisfaction", row.satisfaction),
    };
    return { one, isOfNobody: row.unit_id === null, units };
  });
  if (unitIds === undefined) return counted.map(({ one }) => one);
  const parts = counted.some(({ isOfNobody }) => isOfNobody) ? await partsOfNobodys(db, period, unitIds) : new Set();
  return counted
    .filter(({ one, isOfNobody, units }) => !isOfNobody || parts.has(one.id) || units.some((id) => unitIds.has(id)))
    .map(({ one }) => one);
}

interface Counted {
  readonly one: CountedCase;
  /** Nobody answered for its place in its time. */
  readonly isOfNobody: boolean;
  readonly units: readonly string[];
}

/** Cases that nobody answered for and in which one of these units has a part all the same: it sent a crew, or was called. */
async function partsOfNobodys(db: Db, { fromMs, toMs }: Period, unitIds: ReadonlySet<string>): Promise<Set<string>> {
  const rows = await db
    .selectFrom("cases")
    .innerJoin("case_units", "case_units.case_id", "cases.id")
    .select("cases.id")
    .where("cases.opened_at_ms", ">=", fromMs)
    .where("cases.opened_at_ms", "<", toMs)
    .where("cases.unit_id", "is", null)
    .where("case_units.unit_id", "in", unitIds.size === 0 ? [""] : [...unitIds])
    .execute();
  return new Set(rows.map(({ id }) => id));
}

export function hasEnded({ state }: CountedCase): boolean {
  return ENDED_STATES.includes(state);
}

function known<K extends string, V>(key: K, value: V | null | undefined): { readonly [key in K]?: V } {
  return value === null || value === undefined ? {} : ({ [key]: value } as { [key in K]: V });
}
