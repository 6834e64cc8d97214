import { onPostgres } from "../fakes/on-postgres.ts";

/** The channels' promises once more with PostgreSQL below. */
await onPostgres(async () => {
  await import("./notification-channel.test.ts");
  await import("../cloud-bridge/dispatch/crew-signals.test.ts");
});
