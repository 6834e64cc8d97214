import { onPostgres } from "../fakes/on-postgres.ts";

/** The desk's property tests and retention once more, with PostgreSQL below. */
await onPostgres(async () => {
  await import("../cloud-bridge/store/retention.test.ts");
  await import("../cloud-bridge/keeping.test.ts");
  await import("../cloud-bridge/dispatch/endurance.test.ts");
});
