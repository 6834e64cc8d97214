import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { Command } from "commander";
import { type DayNightLevels, DEFAULT_DAY_NIGHT, dayNightLevels } from "../gateway/pipeline/acoustics/day-night.ts";
import { findingLevels, validPct } from "../gateway/pipeline/acoustics/finding-levels.ts";
import { type LevelSample, levelStatistics } from "../gateway/pipeline/level-statistics.ts";
import { LevelFlag } from "../protocol/noise.ts";
import { EXIT } from "./subcommand.ts";

const FLAGS: readonly LevelFlag[] = LevelFlag.anyOf.map((literal) => literal.const);
/** No sound level that any meter measures lies outside. */
const PLAUSIBLE_DB = { from: -20, to: 200 };

/** `shao levels`: statistics of 1-s levels from numbers, a table with separators, or the output of `shao decode`. */
export function command(): Command {
  return new Command()
    .argument("[file]", "one level a line, CSV, or JSON lines of `shao decode`; - reads stdin", "-")
    .option("--column <name>", "column of a CSV: its name in the first line, or its number from 1")
    .option("--ldn <HH:MM>", "add Ld, Ln and Ldn (06–22 h, 22–06 h): local time of the first second")
    .option("--min-hour-valid-pct <n>", "an hour counts from this part on", String(DEFAULT_DAY_NIGHT.minHourValidPct))
    .option("--min-day-hours <n>", "Ld needs so many hours", String(DEFAULT_DAY_NIGHT.minDayHours))
    .option("--min-night-hours <n>", "Ln needs so many hours", String(DEFAULT_DAY_NIGHT.minNightHours))
    .addHelpText(
      "after",
      "\nA line without a number is a second without a valid level. Without any valid level all values are null and the\n" +
        "exit code is 1.\nExample: printf '80\\n80.3\\n80.6\\n' | shao levels\n" +
        "With --ldn, levels flagged weather, calibration or maintenance are left out of the added values, and only there.",
    )
    .action(async (file: string, options: LevelsOptions) => {
      const input = file === "-" ? process.stdin : createReadStream(file);
      try {
        const samples = await readSamples(
          createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY }),
          options.column,
        );
        const statistics = levelStatistics(samples);
        const day = options.ldn === undefined ? {} : dayOf(samples, options.ldn, options);
        process.stdout.write(`${JSON.stringify({ ...statistics, ...day })}\n`);
        const without = statistics.n - statistics.valid;
        if (without > 0) process.stderr.write(`${without} of ${statistics.n} lines have no valid level\n`);
        process.exitCode = statistics.valid > 0 ? EXIT.good : EXIT.fault;
      } catch (error) {
        const said = error instanceof Error ? error.message : String(error);
        process.stderr.write(`shao levels: ${said}\n`);
        process.exitCode = error instanceof UsageError ? EXIT.usage : EXIT.fault;
      }
    });
}

interface LevelsOptions {
  readonly column?: string;
  readonly ldn?: string;
  readonly minHourValidPct: string;
  readonly minDayHours: string;
  readonly minNightHours: string;
}

class UsageError extends Error {}

const HOUR_S = 3600;
const DAY_S = 24 * HOUR_S;

/** @param start local time of day of the first sample, HH:MM */
function dayOf(
  samples: readonly LevelSample[],
  start: string,
  options: LevelsOptions,
): DayNightLevels & { readonly validPct: number } {
  const [, hour, minute] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(start) ?? [];
  if (hour === undefined) throw new UsageError(`--ldn ${JSON.stringify(start)} is no time of day such as 22:00`);
  const startS = Number(hour) * HOUR_S + Number(minute) * 60;
  const hours = Map.groupBy(
    samples.map((sample, index) => ({ sample, atS: startS + index })),
    ({ atS }) => Math.floor(atS / HOUR_S),
  );
  const settings = {
    minHourValidPct: numberOf(options.minHourValidPct, 100),
    minDayHours: numberOf(options.minDayHours, 16),
    minNightHours: numberOf(options.minNightHours, 8),
  };
  const levels = dayNightLevels(
    [...hours].map(([index, some]) => ({
      isNight: isNightHour(((index * HOUR_S) % DAY_S) / HOUR_S),
      levels: findingLevels(some.map(({ sample }) => sample)),
    })),
    settings,
  );
  const { levelsDb, n } = findingLevels(samples);
  return { ...levels, validPct: validPct(levelsDb.length, n) };
}

const isNightHour = (hour: number): boolean => hour < 6 || hour >= 22;

function numberOf(text: string, most: number): number {
  const value = isNumber(text) ? Number(text) : Number.NaN;
  if (value >= 0 && value <= most) return value;
  throw new UsageError(`${JSON.stringify(text)} is no number from 0 to ${most}`);
}

const NOTHING: LevelSample = { levelDb: null, flags: ["no-data"] };

/** A blank line between others is a second without a level; blank lines at the end are nothing. */
async function readSamples(lines: AsyncIterable<string>, column: string | undefined): Promise<LevelSample[]> {
  const samples: LevelSample[] = [];
  let blank = 0;
  let index: number | undefined;
  let isFirst = true;
  for await (const raw of lines) {
    const line = isFirst ? raw.replace(/^\uFEFF/, "") : raw;
    if (line.trim() === "") {
      if (!isFirst) blank++;
      continue;
    }
    const cells = line.trimStart().startsWith("{") ? undefined : cellsOf(line);
    if (isFirst && cells !== undefined) {
      isFirst = false;
      const header = columnIndex(cells, column);
      index = header.index;
      if (header.isHeader) continue;
    }
    isFirst = false;
    for (; blank > 0; blank--) samples.push(NOTHING);
    samples.push(cells === undefined ? sampleOfJson(line) : sampleOf(cells[index ?? 0]));
  }
  return samples;
}

function cellsOf(line: string): string[] {
  return line.split(/[,;\t]/).map((cell) => cell.trim().replace(/^"(.*)"$/, "$1"));
}

function columnIndex(first: readonly string[], column: string | undefined): { index: number; isHeader: boolean } {
  const isHeader = first.every((cell) => cell === "" || !isNumber(cell)) && first.some((cell) => /\p{L}/u.test(cell));
  if (column === undefined) {
    if (isHeader && first.length > 1) {
      throw new UsageError(`the file has the columns ${first.join(", ")}; say which with --column`);
    }
    if (first.length > 1) throw new UsageError(`a line has ${first.length} columns; say which with --column, from 1`);
    return { index: 0, isHeader };
  }
  const named = first.indexOf(column);
  if (named >= 0) return { index: named, isHeader: true };
  const number = /^[1-9]\d{0,3}$/.test(column) ? Number(column) : Number.NaN;
  if (number <= first.length) return { index: number - 1, isHeader };
  throw new UsageError(`no column ${JSON.stringify(column)}; the first line has ${first.join(", ")}`);
}

function isNumber(text: string): boolean {
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text);
}

function sampleOf(cell: string | undefined): LevelSample {
  if (cell === undefined || !isNumber(cell)) return NOTHING;
  return plausible(Number(cell), []);
}

function plausible(levelDb: number, flags: readonly LevelFlag[]): LevelSample {
  const isSane = levelDb >= PLAUSIBLE_DB.from && levelDb <= PLAUSIBLE_DB.to;
  return { levelDb, flags: isSane ? flags : [...flags, "out-of-range"] };
}

/** A line of `shao decode`: `{"reading":{"kind":"noise","levelDb":…,"flags":[…]}}`. */
function sampleOfJson(line: string): LevelSample {
  try {
    const parsed: unknown = JSON.parse(line);
    const reading = (parsed as { readonly reading?: unknown } | null)?.reading ?? parsed;
    const { levelDb, flags } = reading as { readonly levelDb?: unknown; readonly flags?: unknown };
    const known = Array.isArray(flags) ? FLAGS.filter((flag) => flags.includes(flag)) : [];
    return typeof levelDb === "number" ? plausible(levelDb, known) : NOTHING;
  } catch {
    return NOTHING;
  }
}
