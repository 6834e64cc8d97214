import { Compile } from "typebox/compile";
import { ProtocolError } from "./errors.ts";
import { LevelFlag, LevelSeries } from "./noise.ts";

/** One second: its level in dB, null where the device gave none, and the flags that it bears. */
export interface LevelSecond {
  readonly levelDb: number | null;
  readonly flags: readonly LevelFlag[];
}

const checkedSeries = Compile(LevelSeries);
const FLAGS: readonly LevelFlag[] = LevelFlag.anyOf.map((literal) => literal.const);

/**
 * Packs seconds that follow one another. Levels are rounded to 0.1 dB.
 * @throws ProtocolError SERIES_RANGE when there is no second, more than an hour of them, or a level outside ±1000 dB
 */
export function encodeLevels(fromMs: number, seconds: readonly LevelSecond[]): LevelSeries {
  const outside = seconds.some(({ levelDb }) => levelDb !== null && !(Math.abs(levelDb) <= 1000));
  if (seconds.length < 1 || seconds.length > 3600 || outside) {
    throw new ProtocolError(
      "SERIES_RANGE",
      `${seconds.length} seconds cannot be packed`,
      "Pack 1 to 3600 seconds, each with a level within ±1000 dB or null.",
    );
  }
  const packed: number[] = [];
  let before = 0;
  for (const { levelDb } of seconds) {
    if (levelDb === null) continue;
    const tenths = Math.round(levelDb * 10);
    pushVarint(packed, zigzag(tenths - before));
    before = tenths;
  }
  return {
    fromMs,
    seconds: seconds.length,
    levels: Buffer.from(packed).toString("base64"),
    gaps: spansWhere(seconds, ({ levelDb }) => levelDb === null),
    flags: FLAGS.flatMap((flag) =>
      spansWhere(seconds, ({ flags }) => flags.includes(flag)).map(([offset, count]): [number, number, LevelFlag] => [
        offset,
        count,
        flag,
      ]),
    ),
  };
}

/** @returns one entry a second, or undefined when the series contradicts itself */
export function decodeLevels(series: unknown): readonly LevelSecond[] | undefined {
  if (!checkedSeries.Check(series)) return undefined;
  const seconds = Array.from({ length: series.seconds }, () => ({ present: true, flags: new Set<LevelFlag>() }));
  for (const [offset, count, flag] of [...series.gaps, ...series.flags]) {
    if (offset + count > series.seconds) return undefined;
    for (const second of seconds.slice(offset, offset + count)) {
      if (flag === undefined) second.present = false;
      else second.flags.add(flag);
    }
  }
  const levels = readDeltas(Buffer.from(series.levels, "base64"));
  if (levels === undefined || levels.length !== seconds.filter(({ present }) => present).length) return undefined;
  let at = 0;
  return seconds.map(({ present, flags }) => {
    const tenths = present ? levels[at++] : undefined;
    return { levelDb: tenths === undefined ? null : tenths / 10, flags: [...flags] };
  });
}

function spansWhere(seconds: readonly LevelSecond[], is: (second: LevelSecond) => boolean): [number, number][] {
  const spans: [number, number][] = [];
  seconds.forEach((second, offset) => {
    if (!is(second)) return;
    const last = spans.at(-1);
    if (last !== undefined && last[0] + last[1] === offset) last[1] += 1;
    else spans.push([offset, 1]);
  });
  return spans;
}

function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1;
}

function pushVarint(into: number[], value: number): void {
  let left = value;
  while (left >= 0x80) {
    into.push((left & 0x7f) | 0x80);
    left >>>= 7;
  }
  into.push(left);
}

/** @returns levels in 0.1 dB, or undefined on a varint that is cut off, too long, or leads outside ±1000 dB */
function readDeltas(bytes: Uint8Array): readonly number[] | undefined {
  const levels: number[] = [];
  let level = 0;
  let value = 0;
  let shift = 0;
  for (const byte of bytes) {
    value |= (byte & 0x7f) << shift;
    if (byte >= 0x80) {
      shift += 7;
      if (shift > 21) return undefined;
      continue;
    }
    level += value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    if (Math.abs(level) > 10_000) return undefined;
    levels.push(level);
    value = 0;
    shift = 0;
  }
  return shift === 0 ? levels : undefined;
}
