import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { currentEpoch, electWriter, openStore } from "../../../cloud-bridge/store/database.ts";
import { armFaultPoint } from "../../../cloud-bridge/store/fault-points.ts";

let state = "";
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "shao-store-"));
});
afterEach(() => rmSync(state, { recursive: true, force: true }));

describe("the bridge's database", () => {
  test("keeps its id for life and draws a new epoch at each election", async () => {
    const one = openStore({ state, nowMs: 1 });
    const election = await electWriter(state, one);
    expect(await one.db.transaction().execute(currentEpoch)).toBe(election.epoch);
    election.resign();
    await one.close();

    const two = openStore({ state, nowMs: 2 });
    const next = await electWriter(state, two);
    expect(two.bridge).toBe(one.bridge);
    expect(next.epoch).not.toBe(election.epoch);
    next.resign();
    await two.close();
  });

  test("has one elected writer, while the command line may still open it", async () => {
    const store = openStore({ state, nowMs: 1 });
    const election = await electWriter(state, store);
    const commandLine = openStore({ state, nowMs: 1 });
    await expect(electWriter(state, commandLine)).rejects.toMatchObject({ code: "BRIDGE_ALREADY_RUNNING" });
    await commandLine.db.insertInto("units").values({ id: "u", name: "U", level: "street", parent_id: null }).execute();
    expect(await store.db.selectFrom("units").select("id").execute()).toEqual([{ id: "u" }]);
    election.resign();
    await commandLine.close();
    await store.close();
  });

  test("refuses a database of a newer version", () => {
    const file = new Sqlite(join(state, "bridge.sqlite"));
    file.exec(
      "CREATE TABLE schema_version (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at_ms INTEGER NOT NULL)",
    );
    file.exec("INSERT INTO schema_version VALUES (99, 'later', 0)");
    file.close();
    expect(() => openStore({ state, nowMs: 1 })).toThrow(expect.objectContaining({ code: "STORE_NEWER" }));
  });

  test("refuses a file that is no database", () => {
    writeFileSync(join(state, "bridge.sqlite"), "no database, only text that goes on for a while".repeat(100));
    expect(() => openStore({ state, nowMs: 1 })).toThrow(expect.objectContaining({ code: "STORE_UNREADABLE" }));
  });

  test("holds each alarm's follow-up once, unless the negative control drops the key", async () => {
    const followUp = { alarm_id: "a", created_at_ms: 1, case_id: null };
    const store = openStore({ state, nowMs: 1 });
    await store.db.insertInto("follow_up").values(followUp).execute();
    await expect(store.db.insertInto("follow_up").values(followUp).execute()).rejects.toThrow(/UNIQUE/);
    await store.close();

    const broken = openStore({ state, nowMs: 1, negativeControl: "no-unique-key" });
    await broken.db.insertInto("follow_up").values(followUp).execute();
    expect(await broken.db.selectFrom("follow_up").select("alarm_id").execute()).toHaveLength(2);
    await broken.close();
  });

  test("never changes or removes a timeline entry", async () => {
    const store = openStore({ state, nowMs: 1 });
    const entry = { case_id: "c", seq: 1, kind: "opened", actor: "system:desk", channel: "system", server_time_ms: 1 };
    await store.db
      .insertInto("timeline")
      .values({ ...entry, hash: "00" })
      .execute();
    await expect(store.db.updateTable("timeline").set({ kind: "x" }).execute()).rejects.toThrow(/append-only/);
    await expect(store.db.deleteFrom("timeline").execute()).rejects.toThrow(/append-only/);
    await store.close();
  });
});

test("a fault point acts at the wanted reach only", () => {
  const reached: number[] = [];
  const points = armFaultPoint("bridge-mid-follow-up:2", () => reached.push(1));
  points.reach("bridge-mid-follow-up");
  points.reach("bridge-after-case-commit");
  expect(reached).toEqual([]);
  points.reach("bridge-mid-follow-up");
  points.reach("bridge-mid-follow-up");
  expect(reached).toEqual([1]);
  expect(() => armFaultPoint("nonsense")).toThrow(/no fault point/);
});
