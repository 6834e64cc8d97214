import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stopCluster } from "./postgres-cluster.ts";

/** One PostgreSQL for a whole run of tests: the first test that needs it starts it, and here it ends. */
export function setup(): void {
  if (process.env["SHAO_TEST_POSTGRES"] !== undefined) return;
  // In memory where there is such a folder: hundreds of databases are made and dropped.
  process.env["SHAO_TEST_POSTGRES"] = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "shao-pg-"));
}

export async function teardown(): Promise<void> {
  const folder = process.env["SHAO_TEST_POSTGRES"];
  if (folder === undefined) return;
  await stopCluster(folder);
  rmSync(folder, { recursive: true, force: true });
  delete process.env["SHAO_TEST_POSTGRES"];
}
