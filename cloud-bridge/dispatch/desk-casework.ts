import type { Change } from "../cases/case-rows.ts";
import { loadReport, type ReportFacts, reportFacts } from "../cases/report-rows.ts";
import type { DeskSettings } from "../cases/settings.ts";
import type { Db } from "../store/database.ts";
import type { Actor } from "./actor.ts";
import { isFirstTime } from "./idempotency.ts";
import { reportList } from "./report-views.ts";
import { actOnReport, type NewReport, type ReportActRequest, takeReport } from "./reports.ts";

export interface CaseworkOptions {
  readonly db: Db;
  readonly settings: DeskSettings;
  /** One transaction of the desk; its events go out after it. */
  readonly transact: <T>(act: (change: Change) => Promise<T>) => Promise<T>;
  readonly wake: () => Promise<void>;
}

/** What the desk does besides alarms and crews: people's reports. */
export function deskCasework({ db, settings, transact, wake }: CaseworkOptions) {
  return {
    /** The same report again is answered and changes nothing. @throws BridgeError, see reports.ts */
    async takeReport(
      actor: Actor,
      report: NewReport,
    ): Promise<{ readonly report: ReportFacts; readonly isNew: boolean }> {
      const { id, isNew } = await transact((change) => takeReport(change, actor, report, settings));
      if (isNew) await wake();
      return { report: reportFacts(await loadReport(db, id)), isNew };
    },

    /** @throws BridgeError, see reports.ts */
    async actOnReport(actor: Actor, id: string, request: ReportActRequest, key: string): Promise<ReportFacts> {
      await transact(async (change) => {
        if (!(await isFirstTime(change, actor.id, key, { reportId: id, request }))) return;
        await actOnReport(change, actor, id, request, settings);
      });
      await wake();
      return reportFacts(await loadReport(db, id));
    },

    reportList: (query: Parameters<typeof reportList>[1]) => reportList(db, query),
    report: async (id: string) => reportFacts(await loadReport(db, id)),
  };
}
