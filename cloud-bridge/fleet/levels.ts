import { Value } from "typebox/value";
import { type LevelSeries, NoiseBody, type NoiseQuantity } from "../../protocol/noise.ts";
import type { Db } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";

const LONGEST_MS = 24 * 3600_000;
/** A minute's record is stamped after its last second; this much later at most. */
const STAMPED_WITHIN_MS = 3600_000;

export interface StoredMinutes {
  quantity?: NoiseQuantity;
  minutes: { series: LevelSeries; laeqDb: number | null }[];
}

/** Minutes that touch the span, as they were stored, oldest first. @throws BridgeError SPAN_TOO_LONG */
export async function readLevels(
  db: Db,
  { node, device, fromMs, toMs }: { node: string; device: string; fromMs: number; toMs: number },
): Promise<StoredMinutes> {
  if (toMs - fromMs > LONGEST_MS) {
    throw new BridgeError("SPAN_TOO_LONG", "more than 24 hours of 1-s levels were asked for", {
      status: 400,
      hint: "Ask for one day at a time.",
    });
  }
  const rows = await db
    .selectFrom("inbox")
    .select("bytes")
    .where("node", "=", node)
    .where("device", "=", device)
    .where("kind", "=", "noise")
    .where("at_ms", ">=", fromMs)
    .where("at_ms", "<=", toMs + STAMPED_WITHIN_MS)
    .orderBy("at_ms")
    .execute();
  const found: StoredMinutes = { minutes: [] };
  for (const { bytes } of rows) {
    const { body } = JSON.parse(Buffer.from(bytes).toString()) as { body: unknown };
    if (!Value.Check(NoiseBody, body)) continue;
    const { series, quantity, statistics } = body;
    if (series.fromMs > toMs || series.fromMs + series.seconds * 1000 < fromMs) continue;
    found.quantity = quantity;
    found.minutes.push({ series, laeqDb: statistics.laeqDb });
  }
  found.minutes.sort((a, b) => a.series.fromMs - b.series.fromMs);
  return found;
}
