import { afterAll, expect, test, vi } from "vitest";
import { postgresMissing } from "../fakes/postgres-cluster.ts";

/** The desk's property tests and retention once more, with PostgreSQL below. */
const missing = postgresMissing();
if (missing !== undefined) test("needs PostgreSQL", (context) => context.skip(missing));
else {
  vi.resetModules();
  process.env["SHAO_TEST_STORE"] = "postgres";
  afterAll(() => {
    delete process.env["SHAO_TEST_STORE"];
  });
  await import("../cloud-bridge/store/retention.test.ts");
  await import("../cloud-bridge/keeping.test.ts");
  await import("../cloud-bridge/dispatch/endurance.test.ts");
  test("these tests have run on PostgreSQL", () => expect(process.env["SHAO_TEST_STORE"]).toBe("postgres"));
}
