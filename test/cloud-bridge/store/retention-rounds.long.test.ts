import { sql } from "kysely";
import { expect, test } from "vitest";
import type { Db } from "../../../cloud-bridge/store/database.ts";
import { isPostgres } from "../../../cloud-bridge/store/dialect.ts";
import { openInboxDays } from "../../../cloud-bridge/store/inbox-days.ts";
import { dropOld } from "../../../cloud-bridge/store/retention.ts";
import { temporaryStore } from "../../fakes/bridge-store.ts";

const DAY_MS = 24 * 3600_000;
const DAY = 20_000;
const ROWS = Number(process.env["SHAO_ROWS"] ?? 1_000_000);
const BREATH_MS = 5;
const KINDS = 50;

/** Levels of 200 nodes, of 400 bytes each as a minute of 1-s levels is, and an alarm among fifty. */
async function fill(db: Db): Promise<void> {
  await openInboxDays(db, DAY * DAY_MS);
  const series = isPostgres(db)
    ? sql`generate_series(1, ${sql.lit(ROWS)}) as s(n)`
    : sql`(with recursive s(n) as (select 1 union all select n + 1 from s where n < ${sql.lit(ROWS)}) select n from s) as s`;
  const bytes = isPostgres(db) ? sql`decode(repeat('ab', 400), 'hex')` : sql`randomblob(400)`;
  await sql`insert into inbox (node, run, seq, received_at_ms, kind, device, up_ms, at_ms, time_quality, sha256, bytes)
    select 'site-' || (n % 200), 'run-of-' || (n % 200), n, ${sql.lit(DAY * DAY_MS)} + n * 80,
    case when n % ${sql.lit(KINDS)} = 0 then 'alarm' else 'noise' end, 'noise-01', n, ${sql.lit(DAY * DAY_MS)} + n * 80, 'ntp',
    '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef', ${bytes} from ${series}`.execute(db);
}

test(`a round over ${ROWS} old rows is short`, async () => {
  const { db } = await temporaryStore();
  await fill(db);
  const roundsMs: number[] = [];
  let lastMs: number | undefined;
  const days = { levels: 2, positions: 2, health: 2, records: 400 };
  const startMs = performance.now();
  const dropped = await dropOld({
    ...{ db, terms: { days, caseDays: 30, quarantineDays: 400, hoursDays: 400 }, nowMs: (DAY + 10) * DAY_MS },
    mayGoOn() {
      const nowMs = performance.now();
      if (lastMs !== undefined) roundsMs.push(nowMs - lastMs - BREATH_MS);
      lastMs = nowMs;
      return true;
    },
  });
  const tookMs = performance.now() - startMs;
  const slowest = roundsMs.indexOf(Math.max(...roundsMs)) + 1;
  roundsMs.sort((a, b) => a - b);
  const at = (share: number) => (roundsMs[Math.floor((roundsMs.length - 1) * share)] ?? 0).toFixed(1);
  console.log(
    `${isPostgres(db) ? "PostgreSQL" : "SQLite"}: ${dropped.levels} of ${ROWS} dropped in ${(tookMs / 1000).toFixed(1)} s, ` +
      `${roundsMs.length} rounds, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms (round ${slowest})`,
  );
  expect(dropped.levels).toBe(ROWS - ROWS / KINDS);
}, 900_000);
