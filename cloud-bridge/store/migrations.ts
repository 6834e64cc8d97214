import { BridgeError } from "./errors.ts";
import type { Migration } from "./migration.ts";
import { first } from "./migrations/001-first.ts";
import { workers } from "./migrations/002-workers.ts";
import { evidence } from "./migrations/003-evidence.ts";
import { custody } from "./migrations/004-custody.ts";
import { retention } from "./migrations/005-retention.ts";
import { organisation } from "./migrations/006-organisation.ts";
import { outsideBroker } from "./migrations/007-outside-broker.ts";
import { casework } from "./migrations/008-casework.ts";
import { levelHours } from "./migrations/009-level-hours.ts";
import { channels } from "./migrations/010-channels.ts";
import { workflow } from "./migrations/011-workflow.ts";
import { caseOrders } from "./migrations/012-case-orders.ts";
import { helloRuns } from "./migrations/013-hello-runs.ts";
import { cancelledCommands } from "./migrations/014-cancelled-commands.ts";
import { field } from "./migrations/015-field.ts";
import { auditByTarget } from "./migrations/016-audit-by-target.ts";
import { configTwin } from "./migrations/017-config-twin.ts";
import { permitTimes } from "./migrations/018-permit-times.ts";
import { enrolmentAnswer } from "./migrations/019-enrolment-answer.ts";
import { partsOfThemselves } from "./migrations/020-parts-of-themselves.ts";

/** Every step there ever was, in order: a database of any release is brought forward by those that it lacks. */
export const MIGRATIONS: readonly Migration[] = [
  first,
  workers,
  evidence,
  custody,
  retention,
  organisation,
  outsideBroker,
  casework,
  levelHours,
  channels,
  workflow,
  caseOrders,
  helloRuns,
  cancelledCommands,
  field,
  auditByTarget,
  configTwin,
  permitTimes,
  enrolmentAnswer,
  partsOfThemselves,
];

/** @throws BridgeError STORE_NEWER */
export function assertNotNewer(found: number): void {
  const newest = MIGRATIONS.at(-1)?.version ?? 0;
  if (found <= newest) return;
  throw new BridgeError("STORE_NEWER", `the database is of version ${found}, this program knows up to ${newest}`, {
    status: 500,
    hint: "Start the newer version of Shao again, or restore the backup made before the upgrade.",
  });
}
