import type { TimeQuality } from "../../protocol/ids.ts";

/** One `time` record of a run: from this seq on, UTC is so far from the run's monotonic clock. */
export interface TimeMark {
  readonly seq: number;
  readonly upMs: number;
  readonly utcMs: number;
  readonly quality: Exclude<TimeQuality, "none">;
}

/** In order of seq. Those of a battery clock go once a better one has spoken: it may never have been right. */
export type TimeMarks = readonly TimeMark[];

export const NO_MARKS: TimeMarks = [];

/** Rows from..to are UTC = upMs + offsetMs. */
export interface Redated {
  readonly from: number;
  readonly to: number;
  readonly offsetMs: number;
}

/** Two words that agree so far are one: a crystal drifts so much in half an hour. */
const SAME_MS = 100;
/** A step of the clock, not its drift. */
const JUMP_MS = 1000;
/** A clock that flaps for days must not make the row grow without end. */
const MAX_MARKS = 500;

const isBattery = ({ quality }: TimeMark): boolean => quality === "rtc";
const offsetOf = ({ utcMs, upMs }: TimeMark): number => Math.round(utcMs - upMs);

/**
 * Takes one mark, in whatever order they come. Each dates what follows it up to the next, and the first also what lies
 * before it: the node did not know better then, and this is the nearest word.
 */
export function withMark(
  before: TimeMarks,
  mark: TimeMark,
): { readonly marks: TimeMarks; readonly redated: Redated[] } {
  const isKnownBetter = isBattery(mark) && before.some((known) => !isBattery(known));
  if (isKnownBetter) return { marks: before, redated: [] };
  const kept = isBattery(mark) ? before : before.filter((known) => !isBattery(known));
  const isBetter = kept.length < before.length;
  const at = kept.findLastIndex(({ seq }) => seq <= mark.seq) + 1;
  const neighbour = kept[at - 1] ?? kept[at];
  if (neighbour !== undefined && Math.abs(offsetOf(neighbour) - offsetOf(mark)) <= SAME_MS) {
    return { marks: before, redated: [] };
  }
  const marks = [...kept.slice(0, at), mark, ...kept.slice(at)];
  const from = at === 0 || isBetter ? 1 : mark.seq;
  const to = (kept[at]?.seq ?? Number.MAX_SAFE_INTEGER) - 1;
  const redated = [{ from, to, offsetMs: offsetOf(mark) }];
  return { marks: marks.length > MAX_MARKS ? [...marks.slice(0, 1), ...marks.slice(2)] : marks, redated };
}

/** UTC of a record by its run's marks; undefined when there is none. */
export function markedMs(
  marks: TimeMarks,
  record: { readonly seq: number; readonly upMs: number },
): number | undefined {
  const mark = marks.findLast(({ seq }) => seq <= record.seq) ?? marks[0];
  return mark === undefined ? undefined : Math.max(0, Math.round(record.upMs + offsetOf(mark)));
}

/** How the run's times are known, for who reads them. */
export interface ClockFacts {
  /** none: no `time` record of it ever knew; its own stamps stand where it believed one. */
  readonly quality: TimeQuality;
  /** Steps of more than a second between two words of equal worth: the times on one side of each are in doubt. */
  readonly jumps: number;
}

export function clockFacts(marks: TimeMarks): ClockFacts {
  const jumps = marks.filter((mark, i) => {
    const previous = marks[i - 1];
    return previous !== undefined && Math.abs(offsetOf(mark) - offsetOf(previous)) > JUMP_MS;
  });
  return { quality: marks.at(-1)?.quality ?? "none", jumps: jumps.length };
}
