import type { AccountFacts } from "../roster/accounts.ts";
import type { GeoPoint } from "./schema/common.ts";
import type { AlarmView, Assignment, CaseAct, CaseDetail, CaseView, CrewAct } from "./schema/desk.ts";
import type { CrewView } from "./schema/roster.ts";

export interface PageRequest {
  readonly cursor?: string;
  readonly limit: number;
}
export interface PageAnswer<T> {
  items: T[];
  next?: string;
}

/**
 * What the API asks of the rooms that know cases, crews and sites. Refusals are BridgeErrors; an account of role crew gets
 * at its own crew's things only, whatever the method. An act with a key that was seen before changes nothing.
 */
export interface DeskPort {
  listAlarms(page: PageRequest): Promise<PageAnswer<AlarmView>>;
  listCases(
    page: PageRequest & {
      readonly open?: boolean;
      readonly siteId?: string;
      readonly toLocate?: boolean;
      readonly category?: string;
      readonly unitId?: string;
    },
    account: AccountFacts,
  ): Promise<PageAnswer<CaseView>>;
  caseDetail(id: string, account: AccountFacts): Promise<CaseDetail>;
  actOnCase(id: string, act: CaseAct, account: AccountFacts, key: string): Promise<CaseView>;
  actOnAssignment(id: string, act: CrewAct, account: AccountFacts, key: string): Promise<Assignment>;
  listCrews(account: AccountFacts): Promise<CrewView[]>;
  reportPosition(crewId: string, position: GeoPoint & { readonly atMs: number }): Promise<void>;
}
