import process from "node:process";
import { afterAll, expect, test, vi } from "vitest";
import { postgresMissing } from "./postgres-cluster.ts";

/**
 * Runs suites once more with PostgreSQL below.
 * @param suites imports their files. The suite's files share a process: what an earlier one loaded would add no tests here,
 *   and a later one is SQLite's again.
 */
export async function onPostgres(suites: () => Promise<void>): Promise<void> {
  const missing = postgresMissing();
  if (missing !== undefined) {
    test("needs PostgreSQL", (context) => context.skip(missing));
    return;
  }
  vi.resetModules();
  process.env["SHAO_TEST_STORE"] = "postgres";
  afterAll(() => {
    delete process.env["SHAO_TEST_STORE"];
  });
  await suites();
  test("these tests have run on PostgreSQL", () => expect(process.env["SHAO_TEST_STORE"]).toBe("postgres"));
}
