import type { Migration } from "../migration.ts";

/** Permits that were recorded before hold from their beginning too. One that is over holds nothing when its timer comes. */
export const permitTimes: Migration = {
  version: 18,
  name: "permit-times",
  sql: `
INSERT INTO timers (kind, ref, due_at_ms, created_at_ms)
  SELECT 'permit', id, from_ms, created_at_ms FROM permits WHERE revoked_at_ms IS NULL;
`,
};
