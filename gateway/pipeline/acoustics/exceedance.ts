import type { AlarmBody, WindowStatistics } from "../../../protocol/alarm.ts";
import type { Finding, MeterFacts } from "../../../protocol/finding.ts";
import { RULE_SETS, type RuleSet, ruleSetAt } from "../../contracts/rule-set.ts";
import { AlarmLife } from "../alarm-life.ts";
import type { LevelTrack, TrackedLevel } from "../level-track.ts";
import {
  higherPeak,
  type NoiseRule,
  type Peak,
  permitAt,
  type Revision,
  type RuleSurroundings,
} from "../noise-rule.ts";
import type { ExceedanceSettings, SiteSettings } from "../settings.ts";
import type { Now } from "../steady-time.ts";
import { judgeWindow, limitsInForce, type WindowVerdict, type Yardstick } from "./judge-window.ts";

const MINUTE_MS = 60_000;
const MINUTE_S = 60;
/** A body with a finding is long: of the evidence of an alarm that came again and again, the newest is named. */
const NAMED_EVIDENCE = 4;

export interface ExceedanceFacts {
  readonly site?: SiteSettings;
  readonly meter?: MeterFacts;
  /** Whether the stream's level was stuck, implausible or covered at any moment since a slot. */
  hasLevelFault(sinceSlot: number): boolean;
}

/** A window of a rule, held against the limits in force. */
interface Judged extends WindowVerdict {
  readonly startSlot: number;
  readonly endMs: number;
  readonly isNight: boolean;
  readonly ruleSet: RuleSet;
  readonly statistics: WindowStatistics;
}

/** Longest window that a rule may look back over, seconds. */
export function exceedanceWindowS({ windowS, ruleSet, standard }: ExceedanceSettings): number {
  const editions = RULE_SETS.filter((set) => (ruleSet === undefined ? set.standard === standard : set.id === ruleSet));
  return windowS ?? Math.max(60, ...editions.map((set) => set.windowS));
}

/**
 * One `exceedance` rule on one stream. With the first level of each UTC minute the window that ended with the minute before
 * is judged, so that a finding is made of whole minute records and anyone can compute it again. A window must lie in one
 * period. It clears with one full window within the limits that begins after the one that raised.
 */
export class Exceedance implements NoiseRule {
  readonly #rule: ExceedanceSettings;
  readonly #track: LevelTrack;
  readonly #around: RuleSurroundings;
  readonly #facts: ExceedanceFacts;
  readonly #life: AlarmLife;
  #judgedMinute: number | undefined;
  #worst: Finding | undefined;

  constructor(rule: ExceedanceSettings, track: LevelTrack, around: RuleSurroundings, facts: ExceedanceFacts) {
    this.#rule = rule;
    this.#track = track;
    this.#around = around;
    this.#facts = facts;
    this.#life = new AlarmLife(rule.sameAlarmS, around);
  }

  restore(open: AlarmBody | undefined, recent: AlarmBody | undefined, slot: number): void {
    this.#life.restore(open, recent, slot);
    this.#worst = open?.finding;
    const newest = this.#track.newest;
    if (newest !== undefined) this.#judgedMinute = Math.floor(newest.atMs / MINUTE_MS);
  }

  observe(level: TrackedLevel, now: Now): Revision | undefined {
    const { standing } = this.#life;
    if (standing !== undefined) standing.peak = higherPeak(standing.peak, level);
    const minute = Math.floor(level.atMs / MINUTE_MS);
    if (minute === this.#judgedMinute) return undefined;
    this.#judgedMinute = minute;
    const judged = this.#judge(level, now);
    if (standing === undefined) return judged?.result === "exceeds" ? this.#raise(judged, level, now) : undefined;
    if (judged?.result === "within" && judged.startSlot >= this.#minuteSlot(standing.raisedSlot, level)) {
      return this.#clear(judged, level, now, standing.body, standing.peak);
    }
    if (judged?.result === "exceeds") this.#worst = worse(this.#worst, judged.finding);
    if (level.slot - standing.revisedSlot < this.#rule.updateEveryS) return undefined;
    const body = this.#body(standing.body, "updated", judged, level, now, standing.peak);
    this.#life.updated(body, level.slot);
    return { body };
  }

  /** Undefined where the window lies in two periods, or the meter was not read from its first minute to its last. */
  #judge(level: TrackedLevel, now: Now): Judged | undefined {
    const { dayFrom, nightFrom, windowS, zone, indoor, minValidPct, background } = this.#rule;
    const endMs = Math.floor(level.atMs / MINUTE_MS) * MINUTE_MS;
    const endSlot = level.slot - Math.round((level.atMs - endMs) / 1000);
    const isClockTrusted = now.timeQuality !== "none";
    const ruleSet = this.#ruleSet(isClockTrusted ? this.#around.night.localDate(endMs - 1000) : undefined);
    if (ruleSet === undefined) return undefined;
    const lengthS = windowS ?? ruleSet.windowS;
    const fromMs = Math.max(0, endMs - lengthS * 1000);
    const isNightAt = (atMs: number): boolean =>
      this.#around.night.isWithin(atMs, nightFrom ?? ruleSet.nightFrom, dayFrom ?? ruleSet.dayFrom);
    const isNight = !isClockTrusted || isNightAt(fromMs);
    if (isClockTrusted && isNight !== isNightAt(endMs - 1000)) return undefined;
    const startSlot = endSlot - lengthS;
    const window = this.#track.window(startSlot, endSlot - 1);
    const isRead = (second: TrackedLevel | undefined): boolean => second !== undefined;
    if (!window.slice(0, MINUTE_S).some(isRead) || !window.slice(-MINUTE_S).some(isRead)) return undefined;
    const yardstick: Yardstick = {
      ruleSet,
      zone,
      isIndoor: indoor,
      minValidPct,
      ...(background === undefined ? {} : { background }),
      ...(this.#facts.meter === undefined ? {} : { meter: this.#facts.meter }),
    };
    const quantity = window.findLast((second) => second !== undefined)?.quantity ?? level.quantity;
    const hasLevelFault = this.#facts.hasLevelFault(startSlot);
    const verdict = judgeWindow({ window, fromMs, quantity, isNight, isClockTrusted, hasLevelFault }, yardstick);
    const finding = verdict.finding;
    const statistics: WindowStatistics = {
      name: "window",
      fromMs,
      toMs: endMs,
      n: window.length,
      valid: finding?.valid ?? 0,
      laeqDb: finding?.laeqDb ?? null,
      lamaxDb: finding?.lamaxDb ?? null,
    };
    return { ...verdict, startSlot, endMs, isNight, ruleSet, statistics };
  }

  #ruleSet(date: string | undefined): RuleSet | undefined {
    const { ruleSet, standard } = this.#rule;
    return ruleSet === undefined ? ruleSetAt(standard, date) : RULE_SETS.find(({ id }) => id === ruleSet);
  }

  /** The slot of the turn of the minute at or before another slot. */
  #minuteSlot(slot: number, { slot: now, atMs }: TrackedLevel): number {
    const slotMs = atMs - (now - slot) * 1000;
    return slot - Math.floor((slotMs % MINUTE_MS) / 1000);
  }

  #raise(judged: Judged, level: TrackedLevel, now: Now): Revision {
    const before = this.#life.begin(level.slot, now);
    const evidenceId = this.#around.newEvidenceId(before.alarmId, before.rev + 1);
    const evidence = [...before.evidence, evidenceId].slice(-NAMED_EVIDENCE);
    const peak = this.#track
      .window(judged.startSlot, level.slot)
      .reduce<Peak>((highest, second) => higherPeak(highest, second), undefined);
    this.#worst = judged.finding;
    const body = this.#body({ ...before, evidence }, "raised", judged, level, now, peak);
    this.#life.raised(body, level.slot, peak);
    return { body, evidenceId };
  }

  #clear(judged: Judged, level: TrackedLevel, now: Now, before: AlarmBody, peak: Peak): Revision {
    const state = this.#body(before, "cleared", judged, level, now, peak);
    const body: AlarmBody = { ...state, clearedAtMs: now.atMs, clearReason: "quiet" };
    this.#life.cleared(body, level.slot);
    return { body };
  }

  #body(
    before: Pick<AlarmBody, "alarmId" | "rev" | "raisedAtMs" | "evidence"> & Partial<Pick<AlarmBody, "limits">>,
    phase: AlarmBody["phase"],
    judged: Judged | undefined,
    level: TrackedLevel,
    now: Now,
    peak: Peak,
  ): AlarmBody {
    const finding = this.#worst;
    const { name, kind, point, minValidPct } = this.#rule;
    const position = this.#around.position();
    const permit = permitAt(this.#around.permits, name, level.atMs, now);
    const windowName = phase === "cleared" ? "clear" : "window";
    return {
      alarmId: before.alarmId,
      rev: before.rev + 1,
      phase,
      family: "noise",
      nature: "condition",
      rule: name,
      ruleKind: kind,
      ...(finding === undefined ? {} : { ruleSet: finding.ruleSet }),
      raisedAtMs: before.raisedAtMs,
      stateAtMs: now.atMs,
      limits: judged === undefined ? (before.limits ?? {}) : this.#limits(judged, minValidPct),
      windows: judged === undefined ? [] : [{ ...judged.statistics, name: windowName }],
      ...(peak === undefined ? {} : { peak }),
      ...(level.quantity === "LAeq1s" ? {} : { estimated: true }),
      ...(position === undefined ? {} : { position }),
      ...(finding === undefined ? {} : { finding: withPlace(finding, this.#facts.site, point, position) }),
      ...(permit === undefined ? {} : { permit }),
      evidence: [...before.evidence],
    };
  }

  /** Numbers by which anyone may judge another window of this rule. */
  #limits({ ruleSet, isNight, statistics }: Judged, minValidPct: number): AlarmBody["limits"] {
    const inForce = limitsInForce({ ruleSet, zone: this.#rule.zone, isIndoor: this.#rule.indoor }, isNight);
    return { ...inForce, roundToDb: ruleSet.roundToDb, windowS: statistics.n, minValidPct };
  }
}

/** The one further above its limit. */
function worse(known: Finding | undefined, found: Finding | undefined): Finding | undefined {
  if (known === undefined || found === undefined) return found ?? known;
  return overBy(found) > overBy(known) ? found : known;
}

function overBy({ laeqDb, correctedDb, lamaxDb, limitDb, lamaxLimitDb }: Finding): number {
  const laeqOver = (correctedDb ?? laeqDb) - limitDb;
  return lamaxLimitDb === undefined ? laeqOver : Math.max(laeqOver, lamaxDb - lamaxLimitDb);
}

function withPlace(
  finding: Finding,
  site: SiteSettings | undefined,
  point: string | undefined,
  position: AlarmBody["position"],
): Finding {
  const { name, address, unit } = site ?? {};
  const place = {
    ...(name === undefined ? {} : { name: name.slice(0, 80) }),
    ...(address === undefined ? {} : { address }),
    ...(unit === undefined ? {} : { unit }),
  };
  return {
    ...finding,
    ...(Object.keys(place).length === 0 ? {} : { site: place }),
    ...(point === undefined ? {} : { point }),
    ...(position === undefined ? {} : { position }),
  };
}
