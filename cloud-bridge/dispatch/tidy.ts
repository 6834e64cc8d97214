import type { Db } from "../store/database.ts";
import { tidySignals } from "./channels/crew-signals.ts";
import { newestEvent } from "./events.ts";

const DAY_MS = 24 * 3600_000;
const KEEP_TIMERS_MS = DAY_MS;
/** A phone may come out of a dead spot days later and repeat its acts. */
const KEEP_KEYS_MS = 30 * DAY_MS;

/** Drops what nobody can still ask for. The newest event stays: numbers only rise. */
export async function tidy(db: Db, nowMs: number, keepEventsMs: number): Promise<void> {
  const newest = await newestEvent(db);
  await db
    .deleteFrom("events")
    .where("at_ms", "<", nowMs - keepEventsMs)
    .where("id", "<", newest)
    .execute();
  await db
    .deleteFrom("timers")
    .where("done_at_ms", "<", nowMs - KEEP_TIMERS_MS)
    .execute();
  await db
    .deleteFrom("idempotency")
    .where("at_ms", "<", nowMs - KEEP_KEYS_MS)
    .execute();
  await tidySignals(db, nowMs - KEEP_KEYS_MS);
}
