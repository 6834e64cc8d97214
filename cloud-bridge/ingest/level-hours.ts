import { sql } from "kysely";
import { LONGEST_SERIES_S, type NoiseBody } from "../../protocol/noise.ts";
import type { Trx } from "../store/database.ts";
import { overRows } from "../store/over-rows.ts";
import { correctedOf, type InboxRow } from "./inbox-rows.ts";

const HOUR_MS = 3_600_000;
/** As in a series of levels. A station's number beyond it, however it is flagged, has no energy that a store could hold. */
const MOST_DB = 1000;

/** What one meter measured within one hour, of the records of one batch. */
interface HourPart {
  readonly node: string;
  readonly device: string;
  readonly subject: string;
  readonly hourMs: number;
  seconds: number;
  valid: number;
  /** Σ 10^(0.1·LAeq) over the valid seconds. */
  energy: number;
  lamaxDb: number | null;
}

/**
 * Adds the noise of newly stored records to its hours, in the transaction that stores them: each record is stored once, so
 * that it counts once. What nobody can date, or no record can have measured, is not counted: the record stays as it came.
 */
export async function addLevelHours(trx: Trx, rows: readonly InboxRow[]): Promise<void> {
  const hours = new Map<string, HourPart>();
  for (const row of rows) {
    const { known } = row.item.decoded;
    if (known?.kind !== "noise" || known.device === undefined) continue;
    const { row: run, record } = row.placed ?? { row: row.row, record: row.item.decoded.record };
    const trueMs = correctedOf(run, record);
    if (trueMs === null) continue;
    const source = { node: row.row.node, device: known.device, subject: known.subject?.id ?? "" };
    for (const span of spansOf(known.body, trueMs - record.atMs)) {
      if (span.seconds > 0 && span.seconds <= LONGEST_SERIES_S) addSpan(hours, source, span);
    }
  }
  await addHours(trx, [...hours.values()]);
}

interface Span {
  readonly fromMs: number;
  readonly seconds: number;
  readonly valid: number;
  readonly laeqDb: number | null;
  readonly lamaxDb: number | null;
}

/** The minutes of a record that stands for many, else the record itself, in true time. */
function spansOf({ series, statistics, minutes }: NoiseBody, shiftMs: number): readonly Span[] {
  const fromMs = series.fromMs + shiftMs;
  if (minutes === undefined) {
    const { n, valid, laeqDb, lamaxDb } = statistics;
    return [{ fromMs, seconds: n, valid, laeqDb, lamaxDb }];
  }
  return minutes.map(([offsetS, seconds, valid, laeqDb, lamaxDb]) => {
    return { fromMs: fromMs + offsetS * 1000, seconds, valid, laeqDb, lamaxDb };
  });
}

/** A span over a full hour's edge is parted by its seconds. */
function addSpan(
  hours: Map<string, HourPart>,
  source: Pick<HourPart, "node" | "device" | "subject">,
  { fromMs, seconds, ...said }: Span,
): void {
  const valid = Math.min(said.valid, seconds);
  const [laeqDb, lamaxDb] = [said.laeqDb, said.lamaxDb].map((db) => heardDb(valid, db));
  const toMs = fromMs + seconds * 1000;
  for (let hourMs = fromMs - (fromMs % HOUR_MS); hourMs < toMs; hourMs += HOUR_MS) {
    const within = (Math.min(toMs, hourMs + HOUR_MS) - Math.max(fromMs, hourMs)) / (toMs - fromMs);
    const key = `${source.node} ${source.device} ${hourMs} ${source.subject}`;
    const part = hours.get(key) ?? { ...source, hourMs, seconds: 0, valid: 0, energy: 0, lamaxDb: null };
    part.seconds += seconds * within;
    if (laeqDb !== undefined) {
      part.valid += valid * within;
      part.energy += valid * within * 10 ** (0.1 * laeqDb);
    }
    if (lamaxDb !== undefined) part.lamaxDb = Math.max(part.lamaxDb ?? lamaxDb, lamaxDb);
    hours.set(key, part);
  }
}

/** A level counts only with the valid seconds that it is of. */
function heardDb(valid: number, db: number | null): number | undefined {
  return valid > 0 && db !== null && Math.abs(db) <= MOST_DB ? db : undefined;
}

const addHours = overRows<HourPart>(
  {
    node: "text",
    device: "text",
    subject: "text",
    hourMs: "bigint",
    seconds: "double precision",
    valid: "double precision",
    energy: "double precision",
    lamaxDb: "double precision",
  },
  (given) => sql`insert into level_hours (node, device, subject_id, hour_ms, seconds, valid, energy, lamax_db)
    select given.node, given.device, given.subject, given."hourMs", given.seconds, given.valid, given.energy, given."lamaxDb"
    from ${given} where true order by given.node, given.device, given.subject, given."hourMs"
    on conflict (node, device, subject_id, hour_ms) do update set
      seconds = level_hours.seconds + excluded.seconds,
      valid = level_hours.valid + excluded.valid,
      energy = level_hours.energy + excluded.energy,
      lamax_db = case
        when level_hours.lamax_db is null or excluded.lamax_db > level_hours.lamax_db then excluded.lamax_db
        else level_hours.lamax_db end`,
);
