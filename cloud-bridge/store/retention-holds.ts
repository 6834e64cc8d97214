import { type RawBuilder, sql } from "kysely";
import type { Db, Trx } from "./handle.ts";
import { changing } from "./transactions.ts";

const HOUR_MS = 3600_000;
/** What led to an alarm and what followed it belongs to its case. */
const AROUND_MS = HOUR_MS;
/** No clock that was ever set says an earlier date. */
const EARLIEST_STAMP_MS = Date.UTC(2001, 0, 1);
/** The end of a span that has none yet. */
const STILL_MS = Number.MAX_SAFE_INTEGER;
const AT_ONCE = 500;

/** An alarm as a case needs it. */
export interface HeldAlarm {
  readonly node: string;
  readonly device: string;
  readonly family: string;
  readonly raised_at_ms: number;
  readonly state_at_ms: number;
  readonly received_at_ms: number;
  /** Null: its case is open, or it has none yet. */
  readonly closed_at_ms: number | null;
}

type Span = readonly [fromMs: number, toMs: number];

/**
 * Whose records must stay for this alarm: its device's, and what its node said of itself, from before it was raised until
 * after its case closed. Of a fault only what lies about its begin and its end: one that nobody closes must not keep a node's
 * records for ever.
 */
export function spansOf(alarm: HeldAlarm): readonly Span[] {
  const { family, raised_at_ms: raisedMs, state_at_ms: stateMs, received_at_ms: receivedMs } = alarm;
  const around = (atMs: number): Span => [atMs - AROUND_MS, atMs + AROUND_MS];
  if (family === "fault") return [around(raisedMs), around(stateMs)];
  const untilMs = alarm.closed_at_ms === null ? STILL_MS : Math.max(alarm.closed_at_ms, stateMs) + AROUND_MS;
  if (raisedMs >= EARLIEST_STAMP_MS) return [[Math.min(raisedMs, stateMs) - AROUND_MS, untilMs]];
  // A clock in 1970: its records are found by their own stamps, and what came later by the time of arrival.
  const unsetMs = stateMs < EARLIEST_STAMP_MS ? stateMs : raisedMs;
  return [
    [raisedMs - AROUND_MS, unsetMs + AROUND_MS],
    [receivedMs - AROUND_MS, untilMs],
  ];
}

/** Spans in order, those that touch as one. */
export function merged(spans: readonly Span[]): readonly Span[] {
  const result: [number, number][] = [];
  for (const [fromMs, toMs] of [...spans].sort((a, b) => a[0] - b[0])) {
    const last = result.at(-1);
    if (last !== undefined && fromMs <= last[1]) last[1] = Math.max(last[1], toMs);
    else result.push([fromMs, toMs]);
  }
  return result;
}

/** Writes down what must stay now: for each alarm without an end of its case, or whose case ended within its term. */
export async function refreshHolds(db: Db, caseMs: number, nowMs: number): Promise<void> {
  const spans = new Map<string, Map<string, Span[]>>();
  for (let after = ""; ; ) {
    const alarms = await db
      .selectFrom("alarms")
      .leftJoin("case_alarms", "case_alarms.alarm_id", "alarms.alarm_id")
      .leftJoin("cases", "cases.id", "case_alarms.case_id")
      .select(["alarms.alarm_id", "alarms.node", "alarms.device", "alarms.family", "alarms.raised_at_ms"])
      .select(["alarms.state_at_ms", "alarms.received_at_ms", "cases.closed_at_ms"])
      .where("alarms.alarm_id", ">", after)
      .where((or) => or.or([or("cases.closed_at_ms", "is", null), or("cases.closed_at_ms", ">=", nowMs - caseMs)]))
      .orderBy("alarms.alarm_id")
      .limit(AT_ONCE)
      .execute();
    for (const alarm of alarms) {
      const devices = spans.get(alarm.node) ?? new Map<string, Span[]>();
      spans.set(alarm.node, devices);
      for (const device of new Set([alarm.device, ""])) {
        const known = devices.get(device) ?? [];
        devices.set(device, known);
        known.push(...spansOf(alarm));
      }
    }
    const last = alarms.at(-1);
    if (last === undefined) break;
    after = last.alarm_id;
    await new Promise((resolve) => setImmediate(resolve));
  }
  await write(db, spans);
}

async function write(db: Db, spans: ReadonlyMap<string, ReadonlyMap<string, readonly Span[]>>): Promise<void> {
  const due = [...spans].flatMap(([node, devices]) =>
    [...devices].flatMap(([device, held]) =>
      merged(held).map(([from_ms, to_ms]) => ({ node, device, from_ms: Math.floor(from_ms), to_ms: Math.ceil(to_ms) })),
    ),
  );
  const keyOf = (row: { node: string; device: string; from_ms: number }) => `${row.node} ${row.from_ms} ${row.device}`;
  const known = new Map(
    (await db.selectFrom("retention_holds").selectAll().execute()).map((row) => [keyOf(row), row] as const),
  );
  const fresh = due.filter((row) => known.get(keyOf(row))?.to_ms !== row.to_ms);
  const wanted = new Set(due.map(keyOf));
  const over = [...known].flatMap(([key, row]) => (wanted.has(key) ? [] : [row]));
  // What must stay is written before what may go: between two of these steps nothing is bare.
  for (let at = 0; at < fresh.length; at += AT_ONCE) {
    await db
      .insertInto("retention_holds")
      .values(fresh.slice(at, at + AT_ONCE))
      .onConflict((conflict) =>
        conflict.columns(["node", "device", "from_ms"]).doUpdateSet(({ ref }) => ({ to_ms: ref("excluded.to_ms") })),
      )
      .execute();
  }
  for (let at = 0; at < over.length; at += AT_ONCE) {
    await changing(db, async (trx) => {
      for (const { node, device, from_ms } of over.slice(at, at + AT_ONCE)) {
        const row = trx.deleteFrom("retention_holds").where("node", "=", node).where("device", "=", device);
        await row.where("from_ms", "=", from_ms).execute();
      }
    });
  }
}

/** Whether a row of the inbox, called `i`, lies in a span that must stay: by its own stamp or by its corrected time. */
export const isHeld: RawBuilder<boolean> = sql<boolean>`(${within("at_ms")} or ${within("corrected_at_ms")})`;

function within(column: "at_ms" | "corrected_at_ms"): RawBuilder<boolean> {
  const at = sql.ref(`i.${column}`);
  return sql<boolean>`coalesce((select h.to_ms from retention_holds h
    where h.node = i.node and h.device = coalesce(i.device, '') and h.from_ms <= ${at}
    order by h.from_ms desc limit 1) >= ${at}, false)`;
}

/** Whether an alarm about so long ago came since: what must stay is then to be found out again. */
export async function hasNewHold(trx: Db | Trx, sinceMs: number, untilMs: number): Promise<boolean> {
  const row = await trx
    .selectFrom("alarms")
    .select("alarm_id")
    .where("received_at_ms", ">=", sinceMs)
    .where("raised_at_ms", "<", untilMs + AROUND_MS)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}
