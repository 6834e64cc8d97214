import { computed, signal } from "@preact/signals";
import type { CaseView } from "../../../api/schema/desk.ts";
import { nowMs } from "../clock.ts";
import { cases, isEnded } from "./desk.ts";
import { isUnseen } from "./looked-at.ts";

/** `time`: by the time that is left · `newest`: as they came. */
export type Order = "time" | "newest";
export type Show = "going" | "crewless" | "to-locate" | "overdue" | "ended";
export const SHOWS: readonly Show[] = ["going", "crewless", "to-locate", "overdue", "ended"];

const STORED = "shao.desk.order";

export const order = signal<Order>(localStorage.getItem(STORED) === "newest" ? "newest" : "time");
export const show = signal<Show>("going");
/** Words of a number, a name, an address or a crew. */
export const searched = signal("");

export function chooseOrder(next: Order): void {
  localStorage.setItem(STORED, next);
  order.value = next;
}

/** The time that counts next: until somebody is there, the one for being there; then the one for being over. */
export interface Due {
  readonly what: "arrive" | "total";
  readonly atMs: number;
  /** Since when it stands still. */
  readonly pausedAtMs?: number;
  readonly clock: "wall" | "working";
}

const ARRIVED = new Set<CaseView["state"]>(["on-scene", "resolved", "verifying"]);

export function dueOf(view: CaseView): Due | undefined {
  if (isEnded(view)) return undefined;
  const { dueArriveAtMs, dueTotalAtMs, clockPausedAtMs, clock = "wall" } = view;
  const paused = clockPausedAtMs === undefined ? {} : { pausedAtMs: clockPausedAtMs };
  if (dueArriveAtMs !== undefined && !ARRIVED.has(view.state)) {
    return { what: "arrive", atMs: dueArriveAtMs, clock, ...paused };
  }
  return dueTotalAtMs === undefined ? undefined : { what: "total", atMs: dueTotalAtMs, clock, ...paused };
}

export const leftMs = ({ atMs, pausedAtMs }: Due): number => atMs - (pausedAtMs ?? nowMs.value);

export const isOverdue = (view: CaseView): boolean => {
  const due = dueOf(view);
  return due !== undefined && leftMs(due) < 0;
};

/** An officer in need stands above every clock; what rests stands below them. */
function rank(view: CaseView): number {
  if (isEnded(view)) return 3;
  if (view.family === "emergency" && view.state === "open") return 0;
  const rests =
    view.state === "suspended" ||
    view.clockPausedAtMs !== undefined ||
    view.isHeld === true ||
    (view.late && view.state === "open");
  return rests ? 2 : 1;
}

const dueKey = (view: CaseView): number => dueOf(view)?.atMs ?? Number.POSITIVE_INFINITY;

function byTime(a: CaseView, b: CaseView): number {
  const [left, right] = [dueKey(a), dueKey(b)];
  if (left !== right) return left < right ? -1 : 1;
  return a.openedAtMs - b.openedAtMs || a.number - b.number;
}

const byNewest = (a: CaseView, b: CaseView): number => b.openedAtMs - a.openedAtMs || b.number - a.number;

export const goingInOrder = computed(() =>
  [...cases.value.values()]
    .filter((view) => !isEnded(view))
    .sort((a, b) => rank(a) - rank(b) || (order.value === "time" ? byTime(a, b) : byNewest(a, b))),
);

export const endedInOrder = computed(() =>
  [...cases.value.values()]
    .filter(isEnded)
    .sort((a, b) => (b.closedAtMs ?? b.updatedAtMs) - (a.closedAtMs ?? a.updatedAtMs)),
);

const isCrewless = (view: CaseView): boolean => view.state === "open" && view.toLocate !== true;

/** Told every ten seconds, so that a long list is not sorted each second. */
const tenth = computed(() => Math.floor(nowMs.value / 10_000));

const overdue = computed(() => {
  tenth.value;
  return goingInOrder.value.filter((view) => {
    const due = dueOf(view);
    return due !== undefined && due.atMs < (due.pausedAtMs ?? nowMs.peek());
  });
});

const LISTS = {
  going: goingInOrder,
  crewless: computed(() => goingInOrder.value.filter(isCrewless)),
  "to-locate": computed(() => goingInOrder.value.filter(({ toLocate }) => toLocate === true)),
  overdue,
  ended: endedInOrder,
} as const;

export const countOf = (which: Show): number => LISTS[which].value.length;

export const shownCases = computed(() => {
  const words = searched.value.trim().toLowerCase();
  const list = LISTS[show.value].value;
  return words === "" ? list : list.filter((view) => textOf(view).includes(words));
});

function textOf({ number, title, siteName, address, externalId, assignment }: CaseView): string {
  return [`#${number}`, title, siteName, address, externalId, assignment?.crewName].join(" ").toLowerCase();
}

/** The case before or after one, as the list shows them; from nowhere, the first. */
export function neighbour(id: string | undefined, step: 1 | -1): CaseView | undefined {
  const list = shownCases.value;
  const at = list.findIndex((view) => view.id === id);
  return at < 0 ? list[0] : list[at + step];
}

export const firstUnseen = (): CaseView | undefined => goingInOrder.value.find(({ id }) => isUnseen(id));
