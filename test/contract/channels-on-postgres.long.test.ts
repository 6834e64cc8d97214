import { afterAll, expect, test, vi } from "vitest";
import { postgresMissing } from "../fakes/postgres-cluster.ts";

/** The channels' promises once more with PostgreSQL below. */
const missing = postgresMissing();
if (missing !== undefined) test("needs PostgreSQL", (context) => context.skip(missing));
else {
  vi.resetModules();
  process.env["SHAO_TEST_STORE"] = "postgres";
  afterAll(() => {
    delete process.env["SHAO_TEST_STORE"];
  });
  await import("./notification-channel.test.ts");
  await import("../cloud-bridge/dispatch/crew-signals.test.ts");
  test("these tests have run on PostgreSQL", () => expect(process.env["SHAO_TEST_STORE"]).toBe("postgres"));
}
