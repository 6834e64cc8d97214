/** A span of UTC: from inclusive, to exclusive, ms. */
export interface Period {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The same length just before; `count` times back. */
export function periodBefore({ fromMs, toMs }: Period, count = 1): Period {
  const lengthMs = (toMs - fromMs) * count;
  return { fromMs: fromMs - lengthMs, toMs: toMs - lengthMs };
}

export function isWithin(atMs: number, { fromMs, toMs }: Period): boolean {
  return atMs >= fromMs && atMs < toMs;
}
