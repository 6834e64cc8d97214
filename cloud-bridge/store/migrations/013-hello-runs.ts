import type { Migration } from "../migration.ts";

/** Which runs of a node were the running one, newest last: two boxes with one identity show by it, see shared-id.ts. */
export const helloRuns: Migration = {
  version: 13,
  name: "hello-runs",
  sql: `
CREATE TABLE hello_runs (node TEXT NOT NULL PRIMARY KEY, runs TEXT NOT NULL) STRICT;
`,
};
