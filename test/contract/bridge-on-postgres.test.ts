import { onPostgres } from "../fakes/on-postgres.ts";

/** The bridge's own tests, every promise of them, once more with PostgreSQL below. */
await onPostgres(async () => {
  await import("../cloud-bridge/alarms/apply-alarm.test.ts");
  await import("../cloud-bridge/cases/verify.test.ts");
  await import("../cloud-bridge/dispatch/desk.test.ts");
  await import("../cloud-bridge/dispatch/emergency.test.ts");
  await import("../cloud-bridge/dispatch/filed-crews.test.ts");
  await import("../cloud-bridge/dispatch/needed-again.test.ts");
  await import("../cloud-bridge/dispatch/organisation.test.ts");
  await import("../cloud-bridge/dispatch/permit-times.test.ts");
  await import("../cloud-bridge/dispatch/reports.test.ts");
  await import("../cloud-bridge/dispatch/whistles.test.ts");
  await import("../cloud-bridge/dispatch/workflow.test.ts");
  await import("../cloud-bridge/ingest/ingest.test.ts");
  await import("../cloud-bridge/ingest/clock-untrusted.test.ts");
  await import("../cloud-bridge/store/over-rows.test.ts");
  await import("../cloud-bridge/roster/accounts.test.ts");
  await import("../cloud-bridge/roster/candidates.test.ts");
  await import("../cloud-bridge/roster/units.test.ts");
  await import("../cloud-bridge/roster/calendars.test.ts");
});
