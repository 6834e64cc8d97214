import type { Corners } from "./fit.ts";

/** A box of the model's input before the weaker ones went. */
export interface Candidate extends Corners {
  readonly classIndex: number;
  readonly score: number;
}

/** More boxes than this are never looked at: the strongest stay. */
const MOST_CANDIDATES = 3000;
const MOST_KEPT = 300;

/** Non-maximum suppression class by class: a box goes when a stronger one of its class overlaps it more than `iou`. */
export function suppress(candidates: readonly Candidate[], iou: number): Candidate[] {
  const kept: Candidate[] = [];
  for (const candidate of strongestFirst(candidates).slice(0, MOST_CANDIDATES)) {
    if (kept.length >= MOST_KEPT) break;
    if (kept.every((other) => other.classIndex !== candidate.classIndex || overlap(other, candidate) <= iou)) {
      kept.push(candidate);
    }
  }
  return kept;
}

export function strongestFirst(candidates: readonly Candidate[]): Candidate[] {
  return candidates.toSorted((a, b) => b.score - a.score);
}

/** Intersection over union, 0 to 1. */
export function overlap(a: Corners, b: Corners): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const common = width * height;
  return common / (area(a) + area(b) - common);
}

function area({ left, top, right, bottom }: Corners): number {
  return Math.max(0, right - left) * Math.max(0, bottom - top);
}
