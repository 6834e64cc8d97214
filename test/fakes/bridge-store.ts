import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { electWriter, type OpenStore, openStore, type Store } from "../../cloud-bridge/store/database.ts";
import { PostgresCandidacy } from "../../cloud-bridge/store/postgres-candidacy.ts";
import type { PostgresAddress } from "../../cloud-bridge/store/postgres-connection.ts";
import { openPostgresStore } from "../../cloud-bridge/store/postgres-store.ts";
import { type TestDatabase, testDatabase } from "./postgres-cluster.ts";

/** `SHAO_TEST_STORE=postgres` runs the bridge's tests on PostgreSQL; test/contract/ does so with many of them. */
export function isOnPostgres(): boolean {
  return process.env["SHAO_TEST_STORE"] === "postgres";
}

/** Databases by state folder: a test that opens a folder again finds what it left there. */
const databases = new Map<string, TestDatabase>();

/** The real database that belongs to a state folder, SQLite's file in it or one on PostgreSQL, made when there is none. */
export async function storeOf(
  state: string,
  options: Omit<OpenStore, "state">,
  from: "template" | "empty" = "template",
): Promise<Store> {
  if (!isOnPostgres()) return openStore({ state, ...options });
  const database = databases.get(state) ?? (await testDatabase({ isEmpty: from === "empty" }));
  databases.set(state, database);
  return openPostgresStore({ address: database.address, ...options });
}

/** Makes this test the elected writer of the store that it opened. */
export async function elect(state: string, store: Store): Promise<{ epoch: string; resign(): Promise<void> | void }> {
  const database = databases.get(state);
  if (database === undefined) return electWriter(state, store);
  const news = { onElected: () => {}, onLost: () => {}, onBack: () => {} };
  const { address } = database;
  const candidacy = await PostgresCandidacy.start({ address, worker: "test", isWorkerOnly: false, ...news });
  return { epoch: candidacy.elected?.epoch ?? "not elected", resign: () => candidacy.close() };
}

/** Where the database of a state folder lies, where it lies on PostgreSQL. */
export function addressOf(state: string): PostgresAddress | undefined {
  return databases.get(state)?.address;
}

/** Removes folder and database. */
export async function forget(state: string): Promise<void> {
  rmSync(state, { recursive: true, force: true });
  await databases.get(state)?.drop();
  databases.delete(state);
}

/** A real database that goes with the test. */
export async function temporaryStore(options: Partial<OpenStore> = {}): Promise<Store & { readonly state: string }> {
  const state = options.state ?? mkdtempSync(join(tmpdir(), "shao-bridge-"));
  const store = await storeOf(state, { nowMs: 0, ...options });
  onTestFinished(async () => {
    await store.close();
    await forget(state);
  });
  return { ...store, state };
}
