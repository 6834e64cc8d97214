import type { AlarmBody } from "../protocol/alarm.ts";
import { newAlarmId } from "../protocol/new-ids.ts";
import type { NewRecord } from "../protocol/record.ts";
import { GatewayError } from "./contracts/gateway-error.ts";
import type { JournalWrite, OpenAlarm } from "./contracts/journal.ts";

/** Rule and permit of an alarm that is only a test: it goes all the way, opens a case that says so, and sends nobody. */
export const TEST_RULE = "test";
const LASTS_MS = 10_000;
const NOT_AGAIN_WITHIN_MS = 30_000;

export interface TestAlarmOptions {
  readonly stamp: () => Pick<NewRecord, "upMs" | "atMs" | "timeQuality">;
  readonly write: (write: JournalWrite) => void;
  /** Of the run before. A test that it raised and did not end is over. */
  readonly openAlarms: readonly OpenAlarm[];
}

/** Somebody at the box wants to see whether an alarm arrives. A `fault`, so that it joins no case of real noise. */
export class TestAlarm {
  readonly #options: TestAlarmOptions;
  #lastUpMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: TestAlarmOptions) {
    this.#options = options;
    for (const { body } of options.openAlarms) if (body.ruleKind === TEST_RULE) this.#clear(body);
  }

  /** @throws GatewayError TEST_ALARM_SOON */
  raise(): { readonly alarmId: string } {
    const now = this.#options.stamp();
    if (now.upMs - this.#lastUpMs < NOT_AGAIN_WITHIN_MS) {
      throw new GatewayError("TEST_ALARM_SOON", "a test alarm was raised a moment ago", {
        hint: "Wait half a minute, so that the desk is not flooded with tests.",
      });
    }
    this.#lastUpMs = now.upMs;
    const alarmId = newAlarmId(now.atMs);
    const body: AlarmBody = {
      ...{
        alarmId,
        rev: 1,
        phase: "raised",
        family: "fault",
        nature: "condition",
        rule: TEST_RULE,
        ruleKind: TEST_RULE,
      },
      ...{ raisedAtMs: now.atMs, stateAtMs: now.atMs, limits: {}, windows: [], evidence: [], permit: TEST_RULE },
      detail: "raised by hand at the node's local page",
    };
    this.#options.write({
      append: [{ ...now, kind: "alarm", body }],
      openAlarms: [{ device: "", subject: "", body }],
    });
    this.#timer = setTimeout(() => this.#clear(body), LASTS_MS);
    return { alarmId };
  }

  /** Ends one that stands. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  #clear(raised: AlarmBody): void {
    const now = this.#options.stamp();
    const body: AlarmBody = {
      ...raised,
      ...{ rev: raised.rev + 1, phase: "cleared", stateAtMs: now.atMs, clearedAtMs: now.atMs, clearReason: "quiet" },
    };
    this.#options.write({ append: [{ ...now, kind: "alarm", body }], closedAlarms: [raised.alarmId] });
  }
}
