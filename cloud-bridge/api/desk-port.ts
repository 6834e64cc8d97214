import type { AlarmQuery } from "../dispatch/alarm-list.ts";
import type { CaseQuery } from "../dispatch/case-list.ts";
import type { PhotoFacts } from "../dispatch/crew-photos.ts";
import type { PermitFacts } from "../fleet/permits.ts";
import type { AccountFacts } from "../roster/accounts.ts";
import type { GeoPoint } from "./schema/common.ts";
import type { AlarmView, Assignment, CaseAct, CaseDetail, CaseView, CrewAct } from "./schema/desk.ts";
import type { CrewView } from "./schema/roster.ts";
import type { Viewer } from "./scope-guard.ts";

export interface PageRequest {
  readonly cursor?: string;
  readonly limit: number;
}
export interface PageAnswer<T> {
  items: T[];
  next?: string;
}

/** A query of the desk as it comes from outside: with a cursor, and cut by who asks. */
type Asked<Q> = PageRequest & Omit<Q, "limit" | "before" | "scope">;

/**
 * What the API asks of the rooms that know cases, crews and sites. Refusals are BridgeErrors; an account of role crew gets
 * at its own crew's things only, whatever the method, and one with a unit at what its scope holds. An act with a key that was seen before changes nothing.
 */
export interface DeskPort {
  listAlarms(query: Asked<AlarmQuery>, viewer: Viewer): Promise<PageAnswer<AlarmView>>;
  listCases(query: Asked<CaseQuery>, viewer: Viewer): Promise<PageAnswer<CaseView>>;
  caseDetail(id: string, viewer: Viewer): Promise<CaseDetail>;
  actOnCase(id: string, act: CaseAct, viewer: Viewer, key: string): Promise<CaseView>;
  actOnAssignment(id: string, act: CrewAct, account: AccountFacts, key: string): Promise<Assignment>;
  listCrews(viewer: Viewer): Promise<CrewView[]>;
  /** A site has another unit, or a unit other ground: open cases find who answers for them. */
  placesChanged(siteId?: string): Promise<void>;
  /** Asked before its bytes are kept. */
  maySendPhoto(assignmentId: string, photo: PhotoFacts, account: AccountFacts, key: string): Promise<void>;
  /** @returns the id of the evidence */
  takePhoto(assignmentId: string, photo: PhotoFacts, account: AccountFacts, key: string): Promise<string>;
  /** A permit was recorded or revoked: open cases of its site are held, told, or wait for a crew. */
  permitNews(permit: PermitFacts, by: string): Promise<void>;
  reportPosition(crewId: string, position: GeoPoint & { readonly atMs: number }): Promise<void>;
}
