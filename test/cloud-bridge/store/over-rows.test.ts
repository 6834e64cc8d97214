import { sql } from "kysely";
import { expect, test } from "vitest";
import { overRows } from "../../../cloud-bridge/store/over-rows.ts";
import { temporaryStore } from "../../fakes/bridge-store.ts";

interface Hour {
  readonly node: string;
  readonly hourMs: number;
  readonly energy: number;
  readonly lamaxDb: number | null;
}

const HOURS: readonly Hour[] = [
  { node: 'say "whistle", \\ 哨 and\nso on', hourMs: Number.MAX_SAFE_INTEGER, energy: 0.1 + 0.2, lamaxDb: null },
  { node: "{a,b}", hourMs: 0, energy: 6e12, lamaxDb: 70 },
  { node: "null", hourMs: -1, energy: 5, lamaxDb: 71.4 },
  { node: "", hourMs: 1_764_150_000_000, energy: 1e-300, lamaxDb: -0.5 },
];

test("one statement writes and reads many rows, each value as it was given, and is built once", async () => {
  const { db } = await temporaryStore();
  let built = 0;
  const put = overRows<Hour>(
    { node: "text", hourMs: "bigint", energy: "double precision", lamaxDb: "double precision" },
    (given) => {
      built += 1;
      return sql`insert into level_hours (node, device, subject_id, hour_ms, seconds, valid, energy, lamax_db)
        select given.node, '', '', given."hourMs", 0, 0, given.energy, given."lamaxDb" from ${given}
        where true order by given.node
        on conflict (node, device, subject_id, hour_ms) do update set energy = level_hours.energy + excluded.energy`;
    },
  );
  const named = overRows<{ node: string }, { node: string; hour_ms: number; energy: number; lamax_db: number | null }>(
    { node: "text" },
    (given) => sql`select level_hours.node, level_hours.hour_ms, level_hours.energy, level_hours.lamax_db
      from ${given} join level_hours on level_hours.node = given.node`,
  );
  const first = await put(db, HOURS);
  expect(first.numAffectedRows).toBe(4n);
  const read = async (hours: readonly Hour[]) => {
    const { rows } = await named(db, hours);
    return new Map(rows.map((row) => [row.node, [row.hour_ms, row.energy, row.lamax_db]]));
  };
  const given = new Map(HOURS.map(({ node, hourMs, energy, lamaxDb }) => [node, [hourMs, energy, lamaxDb]]));
  expect(await read(HOURS)).toEqual(given);
  expect(await read(HOURS.slice(1, 3))).toEqual(new Map([...given].slice(1, 3)));
  expect(await read([])).toEqual(new Map());
  await db.transaction().execute((trx) => put(trx, HOURS.slice(2, 3)));
  expect((await read(HOURS.slice(2, 3))).get("null")).toEqual([-1, 10, 71.4]);
  expect(built).toBe(1);
});
