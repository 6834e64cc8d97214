/** A span of time whose levels the bridge holds. */
export interface LevelSpan {
  readonly fromMs: number;
  readonly toMs: number;
  /** LAeq below the clear level, with enough valid seconds. Absent data is no span and never quiet. */
  readonly isQuiet: boolean;
}

/** What is known of one source of a noise case. */
export interface Source {
  readonly name: string;
  /** Some alarm of it still stands. */
  readonly isLoud: boolean;
  /** Its node is connected, and calls the device online. */
  readonly isOnline: boolean;
  /** It answers, and its level is stuck, implausible or covered. */
  readonly hasLevelFault: boolean;
  /** Its alarms name the level that counts as quiet. */
  readonly hasClearLevel: boolean;
  /** Quiet from before this proves nothing: its alarms had not begun to clear. */
  readonly sinceMs: number;
  readonly spans: readonly LevelSpan[];
}

export interface QuietNeeded {
  readonly quietMs: number;
  readonly freshMs: number;
  readonly nowMs: number;
}

export interface QuietProof {
  readonly quietMs: number;
  readonly newestMs: number;
}

/** Seconds of one minute and the next may lie this far apart. */
export const SEAM_MS = 2_000;

/**
 * How long it has been quiet without a hole, up to the newest level known: the union of the quiet spans must reach that
 * far, or nothing is quiet. Quiet counts from `sinceMs`, and a level from after `nowMs` is no level of now. Undefined when
 * there is no level at all.
 */
export function quietUpToNewest(
  { sinceMs, spans }: Pick<Source, "sinceMs" | "spans">,
  nowMs: number,
): QuietProof | undefined {
  const known = spans.filter(({ toMs }) => toMs <= nowMs + SEAM_MS);
  const newestMs = Math.max(...known.map(({ toMs }) => toMs));
  if (!Number.isFinite(newestMs)) return undefined;
  let fromMs = newestMs;
  const quiet = known
    .filter(({ isQuiet, toMs }) => isQuiet && toMs > sinceMs)
    .map((span) => ({ ...span, fromMs: Math.max(span.fromMs, sinceMs) }))
    .sort((a, b) => b.toMs - a.toMs);
  if ((quiet[0]?.toMs ?? 0) < newestMs) return { quietMs: 0, newestMs };
  for (const span of quiet) {
    if (span.toMs < fromMs - SEAM_MS) break;
    fromMs = Math.min(fromMs, span.fromMs);
  }
  return { quietMs: newestMs - fromMs, newestMs };
}

/** What proof of quiet this source still owes; empty when it is proven. */
export function waitingForSource(source: Source, { quietMs, freshMs, nowMs }: QuietNeeded): readonly string[] {
  const { name } = source;
  if (!source.hasClearLevel) return [`${name}: its alarm names no clear level, a person must close the case`];
  const waiting = [...troubleOf(source)];
  const proof = quietUpToNewest(source, nowMs);
  if (proof === undefined) return [...waiting, `${name}: no levels yet`];
  const ageMs = nowMs - proof.newestMs;
  if (ageMs > freshMs) return [...waiting, `${name}: newest level is ${Math.round(ageMs / 1000)} s old`];
  if (proof.quietMs < quietMs) waiting.push(`${name}: quiet ${progressOf(proof.quietMs, quietMs)}`);
  return waiting;
}

/** Why nothing that this source says now can prove quiet. */
export function troubleOf(source: Pick<Source, "name" | "isLoud" | "isOnline" | "hasLevelFault">): readonly string[] {
  const { name } = source;
  return [
    ...(source.isLoud ? [`${name}: the alarm still stands`] : []),
    ...(source.isOnline ? [] : [`${name}: offline, nothing proves quiet`]),
    ...(source.hasLevelFault ? [`${name}: its level is not to be believed, nothing proves quiet`] : []),
  ];
}

function progressOf(doneMs: number, neededMs: number): string {
  const [unitMs, unit] = neededMs >= 120_000 ? [60_000, "min"] : [1000, "s"];
  return `${Math.floor(doneMs / unitMs)} of ${Math.ceil(neededMs / unitMs)} ${unit}`;
}
