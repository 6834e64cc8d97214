import type { Migration } from "../migration.ts";

/** A case that was merged into a part of its own left that as a part of itself, which nothing could close. */
export const partsOfThemselves: Migration = {
  version: 20,
  name: "parts-of-themselves",
  sql: `
WITH RECURSIVE above (id, of_id) AS (
  SELECT id, parent_id FROM cases WHERE parent_id IS NOT NULL
  UNION
  SELECT above.id, cases.parent_id FROM above JOIN cases ON cases.id = above.of_id WHERE cases.parent_id IS NOT NULL
)
UPDATE cases SET parent_id = NULL
  WHERE parent_id = id
    OR (id IN (SELECT id FROM above WHERE id = of_id)
      AND id IN (SELECT merged_into FROM cases WHERE merged_into IS NOT NULL));
`,
};
