import type { Migration } from "../migration.ts";

/** Cases in the order of their last change. */
export const caseOrders: Migration = {
  version: 12,
  name: "case-orders",
  sql: `
CREATE INDEX cases_by_update ON cases (updated_at_ms, number);
`,
};
