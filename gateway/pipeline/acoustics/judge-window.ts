import type { Finding, FindingReason, MeterFacts } from "../../../protocol/finding.ts";
import type { NoiseQuantity } from "../../../protocol/noise.ts";
import type { RuleSet } from "../../contracts/rule-set.ts";
import { hundredths, type LevelSample, laeqDb } from "../level-statistics.ts";
import { withoutBackground } from "./background.ts";
import { checkCalibration } from "./calibration.ts";
import { findingLevels, validPct } from "./finding-levels.ts";

/** What is held against what. */
export interface Measurement {
  readonly window: readonly (LevelSample | undefined)[];
  /** UTC of the window's first second. */
  readonly fromMs: number;
  readonly quantity: NoiseQuantity;
  readonly isNight: boolean;
  readonly isClockTrusted: boolean;
  /** The level was stuck, implausible or covered in it. */
  readonly hasLevelFault: boolean;
}

export interface Yardstick {
  readonly ruleSet: RuleSet;
  readonly zone: string;
  readonly isIndoor: boolean;
  readonly minValidPct: number;
  readonly background?: { readonly levelDb: number; readonly measuredOn?: string };
  readonly meter?: MeterFacts;
}

/**
 * `unknown`: too few valid seconds, a background too near to tell, or a meter that cannot be relied on. It neither raises nor
 * clears.
 */
export interface WindowVerdict {
  readonly result: "within" | "exceeds" | "unknown";
  /** Where there were enough valid seconds. */
  readonly finding?: Finding;
}

/** Limits in force for a window, dB(A). */
export interface LimitsInForce {
  readonly limitDb: number;
  readonly lamaxLimitDb?: number;
}

export function limitsInForce(
  { ruleSet, zone, isIndoor }: Pick<Yardstick, "ruleSet" | "zone" | "isIndoor">,
  isNight: boolean,
): LimitsInForce {
  const zoneLimits = ruleSet.zones[zone];
  if (zoneLimits === undefined) throw new RangeError(`${ruleSet.id} has no zone ${zone}`);
  const outdoorsDb = isNight ? zoneLimits.nightDb : zoneLimits.dayDb;
  const limitDb = outdoorsDb + (isIndoor ? (ruleSet.indoorOffsetDb ?? 0) : 0);
  const { nightMaxAllowanceDb } = ruleSet;
  return isNight && nightMaxAllowanceDb !== undefined
    ? { limitDb, lamaxLimitDb: limitDb + nightMaxAllowanceDb }
    : { limitDb };
}

/** After rounding: with 0.1 dB, 70.0 is within 70 and 70.1 is not. */
export function isOver(levelDb: number, limitDb: number, roundToDb: number): boolean {
  return Math.round(levelDb / roundToDb) > limitDb / roundToDb + 1e-6;
}

/** Holds one window against the limits of a rule-set. */
export function judgeWindow(measured: Measurement, yardstick: Yardstick): WindowVerdict {
  const { ruleSet, background, meter } = yardstick;
  const levels = findingLevels(measured.window);
  const { n, levelsDb, excluded, invalid, absent } = levels;
  const meanDb = laeqDb(levelsDb);
  const pct = validPct(levelsDb.length, n);
  if (meanDb === undefined || pct < yardstick.minValidPct) return { result: "unknown" };
  const { roundToDb } = ruleSet;
  const limits = limitsInForce(yardstick, measured.isNight);
  const lamaxDb = levelsDb.reduce((highest, level) => Math.max(highest, level));
  const verdict =
    background === undefined || ruleSet.background === undefined
      ? undefined
      : withoutBackground(meanDb, background.levelDb, ruleSet.background);
  const correctedDb = verdict?.correctionDb == null ? undefined : verdict.correctedDb;
  const isRawOver = isOver(meanDb, limits.limitDb, roundToDb);
  const isUntold = isRawOver && verdict?.correctionDb === null;
  const isLaeqOver = isRawOver && !isUntold && isOver(correctedDb ?? meanDb, limits.limitDb, roundToDb);
  const isLamaxOver = limits.lamaxLimitDb !== undefined && isOver(lamaxDb, limits.lamaxLimitDb, roundToDb);
  const calibration = checkCalibration(meter?.calibration ?? {}, ruleSet.maxCalibrationDriftDb);
  const reasons: FindingReason[] = [];
  if (!calibration.isValid) reasons.push("calibration-drift");
  if (meter?.class !== undefined && meter.class > ruleSet.minInstrumentClass) reasons.push("meter-class");
  if (!measured.isClockTrusted) reasons.push("clock-untrusted");
  if (measured.hasLevelFault) reasons.push("level-fault");
  const isReliable = calibration.isValid && !measured.hasLevelFault;
  const finding: Finding = {
    ruleSet: ruleSet.id,
    zone: yardstick.zone,
    ...(yardstick.isIndoor ? { isIndoor: true } : {}),
    period: measured.isNight ? "night" : "day",
    fromMs: measured.fromMs,
    toMs: measured.fromMs + n * 1000,
    quantity: measured.quantity,
    n,
    valid: levelsDb.length,
    validPct: hundredths(pct),
    excluded: { ...excluded, invalid, absent },
    laeqDb: hundredths(meanDb),
    estimated: measured.quantity !== "LAeq1s",
    lamaxDb: hundredths(lamaxDb),
    ...(background === undefined || verdict === undefined
      ? {}
      : { background: { ...background, correctionDb: verdict.correctionDb } }),
    ...(correctedDb === undefined ? {} : { correctedDb: hundredths(correctedDb) }),
    ...limits,
    roundToDb,
    exceeds: [...(isLaeqOver ? (["laeq"] as const) : []), ...(isLamaxOver ? (["lamax"] as const) : [])],
    isValid: reasons.length === 0,
    reasons,
    ...(meter === undefined ? {} : { meter }),
    ...(calibration.driftDb === undefined ? {} : { driftDb: calibration.driftDb }),
    ...weatherOf(measured.window),
    mainSource: null,
    measuredBy: "machine",
  };
  if (isLaeqOver || isLamaxOver) return { result: "exceeds", finding };
  return { result: isUntold || !isReliable ? "unknown" : "within", finding };
}

function weatherOf(window: Measurement["window"]): Pick<Finding, "weather"> {
  const said = window.flatMap((second) => (second?.weather === undefined ? [] : [second.weather]));
  const windsMps = said.flatMap(({ windMps }) => windMps ?? []);
  const rains = said.flatMap(({ isRaining }) => isRaining ?? []);
  if (windsMps.length === 0 && rains.length === 0) return {};
  const windMps = windsMps.reduce((strongest, wind) => Math.max(strongest, wind), 0);
  return {
    weather: {
      ...(windsMps.length === 0 ? {} : { windMps: hundredths(windMps) }),
      ...(rains.length === 0 ? {} : { hasRained: rains.includes(true) }),
    },
  };
}
