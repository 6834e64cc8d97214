import type { Migration } from "../migration.ts";

/** What a token was answered with: a box that missed the answer gets the same once more. */
export const enrolmentAnswer: Migration = {
  version: 19,
  name: "enrolment-answer",
  sql: "ALTER TABLE enrol_tokens ADD COLUMN certificate_pem TEXT;\n",
};
