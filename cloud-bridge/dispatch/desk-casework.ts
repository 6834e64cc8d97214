import type { Change } from "../cases/case-rows.ts";
import { addInhibition, type InhibitionFacts, listInhibitions, type NewInhibition } from "../cases/inhibition.ts";
import { loadReport, type ReportFacts, reportFacts } from "../cases/report-rows.ts";
import type { DeskSettings } from "../cases/settings.ts";
import { loadWhistle, type WhistleFacts, whistleFacts } from "../cases/whistle-rows.ts";
import type { Db } from "../store/database.ts";
import type { Actor } from "./actor.ts";
import { isFirstTime, recalled, remember } from "./idempotency.ts";
import { endInhibition } from "./inhibitions.ts";
import { reportList } from "./report-views.ts";
import { actOnReport, knownReport, type NewReport, type ReportActRequest, takeReport } from "./reports.ts";
import { actOnWhistleLeg, type WhistleLegActRequest } from "./whistle-legs.ts";
import { whistleList } from "./whistle-views.ts";
import { actOnWhistle, blowWhistle, type NewWhistle, type WhistleActRequest } from "./whistles.ts";

export interface CaseworkOptions {
  readonly db: Db;
  readonly settings: DeskSettings;
  /** One transaction of the desk; its events go out after it. */
  readonly transact: <T>(act: (change: Change) => Promise<T>) => Promise<T>;
  readonly wake: () => Promise<void>;
}

/** What the desk does besides alarms and crews: people's reports. */
export function deskCasework({ db, settings, transact, wake }: CaseworkOptions) {
  const changed = async <T>(
    actor: Actor,
    key: string,
    request: unknown,
    act: (change: Change) => Promise<T>,
  ): Promise<T | undefined> => {
    const result = await transact(async (change) =>
      (await isFirstTime(change, actor.id, key, request)) ? act(change) : undefined,
    );
    await wake();
    return result;
  };
  const whistle = async (id: string) => whistleFacts(db, await loadWhistle(db, id));

  return {
    /** The same report again is answered and changes nothing. @throws BridgeError, see reports.ts */
    async takeReport(
      actor: Actor,
      report: NewReport,
    ): Promise<{ readonly report: ReportFacts; readonly isNew: boolean }> {
      // A source that repeats itself need not wait for the desk.
      const known = await knownReport(db, report);
      if (known !== undefined) return { report: reportFacts(await loadReport(db, known)), isNew: false };
      const { id, isNew } = await transact((change) => takeReport(change, actor, report, settings));
      if (isNew) await wake();
      return { report: reportFacts(await loadReport(db, id)), isNew };
    },

    /** @throws BridgeError, see reports.ts */
    async actOnReport(actor: Actor, id: string, request: ReportActRequest, key: string): Promise<ReportFacts> {
      await changed(actor, key, { reportId: id, request }, (change) =>
        actOnReport(change, actor, id, request, settings),
      );
      return reportFacts(await loadReport(db, id));
    },

    /** @throws BridgeError, see whistles.ts */
    async blowWhistle(actor: Actor, request: NewWhistle, key: string): Promise<WhistleFacts> {
      const id = await transact(async (change) => {
        const { trx, nowMs } = change;
        const asked = { trx, accountId: actor.id, key, request, nowMs };
        const known = await recalled(asked);
        if (known !== undefined) return known;
        const blown = await blowWhistle(change, actor, request, settings);
        await remember(asked, blown);
        return blown;
      });
      await wake();
      return whistle(id);
    },

    /** @throws BridgeError, see whistles.ts */
    async actOnWhistle(actor: Actor, id: string, request: WhistleActRequest, key: string): Promise<WhistleFacts> {
      const act = (change: Change) => actOnWhistle(change, actor, id, request, settings);
      await changed(actor, key, { whistleId: id, request }, act);
      return whistle(id);
    },

    /** @throws BridgeError, see whistle-legs.ts */
    async actOnWhistleLeg(
      actor: Actor,
      legId: string,
      request: WhistleLegActRequest,
      key: string,
    ): Promise<WhistleFacts> {
      await changed(actor, key, { legId, request }, (change) => actOnWhistleLeg(change, actor, legId, request));
      const leg = await db
        .selectFrom("whistle_legs")
        .select("whistle_id")
        .where("id", "=", legId)
        .executeTakeFirstOrThrow();
      return whistle(leg.whistle_id);
    },

    whistle,
    whistleList: (query: Parameters<typeof whistleList>[1]) => whistleList(db, query),

    /** @throws BridgeError INHIBITION_EMPTY */
    async addInhibition(actor: Actor, inhibition: NewInhibition): Promise<InhibitionFacts> {
      return transact((change) => addInhibition(change, inhibition, actor.name));
    },

    /** @throws BridgeError INHIBITION_UNKNOWN */
    async endInhibition(actor: Actor, id: string): Promise<InhibitionFacts> {
      const ended = await transact((change) => endInhibition(change, id, actor.name, settings));
      await wake();
      return ended;
    },

    inhibitionList: () => listInhibitions(db),

    reportList: (query: Parameters<typeof reportList>[1]) => reportList(db, query),
    report: async (id: string) => reportFacts(await loadReport(db, id)),
  };
}
