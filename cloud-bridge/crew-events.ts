import type { Db } from "./store/database.ts";

/** The assignment that an event shows to a crew, when it is the crew's own. */
export function shownTo(data: string, crewId: string | undefined): string | undefined {
  const { assignment } = JSON.parse(data) as { assignment: { id: string; crewId: string; notifiedAtMs?: number } };
  return assignment.crewId === crewId && assignment.notifiedAtMs === undefined ? assignment.id : undefined;
}

/** Newest event of each of these assignments, as a crew's page gets it. */
export async function newestEventsOf(db: Db, assignmentIds: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(
    assignmentIds.map((id) =>
      db
        .selectFrom("events")
        .select("data")
        .where("name", "=", "assignment")
        .where("data", "like", `{"assignment":{"id":"${id}"%`)
        .orderBy("id", "desc")
        .limit(1)
        .executeTakeFirst(),
    ),
  );
  return found.flatMap((row) => (row === undefined ? [] : [row.data]));
}
