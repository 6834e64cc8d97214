import { activeAssignments, giveLead } from "./assignment-rows.ts";
import { type CaseRow, type Change, move } from "./case-rows.ts";
import type { NewEntry } from "./timeline.ts";

const FURTHEST_FIRST = ["on-scene", "en-route", "acknowledged", "assigned"];

/**
 * The crew that led has dropped out. Its back-up takes over, the one that is furthest first; without one the case is open.
 * @returns the case, and whether somebody leads it
 */
export async function release(
  change: Change,
  before: CaseRow,
  entry: NewEntry,
): Promise<{ readonly row: CaseRow; readonly isLed: boolean }> {
  const row = await move(change, before, "release", entry);
  const [next] = [...(await activeAssignments(change, row.id))].sort(
    (a, b) => FURTHEST_FIRST.indexOf(a.state) - FURTHEST_FIRST.indexOf(b.state),
  );
  if (next === undefined) return { row, isLed: false };
  const detail = { assignmentId: next.id, crewId: next.crew_id };
  const cause = "the crew that led has dropped out";
  const said: NewEntry = { kind: "took-over", actor: "system:dispatch", channel: "system", cause, detail };
  return { row: await giveLead(change, row, next, said), isLed: true };
}
