import { setTimeout as later } from "node:timers/promises";
import { type RawBuilder, sql } from "kysely";
import { isPostgres } from "./dialect.ts";
import type { Db } from "./handle.ts";
import { DAY_MS, dropFromDay, nextInboxDay, reclaimDay } from "./inbox-days.ts";
import { hasNewHold, refreshHolds } from "./retention-holds.ts";

/** Even over its budget the bridge keeps today and the day before: cases that run now are proven with them. */
const LEAST_DAYS = 2;
/** So often all days are looked through again, for what was held then and is no longer. */
const WHOLE_WALK_DAYS = 7;
/** Between two rounds the database belongs to whoever waits for it. */
const BREATH_MS = 5;
const STATE_KEY = "retention";

/** What is kept equally long. `records`: every kind that no other group names. */
const GROUPS = {
  levels: ["noise", "measurement"],
  positions: ["position"],
  health: ["health", "device"],
  records: [],
} as const satisfies Record<string, readonly string[]>;
export type Group = keyof typeof GROUPS;
const ALL = Object.keys(GROUPS) as Group[];
/** What goes before its time where there is no room: never an alarm, a message, or what accounts for a run. */
const BULK: readonly Group[] = ["levels", "positions", "health"];

export interface Terms {
  readonly days: Readonly<Record<Group, number>>;
  /** Hourly levels, which outlive the records that they were made from. */
  readonly hoursDays: number;
  /** What a case holds stays so long after its end. */
  readonly caseDays: number;
  /** Bytes of what no program could read; its account stays. */
  readonly quarantineDays: number;
}

export interface Sweep {
  readonly db: Db;
  readonly terms: Terms;
  readonly nowMs: number;
  /** Asked between two rounds; false: leave the rest for another time. */
  readonly mayGoOn: () => boolean | Promise<boolean>;
}

export type DroppedRecords = Record<Group | "quarantine", number>;

interface Progress {
  /** By group: the first day that was not gone through. */
  next: Partial<Record<Group, number>>;
  wholeWalkDay: number;
}

/** Drops what is older than its term, in rounds that are short; whole days, so that nothing goes before its term. */
export async function dropOld(sweep: Sweep): Promise<DroppedRecords> {
  const { db, terms, nowMs } = sweep;
  const dropped = nothing();
  const today = Math.floor(nowMs / DAY_MS);
  const limit = (group: Group) => today - terms.days[group];
  const progress = await progressOf(db);
  if (today - progress.wholeWalkDay >= WHOLE_WALK_DAYS) {
    progress.next = {};
    progress.wholeWalkDay = today;
  }
  const next = (group: Group) => progress.next[group] ?? 0;
  const dayAfterLast = Math.max(...ALL.map(limit));
  const rounds = await roundsOf(sweep, dayAfterLast);
  for (let from = Math.min(...ALL.map(next)); ; ) {
    const day = await nextInboxDay(db, from);
    if (day === undefined || day >= dayAfterLast) break;
    const over = ALL.filter((group) => day < limit(group));
    if (over.some((group) => day >= next(group))) {
      const isUnfinished = await dropGroups(sweep, day, over, rounds, dropped);
      if (isUnfinished) return dropped;
    }
    from = day + 1;
  }
  for (const group of ALL) progress.next[group] = Math.max(next(group), limit(group));
  await saveProgress(db, progress);
  await db
    .deleteFrom("level_hours")
    .where("hour_ms", "<", nowMs - terms.hoursDays * DAY_MS)
    .execute();
  dropped.quarantine = await emptyQuarantine(sweep);
  return dropped;
}

/**
 * Where there is no room: levels, positions and health of the oldest days, until there is, or until only the last days are
 * left. Lane 0 and what an open case holds stay.
 */
export async function makeRoom(
  sweep: Sweep,
  isShort: () => Promise<boolean>,
): Promise<{ readonly dropped: DroppedRecords; readonly isStillShort: boolean }> {
  const { db, nowMs } = sweep;
  const dropped = nothing();
  const rounds = await roundsOf(sweep, nowMs / DAY_MS);
  const end = Math.floor(nowMs / DAY_MS) + 1 - LEAST_DAYS;
  let from = 0;
  while (await isShort()) {
    const day = await nextInboxDay(db, from);
    if (day === undefined || day >= end) return { dropped, isStillShort: true };
    const before = total(dropped);
    if (await dropGroups(sweep, day, BULK, rounds, dropped)) return { dropped, isStillShort: true };
    if (total(dropped) > before) await reclaimDay(db, day);
    from = day + 1;
  }
  return { dropped, isStillShort: false };
}

export function total(dropped: DroppedRecords): number {
  return Object.values(dropped).reduce((sum, count) => sum + count, 0);
}

type Rounds = (db: Db) => Promise<boolean>;

/** What is to be known before a round: that it may be, and that what is held is still what was found out. */
async function roundsOf({ db, terms, nowMs, mayGoOn }: Sweep, untilDay: number): Promise<Rounds> {
  const caseMs = terms.caseDays * DAY_MS;
  let foundAtMs = nowMs;
  await refreshHolds(db, caseMs, nowMs);
  return async (reader) => {
    await later(BREATH_MS);
    if (!(await mayGoOn())) return false;
    if (await hasNewHold(reader, foundAtMs, untilDay * DAY_MS)) {
      const newest = await reader
        .selectFrom("alarms")
        .select(({ fn }) => fn.max("received_at_ms").as("atMs"))
        .executeTakeFirst();
      await refreshHolds(db, caseMs, nowMs);
      foundAtMs = Number(newest?.atMs ?? foundAtMs) + 1;
    }
    return true;
  };
}

async function dropGroups(
  { db }: Sweep,
  day: number,
  groups: readonly Group[],
  next: Rounds,
  dropped: DroppedRecords,
): Promise<boolean> {
  const isWhole = groups.length === ALL.length;
  const { records, isUnfinished } = await dropFromDay(db, { day, isOver: isOf(groups), isWhole, next });
  for (const [kind, count] of records) dropped[groupOf(kind)] += count;
  return isUnfinished;
}

function groupOf(kind: string): Group {
  return ALL.find((group) => (GROUPS[group] as readonly string[]).includes(kind)) ?? "records";
}

function isOf(groups: readonly Group[]): RawBuilder<boolean> {
  const kindsOf = (some: readonly Group[]): readonly string[] => some.flatMap((group) => [...GROUPS[group]]);
  if (!groups.includes("records")) return sql<boolean>`i.kind in (${sql.join(kindsOf(groups))})`;
  const others = kindsOf(ALL.filter((group) => !groups.includes(group)));
  return others.length === 0 ? sql<boolean>`1 = 1` : sql<boolean>`i.kind not in (${sql.join(others)})`;
}

/** Bytes that nobody could read; seq, hash and code stay, and those of a node whose case about it is open. */
async function emptyQuarantine({ db, terms, nowMs, mayGoOn }: Sweep): Promise<number> {
  const beforeMs = (Math.floor(nowMs / DAY_MS) - terms.quarantineDays) * DAY_MS;
  let emptied = 0;
  for (;;) {
    await later(BREATH_MS);
    if (!(await mayGoOn())) return emptied;
    const rows = await db
      .selectFrom("quarantine as q")
      .select(["q.node", "q.run", "q.seq", "q.sha256"])
      .where("q.received_at_ms", "<", beforeMs)
      .where("q.bytes", "is not", null)
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom("alarms as a")
              .innerJoin("case_alarms as ca", "ca.alarm_id", "a.alarm_id")
              .innerJoin("cases as c", "c.id", "ca.case_id")
              .select("a.alarm_id")
              .whereRef("a.node", "=", "q.node")
              .where("a.device", "=", "")
              .where("a.rule", "in", ["quarantine", "unreadable-alarm"])
              .where((or) =>
                or.or([or("c.closed_at_ms", "is", null), or("c.closed_at_ms", ">=", nowMs - terms.caseDays * DAY_MS)]),
              ),
          ),
        ),
      )
      .limit(100)
      .execute();
    if (rows.length === 0) return emptied;
    await db.transaction().execute(async (trx) => {
      for (const { node, run, seq, sha256 } of rows) {
        await trx
          .updateTable("quarantine")
          .set({ bytes: null, message: "past its time: only its hash is kept" })
          .where("node", "=", node)
          .where("run", "=", run)
          .where("seq", "=", seq)
          .where("sha256", "=", sha256)
          .execute();
      }
    });
    emptied += rows.length;
  }
}

export interface StoreSize {
  /** Bytes that hold something. */
  readonly usedBytes: number;
  /** What the database's file has room for without growing; PostgreSQL does not say. */
  readonly spareBytes: number;
}

/** SQLite's file does not shrink, but what is free in it is used again. */
export async function storeSize(db: Db): Promise<StoreSize> {
  const query = isPostgres(db)
    ? sql<{ used: number; spare: number }>`select pg_database_size(current_database()) as used, 0 as spare`
    : sql<{ used: number; spare: number }>`select (page_count - freelist_count) * page_size as used,
        freelist_count * page_size as spare
        from pragma_page_count(), pragma_freelist_count(), pragma_page_size()`;
  const { rows } = await query.execute(db);
  return { usedBytes: Number(rows[0]?.used ?? 0), spareBytes: Number(rows[0]?.spare ?? 0) };
}

async function progressOf(db: Db): Promise<Progress> {
  const row = await db.selectFrom("meta").select("value").where("key", "=", STATE_KEY).executeTakeFirst();
  return row === undefined ? { next: {}, wholeWalkDay: 0 } : (JSON.parse(row.value) as Progress);
}

async function saveProgress(db: Db, progress: Progress): Promise<void> {
  const value = JSON.stringify(progress);
  await db
    .insertInto("meta")
    .values({ key: STATE_KEY, value })
    .onConflict((conflict) => conflict.column("key").doUpdateSet({ value }))
    .execute();
}

function nothing(): DroppedRecords {
  return { levels: 0, positions: 0, health: 0, records: 0, quarantine: 0 };
}
