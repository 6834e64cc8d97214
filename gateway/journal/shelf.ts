import { laneOf } from "../../protocol/lane.ts";
import type { Lane, NewRecord } from "../../protocol/record.ts";

/**
 * Where a row lies in the file. Rows that go together lie together: giving up the least of them frees whole pages, and each
 * shelf belongs to one lane. Numbers are stored; never give one a new meaning.
 */
export const SHELF = {
  alarm: 0,
  /** Emergency messages, results, and what else waits in lane 0. */
  urgent: 1,
  /** What declares a loss. */
  shed: 10,
  start: 11,
  /** `time`, `device` and whatever else waits in lane 1. */
  state: 12,
  newestHealth: 13,
  olderHealth: 20,
  measurement: 21,
  position: 22,
  /** Minutes with their 1-s levels. */
  levels: 23,
  /** Statistics whose levels are not here. */
  statistics: 24,
  evidence: 25,
  /** Texts, status messages, and what no other shelf knows. */
  other: 26,
} as const;
export type Shelf = (typeof SHELF)[keyof typeof SHELF];

export const SHELVES: readonly Shelf[] = Object.values(SHELF);

/** Rows of one alarm: what it said, and what was heard. */
export const ALARM_SHELVES: readonly Shelf[] = [SHELF.alarm, SHELF.evidence];
/** What has a cap of its own. */
export const MESSAGE_SHELVES: readonly Shelf[] = [SHELF.urgent, SHELF.other];

export function laneOfShelf(shelf: number): Lane {
  if (shelf < 10) return 0;
  if (shelf < 20) return 1;
  return shelf === SHELF.olderHealth ? 4 : 2;
}

export function shelvesOf(lanes: readonly Lane[]): readonly Shelf[] {
  return SHELVES.filter((shelf) => lanes.includes(laneOfShelf(shelf)));
}

/** @param isOlderHealth a newer one is committed with it */
export function shelfOf(record: NewRecord, isOlderHealth = false): Shelf {
  switch (record.kind) {
    case "alarm":
      return SHELF.alarm;
    case "shed":
      return laneOf(record) === 0 ? SHELF.urgent : SHELF.shed;
    case "evidence-lost":
      return SHELF.shed;
    case "start":
      return SHELF.start;
    case "health":
      return isOlderHealth ? SHELF.olderHealth : SHELF.newestHealth;
    case "measurement":
      return SHELF.measurement;
    case "position":
      return SHELF.position;
    case "noise":
      return record.body.minutes === undefined && record.body.statisticsBy === undefined
        ? SHELF.levels
        : SHELF.statistics;
    case "evidence":
      return SHELF.evidence;
    default:
      return [SHELF.urgent, SHELF.state, SHELF.other][Math.min(laneOf(record), 2)] ?? SHELF.other;
  }
}
