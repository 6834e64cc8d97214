import type { MeasurementReading } from "../../../drivers/driver.ts";
import { unitOf } from "../../../protocol/quantities.ts";
import { RULE_SETS, type RuleSet } from "../../contracts/rule-set.ts";
import type { SampleWeather } from "../level-statistics.ts";
import type { ExceedanceSettings, PipelineSettings, WeatherSettings } from "../settings.ts";
import type { Now } from "../steady-time.ts";
import { type Stream, streamKey } from "../stream.ts";

export const DEFAULT_WEATHER: WeatherSettings = { holdS: 120, rain: "auto" };
/** Instruments that are remembered; of more, the one that was heard longest ago is forgotten. */
const MAX_SOURCES = 10_000;
/** The mean of an hour is not the weather of now. */
const LONGEST_PERIOD_MS = 600_000;

/** What one instrument last said, each with the moment that it is true of, on the monotonic clock. */
interface Heard {
  wind?: { readonly mps: number; readonly upMs: number };
  rainGauge?: { readonly mm: number; readonly upMs: number };
  /** When it last showed rain, by each way to read a gauge. */
  readonly rainedUpMs: { [K in WeatherSettings["rain"]]?: number };
}

/** Weather at one second of a meter, and whether it keeps the second out of a finding. */
export interface WeatherNow {
  readonly sample: SampleWeather;
  readonly isTooBad: boolean;
}

/**
 * The weather beside each meter, from `windSpeed` and `rain` of its own device or of the one that its config names. Without
 * a fresh reading nothing is known, and nothing is flagged.
 */
export class WeatherWatch {
  readonly #heard = new Map<string, Heard>();
  readonly #settings: ReadonlyMap<string, WeatherSettings>;
  readonly #maxWindMps: ReadonlyMap<string, number>;

  constructor({ devices = [], rules }: Pick<PipelineSettings, "devices" | "rules">) {
    this.#settings = new Map(devices.flatMap(({ id, weather }) => (weather === undefined ? [] : [[id, weather]])));
    const used = rules.flatMap((rule) => (rule.kind === "exceedance" ? [rule] : []));
    this.#maxWindMps = new Map(
      used.map(({ device }) => {
        const editions = used.flatMap((rule) => (rule.device === device ? editionsOf(rule) : []));
        return [device, strictest(editions)];
      }),
    );
  }

  /** Takes what an instrument measured; other quantities, other units, flagged and empty values are nobody's weather. */
  take(source: Stream, reading: MeasurementReading, now: Now): void {
    const { quantity, value, unit, flag, fromMs, toMs } = reading;
    if (quantity !== "windSpeed" && quantity !== "rain") return;
    if (value === null || !(value >= 0) || isDoubtful(flag) || unit !== unitOf(quantity)) return;
    const isOfPeriod = fromMs !== undefined && toMs !== undefined;
    if (isOfPeriod && toMs - fromMs > LONGEST_PERIOD_MS) return;
    const heard = this.#of(source);
    const upMs = now.upMs - Math.max(0, now.atMs - reading.atMs);
    if (quantity === "windSpeed") {
      if (heard.wind === undefined || upMs >= heard.wind.upMs) heard.wind = { mps: value, upMs };
      return;
    }
    const before = heard.rainGauge;
    if (before !== undefined && upMs < before.upMs) return;
    heard.rainGauge = { mm: value, upMs };
    // A counter that fell began anew.
    const hasRisen = before !== undefined && value !== before.mm && value > 0;
    if (value > 0) heard.rainedUpMs.amount = upMs;
    if (hasRisen) heard.rainedUpMs.total = upMs;
    if (isOfPeriod ? value > 0 : hasRisen) heard.rainedUpMs.auto = upMs;
  }

  /** @returns undefined where nothing fresh is known of the meter's weather */
  at(meter: Stream, upMs: number): WeatherNow | undefined {
    const { device, station, holdS, maxWindMps, rain } = this.#settings.get(meter.device) ?? DEFAULT_WEATHER;
    const source = sourceOf(meter, device, station);
    const heard = this.#heard.get(streamKey(source));
    if (heard === undefined) return undefined;
    const isFresh = (sinceUpMs: number | undefined): boolean =>
      sinceUpMs !== undefined && upMs - sinceUpMs <= holdS * 1000;
    const windMps = isFresh(heard.wind?.upMs) ? heard.wind?.mps : undefined;
    const hasRained = isFresh(heard.rainedUpMs[rain]);
    const isRaining = hasRained || isFresh(heard.rainGauge?.upMs) ? hasRained : undefined;
    if (windMps === undefined && isRaining === undefined) return undefined;
    const limitMps = maxWindMps ?? this.#maxWindMps.get(meter.device) ?? strictest(RULE_SETS);
    const sample = { ...(windMps === undefined ? {} : { windMps }), ...(isRaining === undefined ? {} : { isRaining }) };
    return { sample, isTooBad: isRaining === true || (windMps !== undefined && windMps > limitMps) };
  }

  #of(source: Stream): Heard {
    const key = streamKey(source);
    const heard = this.#heard.get(key) ?? { rainedUpMs: {} };
    this.#heard.delete(key);
    this.#heard.set(key, heard);
    const [longestUnheard] = this.#heard.size > MAX_SOURCES ? this.#heard.keys() : [];
    if (longestUnheard !== undefined) this.#heard.delete(longestUnheard);
    return heard;
  }
}

/** A station whose clock is off has its values marked, and they are as good as any. */
function isDoubtful(flag: string | undefined): boolean {
  return flag !== undefined && !/^clock[+-]\d+s$/.test(flag);
}

/** A meter behind a listener has its own station's weather. */
function sourceOf(meter: Stream, device: string | undefined, station: string | undefined): Stream {
  if (device === undefined && station === undefined) return meter;
  const named = { device: device ?? meter.device };
  return station === undefined ? named : { ...named, subject: { type: "station", id: station } };
}

function editionsOf({ ruleSet, standard }: ExceedanceSettings): readonly RuleSet[] {
  return RULE_SETS.filter((set) => (ruleSet === undefined ? set.standard === standard : set.id === ruleSet));
}

function strictest(editions: readonly RuleSet[]): number {
  const known = editions.length === 0 ? RULE_SETS : editions;
  return known.reduce((least, { maxWindMps }) => Math.min(least, maxWindMps), Number.POSITIVE_INFINITY);
}
