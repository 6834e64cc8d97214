import type { Desk } from "../dispatch/desk.ts";
import { listDevices, listSites, saveSite } from "../fleet/sites.ts";
import type { AccountFacts } from "../roster/accounts.ts";
import { addDuty, listDuties, putCrew } from "../roster/crews.ts";
import type { BridgeClock } from "../store/clock.ts";
import type { Db } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import type { DeskPort, PageAnswer } from "./desk-port.ts";

const DAY_MS = 24 * 3600_000;

/** The desk and the registers as the API asks for them. */
export function deskPortOf(desk: Desk, db: Db, clock: BridgeClock): DeskPort {
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
    async listAlarms({ cursor, limit }) {
      return paged(await desk.views.alarmList({ limit, ...before(cursor) }));
    },

    async listCases({ cursor, limit, ...filter }, account) {
      if (account.role !== "crew") return paged(await desk.views.caseList({ limit, ...filter, ...before(cursor) }));
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
      return desk.views.caseDetail(id);
    },

    async actOnCase(id, act, account, key) {
      return (await desk.actOnCase(account, id, act, key)).case;
    },
    actOnAssignment: (id, act, account, key) => desk.actOnAssignment(account, id, act, key),

    async listCrews(account) {
      const crews = await desk.views.crewViews();
      return account.role === "crew" ? crews.filter(({ id }) => id === account.crewId) : [...crews];
    },
    saveCrew: (crew) => putCrew(db, crew),
    reportPosition: (crewId, position) => desk.onPosition({ crewId }, position),

    async listDuties() {
      const nowMs = clock.nowMs();
      return [...(await listDuties(db, { fromMs: nowMs - 30 * DAY_MS, toMs: nowMs + 366 * DAY_MS }))];
    },
    addDuty: (duty) => addDuty(db, duty),
    async removeDuty(id) {
      const gone = await db.deleteFrom("duties").where("id", "=", id).executeTakeFirst();
      if (gone.numDeletedRows > 0n) return;
      throw new BridgeError("DUTY_UNKNOWN", `there is no duty ${id}`, {
        status: 404,
        hint: "GET /api/v1/rosters lists them.",
      });
    },

    listSites: () => listSites(db),
    saveSite: (site) => saveSite(db, site, clock.nowMs()),
    listDevices: () => listDevices(db),
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
