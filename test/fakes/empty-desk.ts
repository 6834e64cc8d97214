import type { CaseworkPort } from "../../cloud-bridge/api/casework-port.ts";
import type { DeskPort } from "../../cloud-bridge/api/desk-port.ts";
import type { CaseView } from "../../cloud-bridge/api/schema/desk.ts";
import { readCatalogue } from "../../cloud-bridge/cases/catalogue.ts";
import { DEFAULT_CATALOGUE } from "../../cloud-bridge/cases/default-catalogue.ts";
import { BridgeError } from "../../cloud-bridge/store/errors.ts";

export const SOME_CASE: CaseView = {
  id: "case-1",
  number: 1,
  family: "noise",
  nature: "condition",
  title: "Noise at Guanghua Road block 7",
  state: "open",
  late: false,
  unwatched: false,
  openedAtMs: 1,
  updatedAtMs: 1,
  alarmIds: [],
  waitingFor: [],
};

function nothing(): never {
  throw new BridgeError("CASE_UNKNOWN", "there is no such case", {
    status: 404,
    hint: "GET /api/v1/cases lists them.",
  });
}

/** A desk with one case, for what is about the API itself. `calls` notes every act that reached it. */
export function emptyDesk(): DeskPort & { readonly calls: string[] } {
  const calls: string[] = [];
  return {
    calls,
    listAlarms: async () => ({ items: [] }),
    listCases: async () => ({ items: [SOME_CASE] }),
    caseDetail: async (id) =>
      id === SOME_CASE.id
        ? { case: SOME_CASE, timeline: [], assignments: [], candidates: [], alarms: [], evidence: [] }
        : nothing(),
    async actOnCase(id, act, _account, key) {
      calls.push(`${id} ${act.act} ${key}`);
      return id === SOME_CASE.id ? SOME_CASE : nothing();
    },
    actOnAssignment: async () => nothing(),
    listCrews: async () => [],
    placesChanged: async () => {},
    maySendPhoto: async () => nothing(),
    takePhoto: async () => nothing(),
    async permitNews({ number, revokedAtMs }, by) {
      calls.push(`permit ${number} ${revokedAtMs === undefined ? "recorded" : "revoked"} ${by}`);
    },
    async reportPosition(crewId) {
      calls.push(`position ${crewId}`);
    },
  };
}

/** Nobody has reported anything, and the default tables are in force. */
export function emptyCasework(): CaseworkPort {
  return {
    takeReport: async () => nothing(),
    listReports: async () => ({ items: [] }),
    report: async () => nothing(),
    actOnReport: async () => nothing(),
    blowWhistle: async () => nothing(),
    listWhistles: async () => ({ items: [] }),
    whistle: async () => nothing(),
    actOnWhistle: async () => nothing(),
    actOnWhistleLeg: async () => nothing(),
    listInhibitions: async () => [],
    addInhibition: async () => nothing(),
    endInhibition: async () => nothing(),
    listCatalogues: async () => [],
    currentCatalogue: async () => DEFAULT_CATALOGUE,
    catalogue: async () => DEFAULT_CATALOGUE,
    loadCatalogue: async (document) => readCatalogue(document),
  };
}
