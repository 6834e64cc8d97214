import { sql } from "kysely";
import { Value } from "typebox/value";
import { type MinuteRow, NoiseBody } from "../../protocol/noise.ts";
import type { AlarmRow } from "../alarms/alarm-rows.ts";
import type { Trx } from "../store/database.ts";
import { SEAM_MS } from "./quiet.ts";

/** One minute of a meter as the bridge holds it, placed by corrected time where that is known. */
export interface MinuteBlock {
  readonly fromMs: number;
  readonly toMs: number;
  /** Seconds due, and those that were valid. */
  readonly n: number;
  readonly valid: number;
  readonly laeqDb: number | null;
  readonly lamaxDb: number | null;
}

/** A meter, or one station or terminal behind a listener: what one of them hears says nothing of another. */
export type Heard = Pick<AlarmRow, "node" | "device" | "subject_type" | "subject_id">;

/**
 * The newest minutes of a meter up to now. A minute that its clock stamped ahead of now must, corrected, be one of those that
 * are looked for: else the rows of such a clock would be the newest ones for as long as it was ahead.
 * Periods with a station's own statistics are left out: the levels behind them are not here.
 * @param lookBackMs how much of the past is looked for
 */
export async function minuteBlocks(
  trx: Trx,
  { node, device, subject_type, subject_id }: Heard,
  { lookBackMs, freshMs, nowMs }: { readonly lookBackMs: number; readonly freshMs: number; readonly nowMs: number },
): Promise<readonly MinuteBlock[]> {
  const untilMs = nowMs + SEAM_MS;
  const placedAtMs = sql<number>`coalesce(corrected_at_ms, at_ms)`;
  const rows = await trx
    .selectFrom("inbox")
    .select(["bytes", "at_ms", "corrected_at_ms"])
    .where("node", "=", node)
    .where("device", "=", device)
    .where("kind", "=", "noise")
    .where((is) => (subject_type === "" ? is("subject_type", "is", null) : is("subject_type", "=", subject_type)))
    .where((is) => (subject_id === "" ? is("subject_id", "is", null) : is("subject_id", "=", subject_id)))
    .where(placedAtMs, "<=", untilMs)
    .where((or) => or.or([or("at_ms", "<=", untilMs), or(placedAtMs, ">", nowMs - lookBackMs - freshMs - 60_000)]))
    .orderBy("at_ms", "desc")
    // Between two minutes may lie a period of the station's own.
    .limit(2 * (Math.ceil(lookBackMs / 60_000) + 3))
    .execute();
  return rows.flatMap((row) => {
    const record: unknown = JSON.parse(Buffer.from(row.bytes).toString("utf8"));
    const body = typeof record === "object" && record !== null && "body" in record ? record.body : undefined;
    if (!Value.Check(NoiseBody, body) || body.statisticsBy === "station") return [];
    const { series, statistics, minutes } = body;
    const fromMs = series.fromMs + ((row.corrected_at_ms ?? row.at_ms) - row.at_ms);
    if (minutes !== undefined) return minutes.map((minute) => blockOf(fromMs, minute)).reverse();
    const { n, valid, laeqDb, lamaxDb } = statistics;
    return [{ fromMs, toMs: fromMs + series.seconds * 1000, n, valid, laeqDb, lamaxDb }];
  });
}

/** A minute whose levels its node had to give up is judged by the statistics that it made of them. */
function blockOf(fromMs: number, [offsetS, n, valid, laeqDb, lamaxDb]: MinuteRow): MinuteBlock {
  const startMs = fromMs + offsetS * 1000;
  return { fromMs: startMs, toMs: startMs + n * 1000, n, valid, laeqDb, lamaxDb };
}
