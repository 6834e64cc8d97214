import type { Position } from "../../protocol/ids.ts";
import type { NewRecord } from "../../protocol/record.ts";
import type { JournalWrite } from "../contracts/journal.ts";
import { levelEvidence } from "./level-evidence.ts";
import type { LevelTrack } from "./level-track.ts";
import { evidenceNoteDone, type PendingEvidence } from "./working-notes.ts";

/** The last second of the window may come this much late. */
const GRACE_S = 2;

export interface AwaitedEvidence extends PendingEvidence {
  readonly raisedSlot: number;
}

/** Seconds of levels that a rule's evidence holds, before and after the second that raised. */
export interface EvidenceSpan {
  readonly name: string;
  readonly beforeS: number;
  readonly afterS: number;
}

/** Raises whose seconds of after are still to come. */
export class EvidenceKeeper {
  readonly #rules: readonly EvidenceSpan[];
  #awaited: AwaitedEvidence[];

  /** @param restored what a kill left behind: due when its time has come, with what is left of its levels */
  constructor(rules: readonly EvidenceSpan[], restored: readonly PendingEvidence[]) {
    this.#rules = rules;
    this.#awaited = restored.map((pending) => ({ ...pending, raisedSlot: Math.floor(pending.raisedAtMs / 1000) }));
  }

  await(pending: PendingEvidence, raisedSlot: number): void {
    this.#awaited.push({ ...pending, raisedSlot });
  }

  /** Takes out those whose window is over. */
  due(slot: number): readonly AwaitedEvidence[] {
    const isDue = (one: AwaitedEvidence): boolean => slot > one.raisedSlot + this.#spanOf(one).afterS + GRACE_S;
    const due = this.#awaited.filter(isDue);
    if (due.length > 0) this.#awaited = this.#awaited.filter((one) => !isDue(one));
    return due;
  }

  /** The evidence record, and the end of its note, in one transaction. */
  write(
    due: AwaitedEvidence,
    track: LevelTrack,
    stamp: Pick<NewRecord, "atMs" | "upMs" | "timeQuality">,
    position: Position | undefined,
  ): JournalWrite {
    const { beforeS, afterS } = this.#spanOf(due);
    const window = track.window(due.raisedSlot - beforeS, due.raisedSlot + afterS);
    const fromMs = Math.max(0, due.raisedAtMs - beforeS * 1000);
    const { rule, ruleSet } = due;
    const body = {
      ...levelEvidence(due.evidenceId, due.alarmId, fromMs, window),
      rule,
      ...(ruleSet === undefined ? {} : { ruleSet }),
      ...(position === undefined ? {} : { position }),
    };
    return {
      append: [{ kind: "evidence", ...stamp, ...due.stream, body }],
      dropLevelsBefore: [evidenceNoteDone(due.evidenceId)],
    };
  }

  #spanOf({ rule }: PendingEvidence): Omit<EvidenceSpan, "name"> {
    return this.#rules.find(({ name }) => name === rule) ?? { beforeS: 60, afterS: 60 };
  }
}
