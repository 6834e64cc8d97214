import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { sql } from "kysely";
import { expect, onTestFinished, test } from "vitest";
import { newCaseRow } from "../../../cloud-bridge/cases/new-case.ts";
import { openStore } from "../../../cloud-bridge/store/database.ts";
import { postgresSql } from "../../../cloud-bridge/store/migration.ts";
import { MIGRATIONS } from "../../../cloud-bridge/store/migrations.ts";
import { temporaryStore } from "../../fakes/bridge-store.ts";

/** The schema of the first release, word for word. */
const RELEASED_1 = readFileSync(new URL("released-1.sql", import.meta.url), "utf8");

function schemaOf(file: Sqlite.Database): unknown {
  const spaceless = (text: unknown) => String(text).replace(/\s+/gu, " ");
  const rows = file
    .prepare("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name")
    .all();
  return (rows as { type: string; name: string; sql: string }[]).map((row) => ({ ...row, sql: spaceless(row.sql) }));
}

test("a database of the first release is brought forward with all that is in it, and then is as a new one", async () => {
  const state = mkdtempSync(join(tmpdir(), "shao-migrate-"));
  const fresh = mkdtempSync(join(tmpdir(), "shao-migrate-"));
  onTestFinished(() => {
    for (const folder of [state, fresh]) rmSync(folder, { recursive: true, force: true });
  });
  const old = new Sqlite(join(state, "bridge.sqlite"));
  old.exec(`
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE schema_version (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at_ms INTEGER NOT NULL) STRICT;
    ${RELEASED_1}
    INSERT INTO schema_version VALUES (1, 'first', 5);
    INSERT INTO meta VALUES ('bridge', 'known-for-life');
    INSERT INTO nodes (id, created_at_ms, online) VALUES ('site-042', 7, 1);
    INSERT INTO inbox VALUES ('site-042', 'r', 1, 9, 'noise', NULL, NULL, NULL, 1, 2, NULL, 'none', 'ab', x'7b7d');
  `);
  old.close();
  const store = openStore({ state, nowMs: 10 });
  await openStore({ state: fresh, nowMs: 10 }).close();
  expect(store.bridge).toBe("known-for-life");
  expect(await store.db.selectFrom("nodes").select(["id", "online", "worker"]).execute()).toEqual([
    { id: "site-042", online: 1, worker: null },
  ]);
  expect(await store.db.selectFrom("inbox").select("seq").execute()).toEqual([{ seq: 1 }]);
  const steps = await store.db.selectFrom("schema_version").select(["version", "applied_at_ms"]).execute();
  expect(steps[0]).toEqual({ version: 1, applied_at_ms: 5 });
  expect(steps).toHaveLength(MIGRATIONS.length);
  await store.close();
  const [brought, made] = [state, fresh].map((folder) => new Sqlite(join(folder, "bridge.sqlite")));
  expect(brought && schemaOf(brought)).toEqual(made && schemaOf(made));
  brought?.close();
  made?.close();
});

test("what is released of the first step is never changed", () => {
  const spaceless = (text: string) =>
    text
      .replace(/^-- (sqlite only|end)$/gmu, "")
      .replace(/\s+/gu, " ")
      .trim();
  expect(spaceless(MIGRATIONS[0]?.sql ?? "")).toBe(spaceless(RELEASED_1));
});

test("a step in PostgreSQL's words has none of SQLite's, and every table that SQLite has", () => {
  const tables = (sql: string) => [...sql.matchAll(/CREATE TABLE (\w+)/gu)].map(([, name]) => name).sort();
  expect(MIGRATIONS.length).toBeGreaterThan(1);
  for (const migration of MIGRATIONS) {
    const words = postgresSql(migration);
    expect(words).not.toMatch(/\b(STRICT|AUTOINCREMENT|BLOB|INTEGER|REAL|sqlite)\b/u);
    expect(tables(words)).toEqual(tables(migration.sql));
  }
});

test("permits that were recorded before permits had timers get them: a bridge of today holds from their beginning", async () => {
  const state = mkdtempSync(join(tmpdir(), "shao-migrate-"));
  onTestFinished(() => rmSync(state, { recursive: true, force: true }));
  const step = MIGRATIONS.find(({ name }) => name === "permit-times");
  const before = await openStore({ state, nowMs: 10 });
  const permit = {
    site_id: "block-7",
    number: "1",
    rules: "[]",
    from_ms: 60,
    to_ms: 90,
    created_by: "li",
    created_at_ms: 5,
  };
  const permits = [permit, { ...permit, revoked_at_ms: 8 }].map((row, index) => ({ ...row, id: `permit-${index}` }));
  await before.db.insertInto("permits").values(permits).execute();
  await before.db
    .deleteFrom("schema_version")
    .where("version", "=", step?.version ?? 0)
    .execute();
  await before.close();
  const store = await openStore({ state, nowMs: 20 });
  expect(await store.db.selectFrom("timers").select(["kind", "ref", "due_at_ms", "done_at_ms"]).execute()).toEqual([
    { kind: "permit", ref: "permit-0", due_at_ms: 60, done_at_ms: null },
  ]);
  await store.close();
});

test("a case that became a part of itself is none any more; what is well stays", async () => {
  const { db } = await temporaryStore();
  const cases = [
    { id: "whole", parent_id: null, merged_into: null },
    { id: "part", parent_id: "whole", merged_into: null },
    { id: "below", parent_id: "part", merged_into: null },
    { id: "own-part", parent_id: "own-part", merged_into: null },
    { id: "merged", parent_id: null, merged_into: "grandchild" },
    { id: "child", parent_id: "grandchild", merged_into: null },
    { id: "grandchild", parent_id: "child", merged_into: null },
  ];
  const facts = { family: "report", nature: "event", title: "x", rule: "x", node: "", last_alarm_at_ms: 1 } as const;
  for (const one of cases) {
    const row = await db.transaction().execute((trx) => newCaseRow(trx, 1, { ...facts, severity: "normal" }));
    await db
      .insertInto("cases")
      .values({ ...row, ...one })
      .execute();
  }
  const step = MIGRATIONS.find(({ name }) => name === "parts-of-themselves");
  await sql.raw(step?.sql ?? "").execute(db);
  const found = await db.selectFrom("cases").select(["id", "parent_id"]).execute();
  expect(Object.fromEntries(found.map(({ id, parent_id }) => [id, parent_id]))).toEqual({
    ...{ whole: null, part: "whole", below: "part" },
    ...{ "own-part": null, merged: null, child: "grandchild", grandchild: null },
  });
});
