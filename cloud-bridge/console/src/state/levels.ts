import type { Levels as StoredLevels } from "../../../api/schema/fleet.ts";
import { call } from "../api/client.ts";
import { decodeLevels } from "../level-series.ts";

/** Seconds in order, one point each; between two stored minutes that do not touch stands one empty second. */
export interface Levels {
  readonly atMs: number[];
  readonly levelsDb: (number | null)[];
  readonly quantity?: StoredLevels["quantity"];
}

export async function loadLevels(
  node: string,
  { device, subject }: { readonly device: string; readonly subject?: string | undefined },
  fromMs: number,
  toMs: number,
  signal: AbortSignal,
): Promise<Levels> {
  const query = new URLSearchParams({ device, fromMs: String(Math.floor(fromMs)), toMs: String(Math.floor(toMs)) });
  if (subject !== undefined) query.set("subject", subject);
  const stored = await call<StoredLevels>("GET", `/nodes/${encodeURIComponent(node)}/levels?${query}`, { signal });
  const atMs: number[] = [];
  const levelsDb: (number | null)[] = [];
  const stretches = [
    ...stored.minutes.map(({ series }) => ({ fromMs: series.fromMs, seconds: decodeLevels(series) })),
    ...(stored.periods ?? []).map(flat),
  ].sort((a, b) => a.fromMs - b.fromMs);
  for (const { fromMs: startMs, seconds } of stretches) {
    const lastMs = atMs.at(-1);
    if (lastMs !== undefined && startMs > lastMs + 1500) {
      atMs.push(lastMs + 1000);
      levelsDb.push(null);
    }
    seconds.forEach((levelDb, second) => {
      const ms = startMs + second * 1000;
      if (ms <= (atMs.at(-1) ?? 0)) return;
      atMs.push(ms);
      levelsDb.push(levelDb);
    });
  }
  return { atMs, levelsDb, ...(stored.quantity === undefined ? {} : { quantity: stored.quantity }) };
}

/** Of a time without levels here, its LAeq is known: a level line. */
function flat({ fromMs, toMs, statistics }: NonNullable<StoredLevels["periods"]>[number]) {
  const length = Math.max(0, Math.round((toMs - fromMs) / 1000));
  return { fromMs, seconds: Array.from({ length }, () => statistics.laeqDb) };
}
