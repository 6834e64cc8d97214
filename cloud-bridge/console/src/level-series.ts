import type { LevelFlag, LevelSeries } from "../../../protocol/noise.ts";

/** A level with one of these is no level: it is drawn as a gap, never as a value. */
const INVALID: ReadonlySet<string> = new Set<LevelFlag>([
  "no-data",
  "out-of-range",
  "overload",
  "under-range",
  "fault",
]);

export const isInvalid = (flags: readonly string[]): boolean => flags.some((flag) => INVALID.has(flag));

/**
 * One level a second in dB for drawing; `null` where there is none or it is not valid. Decoded here because the console
 * takes types alone from protocol/; a test holds it against the encoder there.
 */
export function decodeLevels(series: LevelSeries): (number | null)[] {
  const bytes = atob(series.levels);
  const isGap = secondsOf(series.gaps);
  const isBad = secondsOf(series.flags.filter(([, , flag]) => INVALID.has(flag)));
  const levels: (number | null)[] = [];
  let at = 0;
  let tenths = 0;
  for (let second = 0; second < series.seconds; second += 1) {
    if (isGap.has(second) || at >= bytes.length) {
      levels.push(null);
      continue;
    }
    let zigzag = 0;
    let scale = 1;
    for (let more = true; more && at < bytes.length; at += 1) {
      const byte = bytes.charCodeAt(at);
      zigzag += (byte & 0x7f) * scale;
      scale *= 128;
      more = byte >= 0x80;
    }
    tenths += zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
    levels.push(isBad.has(second) ? null : tenths / 10);
  }
  return levels;
}

function secondsOf(spans: readonly (readonly [number, number, ...unknown[]])[]): Set<number> {
  const seconds = new Set<number>();
  for (const [from, count] of spans) for (let i = from; i < from + count; i += 1) seconds.add(i);
  return seconds;
}
