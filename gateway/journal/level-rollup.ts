import type { LevelFlag, LevelStatistics, MinuteRow, NoiseBody } from "../../protocol/noise.ts";
import type { NewRecord } from "../../protocol/record.ts";
import type { Stamp } from "./messages.ts";
import type { StoredJson } from "./stored-record.ts";

const LONGEST_S = 3600;
const MINUTES = 60;
/** UTC minus monotonic time of two records of one clock that was not set between them. */
const SAME_CLOCK_MS = 1000;
const MAX_FLAGS = 120;

type NoiseRecord = Extract<StoredJson, { kind: "noise" }>;

/**
 * Minutes whose levels are given up, as fewer records that carry the statistics of each: of one meter, in order, by one clock,
 * up to an hour together.
 * @param minutes records of one run, by seq
 * @param isCurrent that run is the one being written
 */
export function rollUp(
  run: string,
  minutes: readonly NoiseRecord[],
  isCurrent: boolean,
  stamp: Stamp,
): readonly NewRecord[] {
  const records: NewRecord[] = [];
  const bySource = Map.groupBy(minutes, ({ device, subject, body }) =>
    JSON.stringify([device, subject, body.quantity, body.isBackfill]),
  );
  for (const of of bySource.values()) {
    let group: NoiseRecord[] = [];
    for (const minute of of) {
      if (group.length > 0 && !goesWith(group, minute)) {
        records.push(together(run, group, isCurrent, stamp));
        group = [];
      }
      group.push(minute);
    }
    if (group.length > 0) records.push(together(run, group, isCurrent, stamp));
  }
  return records;
}

/** A clock that was never set means nothing beside another run's: such minutes of an ended run cannot be placed any more. */
export function canRollUp(record: StoredJson | undefined, isCurrent: boolean): record is NoiseRecord {
  return record?.kind === "noise" && (isCurrent || record.timeQuality !== "none");
}

function goesWith(group: readonly NoiseRecord[], minute: NoiseRecord): boolean {
  const [first] = group;
  const last = group.at(-1);
  if (first === undefined || last === undefined || group.length >= MINUTES) return false;
  const { series } = minute.body;
  const endMs = last.body.series.fromMs + last.body.series.seconds * 1000;
  const spanS = (series.fromMs - first.body.series.fromMs) / 1000 + series.seconds;
  const flags = group.reduce((sum, { body }) => sum + body.series.flags.length, series.flags.length);
  if (series.fromMs < endMs || spanS > LONGEST_S || flags > MAX_FLAGS || spanS !== Math.round(spanS)) return false;
  if (last.timeQuality !== minute.timeQuality) return false;
  return Math.abs(minute.atMs - minute.upMs - (last.atMs - last.upMs)) < SAME_CLOCK_MS;
}

function together(run: string, group: readonly NoiseRecord[], isCurrent: boolean, stamp: Stamp): NewRecord {
  const first = group[0];
  const last = group.at(-1);
  if (first === undefined || last === undefined) throw new Error("there is no minute to roll up");
  const { fromMs } = first.body.series;
  const offsetS = (record: NoiseRecord) => (record.body.series.fromMs - fromMs) / 1000;
  const seconds = offsetS(last) + last.body.series.seconds;
  const body: NoiseBody = {
    quantity: first.body.quantity,
    series: {
      fromMs,
      seconds,
      levels: "",
      gaps: [[0, seconds]],
      flags: group.flatMap((record) =>
        record.body.series.flags.map(([offset, count, flag]): [number, number, LevelFlag] => [
          offset + offsetS(record),
          count,
          flag,
        ]),
      ),
    },
    statistics: merged(
      group.map(({ body: { statistics } }) => statistics),
      seconds,
    ),
    ...(first.body.isBackfill === undefined ? {} : { isBackfill: first.body.isBackfill }),
    minutes: group.map((record) => rowOf(offsetS(record), record.body)),
    standsFor: { run, seq: last.seq, upMs: last.upMs, atMs: last.atMs },
  };
  const { device, subject, atMs, timeQuality } = last;
  return {
    // The time of another run's clock means nothing in this one; `standsFor` keeps it.
    upMs: isCurrent ? last.upMs : stamp.upMs,
    atMs,
    timeQuality,
    kind: "noise",
    ...(device === undefined ? {} : { device }),
    ...(subject === undefined ? {} : { subject }),
    body,
  };
}

function rowOf(offsetS: number, { series, statistics: of }: NoiseBody): MinuteRow {
  return [
    offsetS,
    series.seconds,
    of.valid,
    of.laeqDb,
    of.lamaxDb,
    of.laminDb,
    of.l5Db,
    of.l10Db,
    of.l50Db,
    of.l90Db,
    of.l95Db,
    of.sdDb,
  ];
}

/** What can be said of several minutes together: energies add, extremes stand, percentiles are not to be had. */
function merged(parts: readonly LevelStatistics[], n: number): LevelStatistics {
  const heard = parts.flatMap(({ valid, laeqDb, lamaxDb, laminDb }) =>
    laeqDb === null || lamaxDb === null || laminDb === null || valid === 0 ? [] : [{ valid, laeqDb, lamaxDb, laminDb }],
  );
  const none = { l5Db: null, l10Db: null, l50Db: null, l90Db: null, l95Db: null, sdDb: null };
  const valid = heard.reduce((sum, part) => sum + part.valid, 0);
  if (valid === 0) return { n, valid, laeqDb: null, lamaxDb: null, laminDb: null, selDb: null, ...none };
  const energy = heard.reduce((sum, part) => sum + part.valid * 10 ** (0.1 * part.laeqDb), 0);
  const hundredths = (db: number) => Math.round(db * 100) / 100;
  return {
    n,
    valid,
    laeqDb: hundredths(10 * Math.log10(energy / valid)),
    lamaxDb: Math.max(...heard.map(({ lamaxDb }) => lamaxDb)),
    laminDb: Math.min(...heard.map(({ laminDb }) => laminDb)),
    selDb: hundredths(10 * Math.log10(energy)),
    ...none,
  };
}
