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
  for (const { series } of stored.minutes) {
    const lastMs = atMs.at(-1);
    if (lastMs !== undefined && series.fromMs > lastMs + 1500) {
      atMs.push(lastMs + 1000);
      levelsDb.push(null);
    }
    decodeLevels(series).forEach((levelDb, second) => {
      const ms = series.fromMs + second * 1000;
      if (ms <= (atMs.at(-1) ?? 0)) return;
      atMs.push(ms);
      levelsDb.push(levelDb);
    });
  }
  return { atMs, levelsDb, ...(stored.quantity === undefined ? {} : { quantity: stored.quantity }) };
}
