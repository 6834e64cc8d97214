/** Numbers of a scene out of a generator from 0 to 1: the same seed gives the same scene on any machine. */
export function between(random: () => number, low: number, high: number): number {
  return low + (high - low) * random();
}

export function pick<T>(random: () => number, from: readonly [T, ...T[]]): T {
  return from[Math.min(from.length - 1, Math.floor(random() * from.length))] ?? from[0];
}
