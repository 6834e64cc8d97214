import { readCatalogue } from "../cases/catalogue.ts";
import { catalogueInForce, catalogueNamed, keepCatalogue, listCatalogues } from "../cases/catalogue-rows.ts";
import type { Desk } from "../dispatch/desk.ts";
import type { AccountFacts } from "../roster/accounts.ts";
import type { Scope } from "../roster/scope.ts";
import type { BridgeClock } from "../store/clock.ts";
import type { Db } from "../store/database.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import type { PageAnswer, PageRequest } from "./desk-port.ts";
import type { CatalogueDocument, CatalogueVersion, NewReport, ReportAct, ReportView } from "./schema/casework.ts";
import type {
  InhibitionView,
  NewInhibition,
  NewWhistle,
  WhistleAct,
  WhistleLegAct,
  WhistleView,
} from "./schema/whistles.ts";

export interface WhistleFilter {
  readonly state?: string;
  readonly unitId?: string;
  readonly caseId?: string;
  readonly scope?: Scope;
}

export interface ReportFilter {
  readonly source?: string;
  readonly externalId?: string;
  readonly caseId?: string;
  readonly answered?: boolean;
  readonly channel?: string;
  readonly category?: string;
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly sort?: "receivedAtMs" | "-receivedAtMs";
  readonly scope: Scope;
}

/** What the API asks about reports and catalogues. Refusals are BridgeErrors. */
export interface CaseworkPort {
  takeReport(report: NewReport, account: AccountFacts): Promise<{ report: ReportView; isNew: boolean }>;
  listReports(page: PageRequest & ReportFilter): Promise<PageAnswer<ReportView>>;
  report(id: string): Promise<ReportView>;
  actOnReport(id: string, act: ReportAct, account: AccountFacts, key: string): Promise<ReportView>;
  blowWhistle(whistle: NewWhistle, account: AccountFacts, key: string): Promise<WhistleView>;
  listWhistles(page: PageRequest & WhistleFilter): Promise<PageAnswer<WhistleView>>;
  whistle(id: string): Promise<WhistleView>;
  actOnWhistle(id: string, act: WhistleAct, account: AccountFacts, key: string): Promise<WhistleView>;
  actOnWhistleLeg(id: string, act: WhistleLegAct, account: AccountFacts, key: string): Promise<WhistleView>;
  listInhibitions(): Promise<InhibitionView[]>;
  addInhibition(inhibition: NewInhibition, account: AccountFacts): Promise<InhibitionView>;
  endInhibition(id: string, account: AccountFacts): Promise<InhibitionView>;
  listCatalogues(): Promise<CatalogueVersion[]>;
  currentCatalogue(): Promise<CatalogueDocument>;
  catalogue(name: string, version: string): Promise<CatalogueDocument>;
  loadCatalogue(document: unknown, account: AccountFacts): Promise<CatalogueDocument>;
}

export function caseworkPortOf(desk: Desk, db: Db, clock: BridgeClock): CaseworkPort {
  const { casework } = desk;
  return {
    takeReport: (report, account) => casework.takeReport(account, report),
    async listReports({ cursor, ...query }) {
      const before = decodeCursor(cursor);
      const { items, next } = await casework.reportList({ ...query, ...(before === undefined ? {} : { before }) });
      return { items: [...items], ...(next === undefined ? {} : { next: encodeCursor(next) }) };
    },
    blowWhistle: (whistle, account, key) => casework.blowWhistle(account, whistle, key),
    async listWhistles({ cursor, ...query }) {
      const before = decodeCursor(cursor);
      const { items, next } = await casework.whistleList({ ...query, ...(before === undefined ? {} : { before }) });
      return { items: [...items], ...(next === undefined ? {} : { next: encodeCursor(next) }) };
    },
    whistle: (id) => casework.whistle(id),
    actOnWhistle: (id, act, account, key) => casework.actOnWhistle(account, id, act, key),
    actOnWhistleLeg: (id, act, account, key) => casework.actOnWhistleLeg(account, id, act, key),
    listInhibitions: async () => [...(await casework.inhibitionList())],
    addInhibition: (inhibition, account) => casework.addInhibition(account, inhibition),
    endInhibition: (id, account) => casework.endInhibition(account, id),
    report: (id) => casework.report(id),
    actOnReport: (id, act, account, key) => casework.actOnReport(account, id, act, key),
    listCatalogues: async () => [...(await listCatalogues(db, clock.nowMs()))],
    currentCatalogue: () => catalogueInForce(db, clock.nowMs()),
    catalogue: (name, version) => catalogueNamed(db, name, version),
    async loadCatalogue(document, account) {
      const catalogue = readCatalogue(document);
      await keepCatalogue(db, catalogue, account.name, clock.nowMs());
      return catalogue;
    },
  };
}
