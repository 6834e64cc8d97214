import type { Selectable } from "kysely";
import type { Db, Trx } from "../store/database.ts";
import type { SupervisionTable } from "../store/roster-tables.ts";
import { type Area, isInAreas, storedAreas } from "./areas.ts";
import { type FilingFacts, filingsNow } from "./filings.ts";
import { type CrewPosition, newestPositions } from "./positions.ts";
import { readUnitTree } from "./units.ts";

/** `no-fix`: filed on duty, and nobody knows where. `outside-area`: filed on duty, and elsewhere, without an assignment. */
export const FLAGS = ["no-fix", "outside-area"] as const;
export type FlagKind = (typeof FLAGS)[number];

/** Supervision (监察): one time that a filed crew gave reason to ask. */
export interface FlagFacts {
  readonly id: number;
  readonly kind: FlagKind;
  readonly crewId: string;
  readonly filingId: string;
  readonly sinceMs: number;
  readonly untilMs?: number;
  /** Newest fix when it began. */
  readonly fixAtMs?: number;
  readonly position?: { readonly latitudeDeg: number; readonly longitudeDeg: number };
}

export interface SupervisionSettings {
  /** A fix older than this is none; so long a crew has after filing, too. */
  readonly freshFixMs: number;
}

/** What is odd about a filed crew at this moment. Pure. */
export function flagsOf(
  filing: Pick<FilingFacts, "fromMs">,
  crew: { readonly areas: readonly Area[]; readonly isAssigned: boolean; readonly fix: CrewPosition | undefined },
  nowMs: number,
  { freshFixMs }: SupervisionSettings,
): readonly FlagKind[] {
  const isFresh = crew.fix !== undefined && nowMs - crew.fix.atMs <= freshFixMs;
  if (!isFresh) return nowMs - filing.fromMs > freshFixMs ? ["no-fix"] : [];
  const isElsewhere = crew.areas.length > 0 && crew.fix !== undefined && !isInAreas(crew.fix, crew.areas);
  return isElsewhere && !crew.isAssigned ? ["outside-area"] : [];
}

/**
 * Looks at every crew that is filed now; opens and ends flags. For the elected writer.
 * @returns what changed
 */
export async function supervise(trx: Trx, nowMs: number, settings: SupervisionSettings): Promise<readonly FlagFacts[]> {
  const filings = await filingsNow(trx, nowMs);
  const open = await trx.selectFrom("supervision").selectAll().where("until_ms", "is", null).execute();
  if (filings.size === 0 && open.length === 0) return [];
  const fixes = await newestPositions(trx);
  const crews = new Map((await trx.selectFrom("crews").selectAll().execute()).map((row) => [row.id, row]));
  const units = await readUnitTree(trx);
  const wanted = new Map<string, { filing: FilingFacts; kind: FlagKind; fix: CrewPosition | undefined }>();
  for (const filing of filings.values()) {
    const crew = crews.get(filing.crewId);
    if (crew === undefined) continue;
    const own = storedAreas(crew.areas);
    const areas = own.length > 0 ? own : (units.get(crew.unit_id)?.areas ?? []);
    const fix = fixes.get(crew.id);
    const situation = { areas, isAssigned: crew.assignment_id !== null, fix };
    for (const kind of flagsOf(filing, situation, nowMs, settings)) {
      wanted.set(`${filing.id} ${kind}`, { filing, kind, fix });
    }
  }
  const changed: FlagFacts[] = [];
  for (const row of open) {
    if (wanted.delete(`${row.filing_id} ${row.kind}`)) continue;
    await trx.updateTable("supervision").set({ until_ms: nowMs }).where("id", "=", row.id).execute();
    changed.push(flagOf({ ...row, until_ms: nowMs }));
  }
  for (const { filing, kind, fix } of wanted.values()) {
    const row = {
      filing_id: filing.id,
      crew_id: filing.crewId,
      kind,
      since_ms: nowMs,
      until_ms: null,
      fix_at_ms: fix?.atMs ?? null,
      latitude_deg: fix?.latitudeDeg ?? null,
      longitude_deg: fix?.longitudeDeg ?? null,
    };
    const { id } = await trx.insertInto("supervision").values(row).returning("id").executeTakeFirstOrThrow();
    changed.push(flagOf({ id, ...row }));
  }
  return changed;
}

export interface FlagFilter {
  readonly open?: boolean;
  readonly crewId?: string;
  readonly kind?: FlagKind;
  /** Flags that stood at some time in between. */
  readonly fromMs?: number;
  readonly toMs?: number;
}

/** In order of their beginning. */
export async function listFlags(db: Db | Trx, filter: FlagFilter): Promise<readonly FlagFacts[]> {
  let rows = db.selectFrom("supervision").selectAll().orderBy("since_ms").orderBy("id");
  if (filter.open !== undefined) rows = rows.where("until_ms", filter.open ? "is" : "is not", null);
  if (filter.crewId !== undefined) rows = rows.where("crew_id", "=", filter.crewId);
  if (filter.kind !== undefined) rows = rows.where("kind", "=", filter.kind);
  const { fromMs, toMs } = filter;
  if (fromMs !== undefined) {
    rows = rows.where((or) => or.or([or("until_ms", "is", null), or("until_ms", ">", fromMs)]));
  }
  if (toMs !== undefined) rows = rows.where("since_ms", "<", toMs);
  return (await rows.execute()).map(flagOf);
}

function flagOf(row: Selectable<SupervisionTable>): FlagFacts {
  const { latitude_deg: latitudeDeg, longitude_deg: longitudeDeg } = row;
  return {
    id: row.id,
    kind: FLAGS.find((kind) => kind === row.kind) ?? "no-fix",
    crewId: row.crew_id,
    filingId: row.filing_id,
    sinceMs: row.since_ms,
    ...(row.until_ms === null ? {} : { untilMs: row.until_ms }),
    ...(row.fix_at_ms === null ? {} : { fixAtMs: row.fix_at_ms }),
    ...(latitudeDeg === null || longitudeDeg === null ? {} : { position: { latitudeDeg, longitudeDeg } }),
  };
}
