import { batch, signal } from "@preact/signals";
import type { CaseAct, CaseDetail, CaseView } from "../../../api/schema/desk.ts";
import type { Site } from "../../../api/schema/fleet.ts";
import type { CrewView } from "../../../api/schema/roster.ts";
import { call, newIdempotencyKey } from "../api/client.ts";
import { onEvent, streamClient } from "../api/events.ts";

interface PageOf<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

export const cases = signal<ReadonlyMap<string, CaseView>>(new Map());
export const crews = signal<readonly CrewView[]>([]);
export const sites = signal<ReadonlyMap<string, Site>>(new Map());
export const isDeskLoaded = signal(false);

const ENDED = new Set(["closed", "closed-unverified", "false-alarm", "self-cleared", "merged"]);
export const isEnded = (view: CaseView): boolean => ENDED.has(view.state);

/** An older picture never replaces a newer one: a list that was asked for before an event may arrive after it. */
function put(...views: readonly CaseView[]): void {
  const next = new Map(cases.value);
  for (const view of views) {
    const known = next.get(view.id);
    if (!known || known.updatedAtMs <= view.updatedAtMs) next.set(view.id, view);
  }
  cases.value = next;
}

const GATHER_MS = 40;
let gathered: CaseView[] = [];

/** In a storm many cases change at once: the list is drawn once for all that came within a moment. */
function putSoon(view: CaseView): void {
  if (gathered.length === 0) {
    setTimeout(() => {
      const views = gathered;
      gathered = [];
      put(...views);
    }, GATHER_MS);
  }
  gathered.push(view);
}

const PAGE = 500;
const ENDED_SHOWN = 100;

/** Every case that goes on, however many; of the ended, the newest. */
export async function loadDesk(): Promise<void> {
  const [going, ended] = await Promise.all([
    allOf<CaseView>(`/cases?open=true&limit=${PAGE}`),
    call<PageOf<CaseView>>("GET", `/cases?open=false&limit=${ENDED_SHOWN}`),
    loadCrews(),
    loadSites(),
  ]);
  batch(() => {
    put(...going, ...ended.items);
    isDeskLoaded.value = true;
  });
}

export async function loadCrews(): Promise<void> {
  crews.value = await allOf<CrewView>(`/crews?limit=${PAGE}`);
}

/** All pages of a list. */
export async function allOf<T>(path: string): Promise<T[]> {
  const items: T[] = [];
  let cursor = "";
  for (;;) {
    const page = await call<PageOf<T>>("GET", `${path}${cursor}`);
    items.push(...page.items);
    if (page.next === undefined) return items;
    cursor = `&cursor=${encodeURIComponent(page.next)}`;
  }
}

export async function loadSites(): Promise<void> {
  const items = await allOf<Site>(`/sites?limit=${PAGE}`);
  sites.value = new Map(items.map((site) => [site.id, site]));
}

export const siteName = (siteId: string | undefined): string | undefined =>
  siteId === undefined ? undefined : (sites.value.get(siteId)?.name ?? siteId);

export const siteTimeZone = (siteId: string | undefined): string | undefined =>
  siteId === undefined ? undefined : sites.value.get(siteId)?.timeZone;

// ---- the case that is looked at

export const selectedCase = signal<CaseDetail | undefined>(undefined);
let selectedId: string | undefined;
let refreshTimer: ReturnType<typeof setTimeout> | undefined;
let evidenceTimer: ReturnType<typeof setTimeout> | undefined;

export async function selectCase(id: string | undefined): Promise<void> {
  selectedId = id;
  if (selectedCase.value?.case.id !== id) selectedCase.value = undefined;
  if (id !== undefined) await refreshSelected();
}

export async function refreshSelected(): Promise<void> {
  const id = selectedId;
  if (id === undefined) return;
  const detail = await call<CaseDetail>("GET", `/cases/${encodeURIComponent(id)}`);
  if (selectedId !== id) return;
  put(detail.case);
  selectedCase.value = detail;
  clearTimeout(evidenceTimer);
  if (!awaitsEvidence(detail)) return;
  // What has not come for an hour is asked for once a minute.
  const ageMs = Date.now() - detail.case.openedAtMs;
  const pauseMs = Math.min(60_000, Math.max(EVIDENCE_EVERY_MS, ageMs / 60));
  evidenceTimer = setTimeout(() => void refreshSelected().catch(() => {}), pauseMs);
}

const EVIDENCE_EVERY_MS = 5000;

/** Pictures and clips come after the alarm that promised them, and no event tells of their coming. */
function awaitsEvidence({ case: { state }, alarms, evidence }: CaseDetail): boolean {
  if (state === "closed") return false;
  const isHere = (id: string) => evidence.some(({ evidenceId }) => evidenceId === id);
  return (
    alarms.some(({ body }) => !body.evidence.every(isHere)) ||
    evidence.some(({ parts }) => parts.some((part) => part.state === "announced" || part.state === "arriving"))
  );
}

export async function actOnCase(id: string, act: CaseAct, key = newIdempotencyKey()): Promise<void> {
  await call<unknown>("POST", `/cases/${encodeURIComponent(id)}/acts`, { body: act, idempotencyKey: key });
  if (id === selectedId) await refreshSelected();
}

// ---- events

onEvent("case", ({ case: view, entry }) => {
  putSoon(view);
  const detail = selectedCase.value;
  if (detail?.case.id !== view.id) return;
  const isNewEntry = entry !== undefined && !detail.timeline.some(({ seq }) => seq === entry.seq);
  selectedCase.value = {
    ...detail,
    case: detail.case.updatedAtMs > view.updatedAtMs ? detail.case : view,
    timeline: isNewEntry ? [...detail.timeline, entry].sort((a, b) => a.seq - b.seq) : detail.timeline,
  };
  // Candidates, alarms and evidence are not in the event: they are asked for once things have settled.
  clearTimeout(refreshTimer);
  refreshTimer = setTimeout(() => void refreshSelected().catch(() => {}), 200);
});

onEvent("assignment", ({ assignment, case: view }) => {
  putSoon(view);
  crews.value = crews.value.map((crew) => (crew.id === assignment.crewId ? { ...crew, assignment } : crew));
});

onEvent("supervision", ({ flag: { crewId, kind, untilMs } }) => {
  crews.value = crews.value.map((crew) => {
    if (crew.id !== crewId) return crew;
    const { flags = [], ...rest } = crew;
    const others = flags.filter((one) => one !== kind);
    return { ...rest, flags: untilMs === undefined ? [...others, kind] : others };
  });
});

// After a break the stream resumes without a gap, but positions and duties are not on it.
streamClient.subscribe((client) => {
  if (client === undefined || !isDeskLoaded.value) return;
  void loadDesk().catch(() => {});
  void refreshSelected().catch(() => {});
});
