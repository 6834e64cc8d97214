import type { LiveLevel } from "../../protocol/session.ts";
import type { JournalWrite } from "../contracts/journal.ts";

/** One transaction for the journal. `urgent` commits alone and at once. */
export interface PipelineWrite {
  readonly write: JournalWrite;
  readonly urgency: "urgent" | "grouped";
  /** Holds an evidence record and nothing of other writes: its files come into custody first. */
  readonly isEvidence?: boolean;
}

/** What a step brought: writes in the order in which they must commit, and levels for viewers. */
export interface PipelineOutput {
  readonly writes: readonly PipelineWrite[];
  readonly live: readonly { readonly device: string; readonly level: LiveLevel }[];
}

/** Gathers what one step brings; neighbouring grouped writes become one. */
export class OutputBuilder {
  readonly #writes: PipelineWrite[] = [];
  readonly #live: { readonly device: string; readonly level: LiveLevel }[] = [];

  add(write: JournalWrite, urgency: "urgent" | "grouped"): void {
    const last = this.#writes.at(-1);
    // A journal inserts levels before it drops any: writes that drop stay apart from those that come after.
    if (
      last === undefined ||
      urgency !== "grouped" ||
      last.urgency !== "grouped" ||
      last.isEvidence === true ||
      last.write.dropLevelsBefore !== undefined
    ) {
      this.#writes.push({ write, urgency });
      return;
    }
    this.#writes[this.#writes.length - 1] = { write: joined(last.write, write), urgency };
  }

  /** Stands alone: nothing waits for the disk that its files need. */
  evidence(write: JournalWrite): void {
    this.#writes.push({ write, urgency: "grouped", isEvidence: true });
  }

  live(device: string, level: LiveLevel): void {
    this.#live.push({ device, level });
  }

  done(): PipelineOutput {
    return { writes: this.#writes, live: this.#live };
  }
}

function joined(a: JournalWrite, b: JournalWrite): JournalWrite {
  const result: { -readonly [K in keyof JournalWrite]: JournalWrite[K] } = { ...a };
  if (b.append !== undefined) result.append = [...(a.append ?? []), ...b.append];
  if (b.openAlarms !== undefined) result.openAlarms = [...(a.openAlarms ?? []), ...b.openAlarms];
  if (b.closedAlarms !== undefined) result.closedAlarms = [...(a.closedAlarms ?? []), ...b.closedAlarms];
  if (b.levels !== undefined) result.levels = [...(a.levels ?? []), ...b.levels];
  if (b.dropLevelsBefore !== undefined)
    result.dropLevelsBefore = [...(a.dropLevelsBefore ?? []), ...b.dropLevelsBefore];
  return result;
}
