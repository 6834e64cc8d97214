import type { Migration } from "../migration.ts";

/** What was done to one node is asked for by its page. */
export const auditByTarget: Migration = {
  version: 16,
  name: "audit-by-target",
  sql: "CREATE INDEX audit_by_target ON audit (target, id);\n",
};
