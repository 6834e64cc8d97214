import { type CountedCase, hasEnded } from "./counted-cases.ts";

/** How long something took, over the cases in which it happened; null where it never did. */
export interface Spread {
  readonly n: number;
  readonly p50Ms: number | null;
  readonly p90Ms: number | null;
  readonly longestMs: number | null;
}

/** `n` of `of`; null where there was nothing to count. */
export interface Share {
  readonly n: number;
  readonly of: number;
  readonly share: number | null;
}

export interface ResponseFigures {
  readonly cases: number;
  readonly openNow: number;
  readonly openedToAssigned: Spread;
  readonly assignedToTakenUp: Spread;
  readonly openedToOnScene: Spread;
  readonly openedToClosed: Spread;
  /** 响应率: taken up or arrived by the time by which somebody had to be there, of those whose time has come. */
  readonly responded: Share;
  /** Ended by the time by which it had to be over, of those whose time has come. */
  readonly endedInTime: Share;
  /** Closed and proven by sensors, by another person or by the reporter, of those that ended as real. */
  readonly verified: Share;
  /** 解决率: of reporters called back, those who said that it is solved. */
  readonly solved: Share;
  /** 满意率: of reporters who gave a mark, those who gave `satisfiedFrom` or more of 5. */
  readonly satisfied: Share;
  readonly reopened: number;
  readonly supervised: number;
}

export interface CallBack {
  readonly caseId: string;
  readonly isResolved?: boolean;
  readonly satisfaction?: number;
}

export interface ResponseOptions {
  readonly nowMs: number;
  readonly satisfiedFrom: number;
}

export function responseFigures(
  cases: readonly CountedCase[],
  callBacks: readonly CallBack[],
  { nowMs, satisfiedFrom }: ResponseOptions,
): ResponseFigures {
  const ids = new Set(cases.map(({ id }) => id));
  const heard = callBacks.filter(({ caseId }) => ids.has(caseId));
  const asked = heard.filter(({ isResolved }) => isResolved !== undefined);
  const marked = heard.filter(({ satisfaction }) => satisfaction !== undefined);
  const real = cases.filter(({ state }) => state === "closed" || state === "closed-unverified");
  return {
    cases: cases.length,
    openNow: cases.filter((one) => !hasEnded(one)).length,
    openedToAssigned: spread(cases, "openedAtMs", "assignedAtMs"),
    assignedToTakenUp: spread(cases, "assignedAtMs", "takenUpAtMs"),
    openedToOnScene: spread(cases, "openedAtMs", "onSceneAtMs"),
    openedToClosed: spread(cases.filter(hasEnded), "openedAtMs", "closedAtMs"),
    responded: inTime(cases, "dueArriveAtMs", "takenUpAtMs", nowMs),
    endedInTime: inTime(cases, "dueTotalAtMs", "closedAtMs", nowMs),
    verified: share(real.filter(({ state }) => state === "closed").length, real.length),
    solved: share(asked.filter(({ isResolved }) => isResolved === true).length, asked.length),
    satisfied: share(marked.filter(({ satisfaction = 0 }) => satisfaction >= satisfiedFrom).length, marked.length),
    reopened: sum(cases, ({ reopenCount }) => reopenCount),
    supervised: sum(cases, ({ supervisionCount }) => supervisionCount),
  };
}

export function share(n: number, of: number): Share {
  return { n, of, share: of === 0 ? null : n / of };
}

/**
 * Nearest rank: the smallest value that so many percent do not exceed.
 * @param sorted ascending
 */
export function percentile(sorted: readonly number[], percent: number): number | null {
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? null;
}

type Moment = "openedAtMs" | "assignedAtMs" | "takenUpAtMs" | "onSceneAtMs" | "closedAtMs";

/** A step back in time, after a case was reopened or a crew was there before it was sent, took no time. */
function spread(cases: readonly CountedCase[], from: Moment, to: Moment): Spread {
  const sorted = cases
    .flatMap((one) => {
      const [fromMs, toMs] = [one[from], one[to]];
      return fromMs === undefined || toMs === undefined ? [] : [Math.max(0, toMs - fromMs)];
    })
    .sort((a, b) => a - b);
  return {
    n: sorted.length,
    p50Ms: percentile(sorted, 50),
    p90Ms: percentile(sorted, 90),
    longestMs: sorted.at(-1) ?? null,
  };
}

function inTime(
  cases: readonly CountedCase[],
  due: "dueArriveAtMs" | "dueTotalAtMs",
  done: "takenUpAtMs" | "closedAtMs",
  nowMs: number,
): Share {
  const counted = cases.filter((one) => {
    const dueMs = one[due];
    return dueMs !== undefined && (one[done] !== undefined || dueMs <= nowMs);
  });
  const met = counted.filter((one) => (one[done] ?? Number.POSITIVE_INFINITY) <= (one[due] ?? 0));
  return share(met.length, counted.length);
}

export function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
