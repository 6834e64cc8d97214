import type { AlarmBody, ClearReason, WindowStatistics } from "../../protocol/alarm.ts";
import { hundredths, laeqDb, validLevelDb } from "./level-statistics.ts";
import type { LevelTrack, TrackedLevel } from "./level-track.ts";
import { higherPeak, type NoiseRule, permitAt, type Revision, type RuleSurroundings } from "./noise-rule.ts";
import type { TriggerSettings } from "./settings.ts";
import type { Now } from "./steady-time.ts";

interface Open {
  readonly body: AlarmBody;
  readonly raisedSlot: number;
  readonly revisedSlot: number;
  peak: AlarmBody["peak"];
}

/**
 * One `trigger` rule on one stream. Only a level can move it: what does not come, or is not valid, neither raises nor
 * clears. An alarm clears when the clear window lies wholly after the raise, has enough valid seconds, is below the clear
 * level, and the raise condition does not hold at the same time; or when the armed hours end, which says nothing of quiet.
 */
export class Trigger implements NoiseRule {
  readonly #rule: TriggerSettings;
  readonly #track: LevelTrack;
  readonly #around: RuleSurroundings;
  #armedSince: number | undefined;
  #open: Open | undefined;
  #recent: { readonly body: AlarmBody; readonly clearedSlot: number } | undefined;

  constructor(rule: TriggerSettings, track: LevelTrack, around: RuleSurroundings) {
    this.#rule = rule;
    this.#track = track;
    this.#around = around;
  }

  restore(open: AlarmBody | undefined, recent: AlarmBody | undefined, slot: number, now: Now): void {
    const slotOf = (atMs: number): number => Math.min(Math.floor(atMs / 1000), slot);
    if (open !== undefined) {
      const { raisedAtMs, stateAtMs, peak } = open;
      this.#open = { body: open, raisedSlot: slotOf(raisedAtMs), revisedSlot: slotOf(stateAtMs), peak };
    }
    if (recent !== undefined) this.#recent = { body: recent, clearedSlot: slotOf(recent.stateAtMs) };
    for (const level of this.#track.all().toReversed()) {
      if (!this.#isArmed(level.atMs, now)) break;
      this.#armedSince = level.slot;
    }
  }

  observe(level: TrackedLevel, now: Now): Revision | undefined {
    if (!this.#isArmed(level.atMs, now)) this.#armedSince = undefined;
    else this.#armedSince ??= level.slot;
    const open = this.#open;
    if (open === undefined) return this.#isLoud(level) ? this.#raise(level, now) : undefined;
    open.peak = higherPeak(open.peak, level);
    if (this.#armedSince === undefined) return this.#clear(open, level, now, "disarmed");
    if (this.#isQuiet(open, level) && !this.#isLoud(level)) return this.#clear(open, level, now, "quiet");
    if (level.slot - open.revisedSlot < this.#rule.updateEveryS) return undefined;
    const body = this.#body(open.body, "updated", level, now, open.peak);
    this.#open = { ...open, body, revisedSlot: level.slot };
    return { body };
  }

  /** With an untrusted clock it is night: the stricter limit holds. */
  #isArmed(atMs: number, now: Now): boolean {
    const { byDay, armedFrom, armedTo } = this.#rule;
    return byDay || now.timeQuality === "none" || this.#around.night.isWithin(atMs, armedFrom, armedTo);
  }

  #isLoud({ slot }: TrackedLevel): boolean {
    const { raiseWindowS, raiseMinValidS, limitDb, roundToDb } = this.#rule;
    if (this.#armedSince === undefined) return false;
    const window = this.#window("raise", Math.max(slot - raiseWindowS + 1, this.#armedSince), slot);
    if (window.valid < raiseMinValidS || window.exactDb === undefined) return false;
    return Math.round(window.exactDb / roundToDb) > limitDb / roundToDb + 1e-6;
  }

  #isQuiet(open: Open, { slot }: TrackedLevel): boolean {
    const { clearWindowS, clearMinValidS, clearDb, roundToDb } = this.#rule;
    if (slot - open.raisedSlot < clearWindowS) return false;
    const window = this.#window("clear", slot - clearWindowS + 1, slot);
    if (window.valid < clearMinValidS || window.exactDb === undefined) return false;
    return Math.round(window.exactDb / roundToDb) < clearDb / roundToDb - 1e-6;
  }

  #raise(level: TrackedLevel, now: Now): Revision {
    const { slot } = level;
    const recent = this.#recent;
    const isSame = recent !== undefined && slot - recent.clearedSlot <= this.#rule.sameAlarmS;
    const alarmId = isSame ? recent.body.alarmId : this.#around.newAlarmId(now.atMs);
    const rev = isSame ? recent.body.rev + 1 : 1;
    const evidenceId = this.#around.newEvidenceId(alarmId, rev);
    const peak = this.#track
      .window(slot - this.#rule.raiseWindowS + 1, slot)
      .reduce<AlarmBody["peak"]>((highest, second) => higherPeak(highest, second), undefined);
    const evidence = [...(isSame ? recent.body.evidence : []).slice(-31), evidenceId];
    const before = { alarmId, rev: rev - 1, raisedAtMs: now.atMs, evidence };
    const body = this.#body(before, "raised", level, now, peak);
    this.#open = { body, raisedSlot: slot, revisedSlot: slot, peak };
    this.#recent = undefined;
    return { body, evidenceId };
  }

  #clear(open: Open, level: TrackedLevel, now: Now, clearReason: ClearReason): Revision {
    const state = this.#body(open.body, "cleared", level, now, open.peak);
    const body: AlarmBody = { ...state, clearedAtMs: now.atMs, clearReason };
    this.#open = undefined;
    this.#recent = { body, clearedSlot: level.slot };
    return { body };
  }

  #body(
    before: Pick<AlarmBody, "alarmId" | "rev" | "raisedAtMs" | "evidence">,
    phase: AlarmBody["phase"],
    level: TrackedLevel,
    now: Now,
    peak: AlarmBody["peak"],
  ): AlarmBody {
    const { name, kind, limitDb, clearDb, raiseWindowS, clearWindowS } = this.#rule;
    const position = this.#around.position();
    const permit = permitAt(this.#around.permits, name, level.atMs, now);
    const { slot } = level;
    return {
      alarmId: before.alarmId,
      rev: before.rev + 1,
      phase,
      family: "noise",
      nature: "condition",
      rule: name,
      ruleKind: kind,
      raisedAtMs: before.raisedAtMs,
      stateAtMs: now.atMs,
      limits: { raiseDb: limitDb, clearDb },
      windows: [
        this.#window("raise", slot - raiseWindowS + 1, slot).statistics,
        this.#window("clear", slot - clearWindowS + 1, slot).statistics,
      ],
      ...(peak === undefined ? {} : { peak }),
      ...(level.quantity === "LAeq1s" ? {} : { estimated: true }),
      ...(position === undefined ? {} : { position }),
      ...(permit === undefined ? {} : { permit }),
      evidence: [...before.evidence],
    };
  }

  #window(
    name: string,
    from: number,
    to: number,
  ): { readonly valid: number; readonly exactDb: number | undefined; readonly statistics: WindowStatistics } {
    const seconds = this.#track.window(from, to);
    const levels = seconds.map(validLevelDb).filter((level) => level !== undefined);
    const exactDb = laeqDb(levels);
    const toMs = (seconds.at(-1)?.atMs ?? 0) + 1000;
    const statistics: WindowStatistics = {
      name,
      fromMs: Math.max(0, toMs - seconds.length * 1000),
      toMs,
      n: seconds.length,
      valid: levels.length,
      laeqDb: exactDb === undefined ? null : hundredths(exactDb),
      lamaxDb: levels.length === 0 ? null : Math.max(...levels),
    };
    return { valid: levels.length, exactDb, statistics };
  }
}
