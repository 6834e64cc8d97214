import { rejoinPlaces } from "../cases/case-units.ts";
import type { Desk } from "../dispatch/desk.ts";
import type { AccountFacts } from "../roster/accounts.ts";
import { within } from "../roster/scope.ts";
import type { Db } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import type { DeskPort, PageAnswer } from "./desk-port.ts";

/** The desk as the API asks for it. */
export function deskPortOf(desk: Desk, db: Db): DeskPort {
  /** A crew sees cases that it has or had a leg of. */
  async function isOfCrew(caseId: string, crewId: string | undefined): Promise<boolean> {
    const leg = await db
      .selectFrom("assignments")
      .select("id")
      .where("case_id", "=", caseId)
      .where("crew_id", "=", crewId ?? "")
      .executeTakeFirst();
    return leg !== undefined;
  }

  return {
    async listAlarms({ cursor, ...query }, { scope }) {
      return paged(await desk.views.alarmList({ ...query, scope, ...before(cursor) }));
    },

    async listCases({ cursor, ...query }, account) {
      if (account.role !== "crew") {
        return paged(await desk.views.caseList({ ...query, scope: account.scope, ...before(cursor) }));
      }
      const legs = await db
        .selectFrom("assignments")
        .select("case_id")
        .distinct()
        .where("crew_id", "=", account.crewId ?? "")
        .where("active", "=", 1)
        .execute();
      const details = await Promise.all(legs.map(({ case_id }) => desk.views.caseDetail(case_id)));
      return { items: details.map((detail) => detail.case) };
    },

    async caseDetail(id, account) {
      if (account.role === "crew" && !(await isOfCrew(id, account.crewId))) throw foreignCase(id, account);
      const detail = await desk.views.caseDetail(id);
      const candidates = detail.candidates.filter(({ crewId }) => within(account.scope, "crewIds", crewId));
      return { ...detail, candidates };
    },

    async actOnCase(id, act, account, key) {
      if ("crewId" in act && !within(account.scope, "crewIds", act.crewId)) {
        throw new BridgeError("SCOPE_REFUSED", `${account.name} does not send crew ${act.crewId}`, {
          status: 403,
          hint: "Send a crew of your own unit, or ask the unit above for one.",
        });
      }
      return (await desk.actOnCase(account, id, act, key)).case;
    },
    actOnAssignment: (id, act, account, key) => desk.actOnAssignment(account, id, act, key),

    async listCrews(account) {
      const crews = await desk.views.crewViews();
      if (account.role === "crew") return crews.filter(({ id }) => id === account.crewId);
      return crews.filter(({ id }) => within(account.scope, "crewIds", id));
    },
    placesChanged: (siteId) => desk.change((change) => rejoinPlaces(change, siteId)),
    maySendPhoto: (assignmentId, photo, account, key) => desk.maySendPhoto(account, assignmentId, photo, key),
    takePhoto: (assignmentId, photo, account, key) => desk.takePhoto(account, assignmentId, photo, key),
    permitNews: (permit, by) => desk.permitNews(permit, by),
    reportPosition: (crewId, position) => desk.onPosition({ crewId }, position),
  };
}

function before(cursor: string | undefined): { before?: string } {
  const key = decodeCursor(cursor);
  return key === undefined ? {} : { before: key };
}

function paged<T>({ items, next }: { readonly items: readonly T[]; readonly next?: string }): PageAnswer<T> {
  return { items: [...items], ...(next === undefined ? {} : { next: encodeCursor(next) }) };
}

function foreignCase(id: string, { name }: AccountFacts): BridgeError {
  return new BridgeError("CASE_FOREIGN", `${name} has no part in case ${id}`, {
    status: 403,
    hint: "A crew sees the cases that it was sent to.",
  });
}
