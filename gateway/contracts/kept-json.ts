import type { Journal } from "./journal.ts";

/**
 * The list that a setting of the journal holds as JSON; empty where it was never written, or where a damaged card made it
 * unreadable: that must keep no gateway from starting.
 */
export async function keptList<T>(journal: Pick<Journal, "getSetting">, key: string): Promise<readonly T[]> {
  try {
    const kept: unknown = JSON.parse((await journal.getSetting(key)) ?? "[]");
    return Array.isArray(kept) ? kept : [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

/** The same of a number; 0. */
export async function keptNumber(journal: Pick<Journal, "getSetting">, key: string): Promise<number> {
  const kept = Number((await journal.getSetting(key)) ?? 0);
  return Number.isFinite(kept) ? kept : 0;
}
