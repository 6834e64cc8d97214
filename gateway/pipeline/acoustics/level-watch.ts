import type { AlarmBody, WindowStatistics } from "../../../protocol/alarm.ts";
import { AlarmLife } from "../alarm-life.ts";
import { hundredths, laeqDb, validLevelDb } from "../level-statistics.ts";
import type { LevelTrack, TrackedLevel } from "../level-track.ts";
import type { NoiseRule, Revision, RuleSurroundings } from "../noise-rule.ts";
import type { Now } from "../steady-time.ts";
import type { LevelFaultDetector } from "./level-faults.ts";

/** How often a detector looks; its windows are minutes. */
const LOOK_EVERY_S = 5;
const SAME_ALARM_S = 600;
/** Kind of all these rules, which are the node's own. */
export const LEVEL_WATCH = "level-watch";

/** What a device's health says while its level is not to be believed. */
export interface LevelFaultWords {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/**
 * One detector on one stream as a rule: a fault alarm that stands until the meter is lively again. Only a level moves it; a
 * meter that says nothing is silent, which is another fault. Its alarm never touches a noise alarm.
 */
export class LevelWatch implements NoiseRule {
  readonly #detector: LevelFaultDetector;
  readonly #track: LevelTrack;
  readonly #around: RuleSurroundings;
  readonly #life: AlarmLife;
  #looked: number | undefined;
  #endedSlot: number | undefined;

  constructor(detector: LevelFaultDetector, track: LevelTrack, around: RuleSurroundings) {
    this.#detector = detector;
    this.#track = track;
    this.#around = around;
    this.#life = new AlarmLife(SAME_ALARM_S, around);
  }

  /** While it stands, what to tell of the device. */
  get words(): LevelFaultWords | undefined {
    const { standing } = this.#life;
    if (standing === undefined) return undefined;
    const { code, hint, message } = this.#detector;
    return { code, message: message(standing.body.limits), hint };
  }

  /** Whether it stood at any moment since a slot. */
  stoodSince(slot: number): boolean {
    return this.#life.standing !== undefined || (this.#endedSlot !== undefined && this.#endedSlot >= slot);
  }

  restore(open: AlarmBody | undefined, recent: AlarmBody | undefined, slot: number): void {
    this.#life.restore(open, recent, slot);
    if (recent !== undefined) this.#endedSlot = Math.min(Math.floor(recent.stateAtMs / 1000), slot);
    const newest = this.#track.newest;
    if (newest !== undefined) this.#looked = Math.floor(newest.slot / LOOK_EVERY_S);
  }

  observe({ slot, quantity }: TrackedLevel, now: Now): Revision | undefined {
    const look = Math.floor(slot / LOOK_EVERY_S);
    if (look === this.#looked) return undefined;
    this.#looked = look;
    const { standing } = this.#life;
    if (standing === undefined) {
      const numbers = this.#detector.begins(this.#track, slot);
      if (numbers === undefined) return undefined;
      const body = this.#body({ ...this.#life.begin(slot, now), limits: numbers }, "raised", slot, now, quantity);
      this.#life.raised(body, slot, undefined);
      return { body };
    }
    if (!this.#detector.isOver(this.#track, slot, standing.body.limits)) return undefined;
    const state = this.#body(standing.body, "cleared", slot, now, quantity);
    const body: AlarmBody = { ...state, clearedAtMs: now.atMs, clearReason: "quiet" };
    this.#life.cleared(body, slot);
    this.#endedSlot = slot;
    return { body };
  }

  #body(
    before: Pick<AlarmBody, "alarmId" | "rev" | "raisedAtMs" | "limits">,
    phase: AlarmBody["phase"],
    slot: number,
    now: Now,
    quantity: TrackedLevel["quantity"],
  ): AlarmBody {
    const position = this.#around.position();
    return {
      alarmId: before.alarmId,
      rev: before.rev + 1,
      phase,
      family: "fault",
      nature: "condition",
      rule: this.#detector.name,
      ruleKind: LEVEL_WATCH,
      raisedAtMs: before.raisedAtMs,
      stateAtMs: now.atMs,
      limits: { ...before.limits },
      windows: [this.#window(slot)],
      ...(quantity === "LAeq1s" ? {} : { estimated: true }),
      ...(position === undefined ? {} : { position }),
      evidence: [],
    };
  }

  #window(slot: number): WindowStatistics {
    const seconds = this.#track.window(slot - this.#detector.lookBackS + 1, slot);
    const levels = seconds.map(validLevelDb).filter((level) => level !== undefined);
    const meanDb = laeqDb(levels);
    const toMs = (seconds.at(-1)?.atMs ?? 0) + 1000;
    return {
      name: "window",
      fromMs: Math.max(0, toMs - seconds.length * 1000),
      toMs,
      n: seconds.length,
      valid: levels.length,
      laeqDb: meanDb === undefined ? null : hundredths(meanDb),
      lamaxDb: levels.length === 0 ? null : Math.max(...levels),
    };
  }
}
