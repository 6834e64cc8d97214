/** A value that was read from the meter, by its number, as it arrived in the cloud. */
export interface Arrival {
  readonly number: number;
  readonly atMs: number;
}

export interface OutageCount {
  /** Read from the meter within the window. */
  readonly read: number;
  readonly lost: number;
  readonly doubled: number;
  /** Arrived after a later one had. */
  readonly disordered: number;
}

/**
 * What became of the numbers `from` to `to` (exclusive), of which the meter gives each once.
 * @param arrivals in the order in which they came; others may be among them
 */
export function countOutage(from: number, to: number, arrivals: readonly Arrival[]): OutageCount {
  const seen = new Set<number>();
  let doubled = 0;
  let disordered = 0;
  let highest = -1;
  for (const { number } of arrivals) {
    if (number < from || number >= to) continue;
    if (seen.has(number)) doubled += 1;
    else if (number < highest) disordered += 1;
    seen.add(number);
    highest = Math.max(highest, number);
  }
  return { read: to - from, lost: to - from - seen.size, doubled, disordered };
}
