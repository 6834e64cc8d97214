import type { SeqRange } from "./session.ts";

/** A set of seqs: inclusive ranges, sorted, disjoint and never adjacent, so that equal sets are equal lists. */
export type Ranges = readonly SeqRange[];

export const NO_RANGES: Ranges = [];

/** Any ranges, in any order and overlapping, as a set. Ranges that run backwards are left out. */
export function rangesFrom(ranges: Iterable<readonly [number, number]>): Ranges {
  const sorted = [...ranges].filter(([from, to]) => from <= to).sort((a, b) => a[0] - b[0]);
  const merged: SeqRange[] = [];
  for (const [from, to] of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last[1] + 1) {
      if (to > last[1]) last[1] = to;
    } else merged.push([from, to]);
  }
  return merged;
}

/** Single seqs, in any order, as a set. */
export function rangesOfSeqs(seqs: Iterable<number>): Ranges {
  const pairs: [number, number][] = [];
  for (const seq of seqs) {
    const last = pairs.at(-1);
    if (last !== undefined && seq === last[1] + 1) last[1] = seq;
    else pairs.push([seq, seq]);
  }
  return rangesFrom(pairs);
}

export function union(a: Ranges, b: Ranges): Ranges {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  return rangesFrom([...a, ...b]);
}

export function addRange(ranges: Ranges, from: number, to: number = from): Ranges {
  return union(ranges, from <= to ? [[from, to]] : NO_RANGES);
}

/** What is in `a` and not in `b`. */
export function subtract(a: Ranges, b: Ranges): Ranges {
  if (a.length === 0 || b.length === 0) return a;
  const left: SeqRange[] = [];
  let at = 0;
  for (const [from, to] of a) {
    let start = from;
    while (at < b.length && (b[at]?.[1] ?? 0) < start) at += 1;
    for (let i = at; i < b.length && start <= to; i += 1) {
      const [cutFrom, cutTo] = b[i] ?? [0, 0];
      if (cutFrom > to) break;
      if (cutFrom > start) left.push([start, cutFrom - 1]);
      start = Math.max(start, cutTo + 1);
    }
    if (start <= to) left.push([start, to]);
  }
  return left;
}

export function intersect(a: Ranges, b: Ranges): Ranges {
  const both: SeqRange[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const [aFrom, aTo] = a[i] ?? [0, 0];
    const [bFrom, bTo] = b[j] ?? [0, 0];
    const from = Math.max(aFrom, bFrom);
    const to = Math.min(aTo, bTo);
    if (from <= to) both.push([from, to]);
    if (aTo < bTo) i += 1;
    else j += 1;
  }
  return both;
}

export function contains(ranges: Ranges, seq: number): boolean {
  let low = 0;
  let high = ranges.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const [from, to] = ranges[middle] ?? [0, 0];
    if (seq < from) high = middle - 1;
    else if (seq > to) low = middle + 1;
    else return true;
  }
  return false;
}

/** How many seqs the set holds. */
export function countOf(ranges: Ranges): number {
  let count = 0;
  for (const [from, to] of ranges) count += to - from + 1;
  return count;
}

/** The largest seq of the set, 0 when it is empty. */
export function lastOf(ranges: Ranges): number {
  return ranges.at(-1)?.[1] ?? 0;
}

/** What is missing between `from` and `to`, both inclusive. */
export function complementWithin(ranges: Ranges, from: number, to: number): Ranges {
  return from > to ? NO_RANGES : subtract([[from, to]], ranges);
}

/** Every seq of the set, smallest first. */
export function* seqsOf(ranges: Ranges): Generator<number> {
  for (const [from, to] of ranges) for (let seq = from; seq <= to; seq += 1) yield seq;
}
