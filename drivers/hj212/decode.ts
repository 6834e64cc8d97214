import type { LevelFlag, LevelStatistics, NoiseQuantity } from "../../protocol/noise.ts";
import { INVALIDATING_FLAGS } from "../../protocol/noise.ts";
import type { MeasurementReading, NoisePeriodReading, NoiseReading } from "../driver.ts";
import { DriverError } from "../errors.ts";
import type { Deviation } from "./deviations.ts";
import { type Factor, factorOf, meaningOfFlag } from "./factors.ts";
import { localTimeMs } from "./local-time.ts";
import type { Message } from "./segment.ts";

export const COMMAND = { realTime: 2011, minute: 2051, hour: 2061, day: 2031 } as const;
const HOUR_S = 3600;

export interface DecodeSettings {
  /** Time between two real-time reports; with 1 s a level is one of the node's own series. */
  readonly levelPeriodS: number;
  readonly levelQuantity: NoiseQuantity;
  /** Length of the period of a 2051 report. */
  readonly minutePeriodS: number;
  readonly dustUnit: string;
}

export type StationReading = NoiseReading | NoisePeriodReading | MeasurementReading;

export interface Report {
  readonly readings: readonly StationReading[];
  /** Values that could not be read; the others are there. */
  readonly faults: readonly DriverError[];
  readonly deviations: readonly Deviation[];
}

export interface Arrival {
  /** UTC of the node. */
  readonly nowMs: number;
  /** The report is of now: its values were measured as it came. Else they stand at the station's own time. */
  readonly isLive: boolean;
  /** How far the station's clock is ahead, in seconds, where that is too far. */
  readonly clockOffsetS?: number;
}

/** Length of the period that a command reports; 0: an instant; undefined: it is no report of values. */
export function periodOf(
  command: number,
  { minutePeriodS }: Pick<DecodeSettings, "minutePeriodS">,
): number | undefined {
  switch (command) {
    case COMMAND.realTime:
      return 0;
    case COMMAND.minute:
      return minutePeriodS;
    case COMMAND.hour:
      return HOUR_S;
    case COMMAND.day:
      return 24 * HOUR_S;
    default:
      return undefined;
  }
}

/** @returns UTC of `DataTime`: the moment of a real-time report, the start of a period. @throws DriverError HJ212_TIME */
export function dataTimeMs(message: Message): number {
  const [text = "", ...others] = message.fields.filter(({ name }) => name === "DataTime").map(({ value }) => value);
  const atMs = localTimeMs(text);
  const other = others.find((value) => localTimeMs(value) !== atMs);
  // Packets of two messages that were taken for one: nobody can say which value is of when.
  if (atMs !== undefined && other !== undefined) throw twoTimes(text, other);
  if (atMs !== undefined) return atMs;
  throw new DriverError("HJ212_TIME", text === "" ? "there is no DataTime" : `DataTime is "${text.slice(0, 40)}"`, {
    retry: "backoff",
    hint: "Without the time of its values a report is not used. Set the station's clock and data format.",
  });
}

/**
 * Values of a report of real-time, minute, hour or day data.
 * @throws DriverError HJ212_TIME
 * @source HJ 212-2017, appendix C: commands 2011, 2051, 2061, 2031; DataTime of a period is its start, in GMT+8
 */
export function decodeReport(message: Message, settings: DecodeSettings, arrival: Arrival): Report {
  return new ReportDecoder(message, settings, arrival).decode();
}

interface Group {
  readonly code: string;
  readonly flag: string | undefined;
  readonly values: Map<string, string>;
}

/** Attributes that hold a value, and what they add to the name of the quantity. */
const ATTRIBUTES: Readonly<Record<string, string>> = {
  Rtd: "",
  Avg: "",
  Data: "",
  Min: ".min",
  Max: ".max",
  Cou: ".total",
  DayData: ".day",
  NightData: ".night",
  ZsRtd: ".converted",
  ZsAvg: ".converted",
  ZsMin: ".converted-min",
  ZsMax: ".converted-max",
};

const STATISTICS = {
  Leq: "laeqDb",
  LMx: "lamaxDb",
  LMn: "laminDb",
  L5: "l5Db",
  L10: "l10Db",
  L50: "l50Db",
  L90: "l90Db",
  L95: "l95Db",
  SD: "sdDb",
} as const;

class ReportDecoder {
  readonly #message: Message;
  readonly #settings: DecodeSettings;
  readonly #arrival: Arrival;
  readonly #dataMs: number;
  readonly #periodMs: number;
  readonly #readings: StationReading[] = [];
  readonly #faults: DriverError[] = [];
  readonly #deviations = new Set<Deviation>();

  constructor(message: Message, settings: DecodeSettings, arrival: Arrival) {
    this.#message = message;
    this.#settings = settings;
    this.#arrival = arrival;
    this.#dataMs = dataTimeMs(message);
    this.#periodMs = (periodOf(message.command, settings) ?? 0) * 1000;
  }

  decode(): Report {
    const groups = this.#groups();
    if (this.#message.command === COMMAND.realTime) this.#level(groups);
    if (this.#message.command === COMMAND.minute) this.#noisePeriod(groups);
    for (const group of groups.values()) this.#measurements(group);
    return { readings: this.#readings, faults: this.#faults, deviations: [...this.#deviations] };
  }

  /** Fields by factor; a factor that contradicts itself is a fault and none of its values is used. */
  #groups(): Map<string, Group> {
    const groups = new Map<string, { code: string; flag: string | undefined; values: Map<string, string> }>();
    const contradictory = new Set<string>();
    for (const { name, value } of this.#message.fields) {
      const at = name.indexOf("-");
      if (at < 1) continue;
      const [code, attribute] = [name.slice(0, at), name.slice(at + 1)];
      const group = groups.get(code) ?? { code, flag: undefined, values: new Map() };
      groups.set(code, group);
      const before = attribute === "Flag" ? group.flag : group.values.get(attribute);
      if (before !== undefined && before !== value) contradictory.add(code);
      if (attribute === "Flag") group.flag = value;
      else if (Object.hasOwn(ATTRIBUTES, attribute)) group.values.set(attribute, value);
    }
    for (const code of contradictory) {
      groups.delete(code);
      this.#faults.push(factorFault(`${code.slice(0, 20)} comes twice with different values`));
    }
    return groups;
  }

  /** The real-time level as one of a series, where the station sends one each second. */
  #level(groups: Map<string, Group>): void {
    const code = ["LA", "La", "NOIS", "B03", "a50001", "Leq"].find((name) => groups.get(name)?.values.has("Rtd"));
    const group = code === undefined ? undefined : groups.get(code);
    if (code === undefined || group === undefined) return;
    if (code !== "LA") this.#deviations.add("noise-alias");
    if (code === "Leq") groups.set("Leq", { ...group, code: "LA" });
    if (this.#settings.levelPeriodS > 1) return;
    const { values, flag } = group;
    groups.delete(code);
    const levelDb = this.#number(code, values.get("Rtd") ?? "");
    if (levelDb === undefined) return;
    this.#readings.push({
      kind: "noise",
      levelDb,
      quantity: this.#settings.levelQuantity,
      flags: levelFlags([levelDb], flag),
      atMs: this.#atMs(),
    });
  }

  /** Statistics of the station's own over a period. */
  #noisePeriod(groups: Map<string, Group>): void {
    const found: Partial<LevelStatistics> = {};
    const flags = new Set<LevelFlag>();
    for (const [code, key] of Object.entries(STATISTICS)) {
      const group = groups.get(code);
      const attribute = ["Data", "Avg"].find((name) => group?.values.has(name));
      if (group === undefined || attribute === undefined) continue;
      const value = this.#number(code, group.values.get(attribute) ?? "");
      group.values.delete(attribute);
      if (value === undefined) continue;
      found[key] = value;
      const range = code === "SD" ? [] : [value];
      for (const flag of levelFlags(range, group.flag)) flags.add(flag);
    }
    if (Object.keys(found).length === 0) return;
    const n = this.#periodMs / 1000;
    const isValid = typeof found.laeqDb === "number" && ![...flags].some((flag) => INVALIDATING_FLAGS.includes(flag));
    this.#readings.push({
      kind: "noise-period",
      fromMs: this.#dataMs,
      toMs: this.#dataMs + this.#periodMs,
      quantity: this.#settings.levelQuantity,
      statistics: { ...NO_STATISTICS, ...found, n, valid: isValid ? n : 0 },
      flags: [...flags],
      isBackfill: this.#message.isBackfill,
      atMs: this.#atMs(),
    });
  }

  #measurements({ code, flag, values }: Group): void {
    const known = factorOf(code, this.#settings.dustUnit);
    if (known?.isAlias === true && values.size > 0) this.#deviations.add("noise-alias");
    const factor: Factor = known?.factor ?? { quantity: code.slice(0, 40), unit: "", range: [-Infinity, Infinity] };
    for (const [attribute, text] of values) {
      const value = this.#number(code, text);
      if (value === undefined) continue;
      const isSum = attribute === "Cou";
      const isOutside = value !== null && !isSum && (value < factor.range[0] || value > factor.range[1]);
      const names = [value === null ? "no-value" : undefined, meaningOfFlag(flag).name];
      if (isOutside) names.push("out-of-range");
      this.#readings.push(this.#measurement(factor, attribute, isSum ? "" : factor.unit, value, names));
    }
  }

  #measurement(
    { quantity }: Factor,
    attribute: string,
    unit: string,
    value: number | null,
    names: readonly (string | undefined)[],
  ): MeasurementReading {
    const { clockOffsetS } = this.#arrival;
    const clock =
      clockOffsetS === undefined ? undefined : `clock${clockOffsetS < 0 ? "-" : "+"}${Math.abs(clockOffsetS)}s`;
    const flag = [...names, clock].filter((name) => name !== undefined).join(" ");
    return {
      kind: "measurement",
      quantity: `${quantity}${ATTRIBUTES[attribute] ?? ""}`,
      unit,
      value,
      fromMs: this.#dataMs,
      ...(this.#periodMs > 0 && { toMs: this.#dataMs + this.#periodMs }),
      ...(flag !== "" && { flag: flag.slice(0, 32) }),
      ...(this.#message.isBackfill && { isBackfill: true }),
      atMs: this.#atMs(),
    };
  }

  /** A number as it was sent; null where the station has none; undefined and a fault for what is no number. */
  #number(code: string, text: string): number | null | undefined {
    if (text === "" || /^-+$/.test(text)) return null;
    if (/^[+-]?\d{1,12}(\.\d{1,9})?$/.test(text)) return Number(text);
    this.#faults.push(factorFault(`${code.slice(0, 20)} is "${text.slice(0, 20)}", no number`));
    return undefined;
  }

  #atMs(): number {
    const { nowMs, isLive } = this.#arrival;
    return isLive && this.#periodMs === 0 ? nowMs : Math.max(0, Math.min(this.#dataMs + this.#periodMs, nowMs));
  }
}

const NO_STATISTICS = {
  laeqDb: null,
  lamaxDb: null,
  laminDb: null,
  l5Db: null,
  l10Db: null,
  l50Db: null,
  l90Db: null,
  l95Db: null,
  sdDb: null,
  selDb: null,
};

function levelFlags(levelsDb: readonly (number | null)[], letter: string | undefined): LevelFlag[] {
  const flags: LevelFlag[] = [];
  const { level } = meaningOfFlag(letter);
  if (level !== undefined) flags.push(level);
  const range = factorOf("LA", "")?.factor.range ?? [0, 0];
  if (levelsDb.some((db) => db === null) && !flags.includes("no-data")) flags.push("no-data");
  if (levelsDb.some((db) => db !== null && (db < range[0] || db > range[1]))) flags.push("out-of-range");
  return flags;
}

function twoTimes(text: string, other: string): DriverError {
  return new DriverError("HJ212_TIME", `DataTime is "${text}" and "${other.slice(0, 40)}" in one message`, {
    retry: "backoff",
    hint: "Nothing of it is used. Packets were lost, or the station gives those of two messages one number (QN).",
  });
}

function factorFault(seen: string): DriverError {
  return new DriverError("HJ212_FACTOR", seen, {
    retry: "backoff",
    hint: "The other values of the report are used. Show the frame to the station's maker.",
  });
}
