import { Value } from "typebox/value";
import type { LevelStatistics } from "../../protocol/noise.ts";
import { type LevelSeries, type MinuteRow, NoiseBody, type NoiseQuantity } from "../../protocol/noise.ts";
import type { Db } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";

const LONGEST_MS = 24 * 3600_000;
/** A minute's record is stamped after its last second; this much later at most. */
const STAMPED_WITHIN_MS = 3600_000;
/** No clock that was ever set says an earlier date. */
const EARLIEST_STAMP_MS = Date.UTC(2001, 0, 1);

export interface StoredMinutes {
  quantity?: NoiseQuantity;
  minutes: { series: LevelSeries; laeqDb: number | null }[];
  /** Statistics without levels: a station's own, or minutes whose levels their node had to give up. */
  periods: { fromMs: number; toMs: number; statistics: LevelStatistics; flags: string[] }[];
}

/**
 * Minutes that touch the span, as they were stored, oldest first: of the device itself, or of one subject behind it.
 * @throws BridgeError SPAN_TOO_LONG
 */
export async function readLevels(
  db: Db,
  {
    node,
    device,
    subject,
    fromMs,
    toMs,
  }: { node: string; device: string; subject?: string; fromMs: number; toMs: number },
): Promise<StoredMinutes> {
  if (toMs - fromMs > LONGEST_MS) {
    throw new BridgeError("SPAN_TOO_LONG", "more than 24 hours of 1-s levels were asked for", {
      status: 400,
      hint: "Ask for one day at a time.",
    });
  }
  const rows = await db
    .selectFrom("inbox")
    .select(["bytes", "at_ms", "corrected_at_ms"])
    .where("node", "=", node)
    .where("device", "=", device)
    .where("kind", "=", "noise")
    .where((is) => (subject === undefined ? is("subject_id", "is", null) : is("subject_id", "=", subject)))
    .where((or) =>
      or.or([
        or.and([or("at_ms", ">=", fromMs), or("at_ms", "<=", toMs + STAMPED_WITHIN_MS)]),
        // A clock in 1970 that became true later: few rows, and only their corrected time says where they belong.
        or.and([
          or("at_ms", "<", EARLIEST_STAMP_MS),
          or("corrected_at_ms", ">=", fromMs),
          or("corrected_at_ms", "<=", toMs + STAMPED_WITHIN_MS),
        ]),
      ]),
    )
    .orderBy("at_ms")
    .execute();
  const found: StoredMinutes = { minutes: [], periods: [] };
  for (const { bytes, at_ms, corrected_at_ms } of rows) {
    const { body } = JSON.parse(Buffer.from(bytes).toString()) as { body: unknown };
    if (!Value.Check(NoiseBody, body)) continue;
    const { quantity, statistics, statisticsBy, minutes } = body;
    const shiftMs = at_ms < EARLIEST_STAMP_MS && corrected_at_ms !== null ? corrected_at_ms - at_ms : 0;
    const series = { ...body.series, fromMs: body.series.fromMs + shiftMs };
    const endMs = series.fromMs + series.seconds * 1000;
    if (series.fromMs > toMs || endMs < fromMs) continue;
    found.quantity = quantity;
    if (minutes !== undefined) {
      const within = minutes.map((minute) => periodOf(series, minute));
      found.periods.push(...within.filter((period) => period.fromMs <= toMs && period.toMs >= fromMs));
    } else if (statisticsBy === "station") {
      const flags = series.flags.map(([, , flag]) => flag);
      found.periods.push({ fromMs: series.fromMs, toMs: endMs, statistics, flags });
    } else found.minutes.push({ series, laeqDb: statistics.laeqDb });
  }
  found.minutes.sort((a, b) => a.series.fromMs - b.series.fromMs);
  found.periods.sort((a, b) => a.fromMs - b.fromMs);
  return found;
}

function periodOf({ fromMs, flags }: LevelSeries, row: MinuteRow): StoredMinutes["periods"][number] {
  const [offsetS, n, valid, laeqDb, lamaxDb, laminDb, l5Db, l10Db, l50Db, l90Db, l95Db, sdDb] = row;
  const startMs = fromMs + offsetS * 1000;
  const selDb = laeqDb === null ? null : Math.round((laeqDb + 10 * Math.log10(valid)) * 100) / 100;
  const own = flags.filter(([offset, count]) => offset < offsetS + n && offset + count > offsetS);
  return {
    fromMs: startMs,
    toMs: startMs + n * 1000,
    statistics: { n, valid, laeqDb, lamaxDb, laminDb, l5Db, l10Db, l50Db, l90Db, l95Db, sdDb, selDb },
    flags: [...new Set(own.map(([, , flag]) => flag))],
  };
}
