import type { AlarmBody } from "../../protocol/alarm.ts";
import type { Peak, RuleSurroundings } from "./noise-rule.ts";
import type { Now } from "./steady-time.ts";

/** An alarm that stands. */
export interface StandingAlarm {
  readonly body: AlarmBody;
  readonly raisedSlot: number;
  readonly revisedSlot: number;
  peak: Peak;
}

/** What is the same in every revision of one alarm, and counts on with each. */
export type AlarmIdentity = Pick<AlarmBody, "alarmId" | "rev" | "raisedAtMs" | "evidence">;

/** The alarm of one key through its life: raised again within `sameAlarmS` of its end it keeps its id and counts on. */
export class AlarmLife {
  readonly #sameAlarmS: number;
  readonly #around: RuleSurroundings;
  #standing: StandingAlarm | undefined;
  #recent: { readonly body: AlarmBody; readonly clearedSlot: number } | undefined;

  constructor(sameAlarmS: number, around: RuleSurroundings) {
    this.#sameAlarmS = sameAlarmS;
    this.#around = around;
  }

  get standing(): StandingAlarm | undefined {
    return this.#standing;
  }

  restore(open: AlarmBody | undefined, recent: AlarmBody | undefined, slot: number): void {
    const slotOf = (atMs: number): number => Math.min(Math.floor(atMs / 1000), slot);
    if (open !== undefined) {
      const { raisedAtMs, stateAtMs, peak } = open;
      this.#standing = { body: open, raisedSlot: slotOf(raisedAtMs), revisedSlot: slotOf(stateAtMs), peak };
    }
    if (recent !== undefined) this.#recent = { body: recent, clearedSlot: slotOf(recent.stateAtMs) };
  }

  /** Identity of the first revision of a raise; `rev` is the one before it. */
  begin(slot: number, now: Now): AlarmIdentity {
    const recent = this.#recent;
    const isSame = recent !== undefined && slot - recent.clearedSlot <= this.#sameAlarmS;
    const alarmId = isSame ? recent.body.alarmId : this.#around.newAlarmId(now.atMs);
    const { rev, evidence } = isSame ? recent.body : { rev: 0, evidence: [] };
    return { alarmId, rev, raisedAtMs: now.atMs, evidence };
  }

  raised(body: AlarmBody, slot: number, peak: Peak): void {
    this.#standing = { body, raisedSlot: slot, revisedSlot: slot, peak };
    this.#recent = undefined;
  }

  updated(body: AlarmBody, slot: number): void {
    if (this.#standing !== undefined) this.#standing = { ...this.#standing, body, revisedSlot: slot };
  }

  cleared(body: AlarmBody, slot: number): void {
    this.#standing = undefined;
    this.#recent = { body, clearedSlot: slot };
  }
}
