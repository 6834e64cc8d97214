import type { MinuteBlock } from "./minute-blocks.ts";
import { type QuietNeeded, SEAM_MS, type Source, troubleOf } from "./quiet.ts";

/** The limits by which an `exceedance` judges its windows, as its alarm names them. */
export interface WindowLimits {
  readonly limitDb: number;
  readonly lamaxLimitDb?: number;
  readonly roundToDb: number;
  readonly windowMs: number;
  readonly minValidPct: number;
}

/** What is known of the exceedances of one source. */
export interface WindowSource extends Omit<Source, "spans" | "hasClearLevel"> {
  readonly limits: WindowLimits | undefined;
  /** Windows with which its node cleared: its own verdict, background and flags included. */
  readonly nodeWindows: readonly { readonly fromMs: number; readonly toMs: number }[];
  readonly minutes: readonly MinuteBlock[];
}

export interface WindowProof {
  readonly fromMs: number;
  readonly toMs: number;
  readonly provedBy: "node" | "minutes";
}

/** @returns the limits of an alarm's body, where it names them all */
export function windowLimitsOf(limits: Readonly<Record<string, number>>): WindowLimits | undefined {
  const { limitDb, lamaxLimitDb, roundToDb, windowS, minValidPct } = limits;
  if (limitDb === undefined || roundToDb === undefined || windowS === undefined || minValidPct === undefined) {
    return undefined;
  }
  const lamax = lamaxLimitDb === undefined ? {} : { lamaxLimitDb };
  return { limitDb, roundToDb, windowMs: windowS * 1000, minValidPct, ...lamax };
}

/** One full window within the limits since the alarm ended: the node's own, else one made of the minutes held here. */
export function fullWindow({ limits, sinceMs, nodeWindows, minutes }: WindowSource): WindowProof | undefined {
  if (limits === undefined) return undefined;
  const own = nodeWindows.find(
    ({ fromMs, toMs }) => fromMs >= sinceMs - SEAM_MS && toMs - fromMs >= limits.windowMs - SEAM_MS,
  );
  if (own !== undefined) return { fromMs: own.fromMs, toMs: own.toMs, provedBy: "node" };
  for (const { toMs } of minutes) {
    const fromMs = toMs - limits.windowMs;
    if (fromMs < sinceMs - SEAM_MS) continue;
    const within = minutes.filter((block) => block.fromMs >= fromMs - SEAM_MS && block.toMs <= toMs + SEAM_MS);
    if (isWithin(within, fromMs, limits)) return { fromMs, toMs, provedBy: "minutes" };
  }
  return undefined;
}

/** Blocks are merged by their valid seconds; a window begins with a minute that was measured. */
function isWithin(blocks: readonly MinuteBlock[], fromMs: number, limits: WindowLimits): boolean {
  if (!blocks.some((block) => block.fromMs <= fromMs + SEAM_MS)) return false;
  const heard = blocks.flatMap(({ laeqDb, lamaxDb, valid }) =>
    laeqDb === null || lamaxDb === null || valid === 0 ? [] : [{ laeqDb, lamaxDb, valid }],
  );
  const valid = heard.reduce((sum, block) => sum + block.valid, 0);
  if ((valid * 100_000) / limits.windowMs < limits.minValidPct) return false;
  const energy = heard.reduce((sum, block) => sum + block.valid * 10 ** (0.1 * block.laeqDb), 0);
  const { lamaxLimitDb } = limits;
  if (isOver(10 * Math.log10(energy / valid), limits.limitDb, limits.roundToDb)) return false;
  return lamaxLimitDb === undefined || heard.every(({ lamaxDb }) => !isOver(lamaxDb, lamaxLimitDb, limits.roundToDb));
}

function isOver(levelDb: number, limitDb: number, roundToDb: number): boolean {
  return Math.round(levelDb / roundToDb) > limitDb / roundToDb + 1e-6;
}

/** What proof this source still owes; empty when it is proven. */
export function waitingForWindow(source: WindowSource, { freshMs, nowMs }: QuietNeeded): readonly string[] {
  const { name, limits, sinceMs, minutes } = source;
  if (limits === undefined) return [`${name}: its alarm names no clear level, a person must close the case`];
  const waiting = [...troubleOf(source)];
  const newestMs = Math.max(...minutes.map(({ toMs }) => toMs), ...source.nodeWindows.map(({ toMs }) => toMs));
  if (!Number.isFinite(newestMs)) return [...waiting, `${name}: no levels yet`];
  if (nowMs - newestMs > freshMs) {
    return [...waiting, `${name}: newest level is ${Math.round((nowMs - newestMs) / 1000)} s old`];
  }
  if (fullWindow(source) === undefined) {
    const wholeMin = Math.ceil(limits.windowMs / 60_000);
    const passedMin = Math.min(wholeMin, Math.max(0, Math.floor((newestMs - sinceMs) / 60_000)));
    waiting.push(`${name}: no full window within the limit yet, ${passedMin} of ${wholeMin} min`);
  }
  return waiting;
}
