import type { Change } from "../../cases/case-rows.ts";
import type { AssignmentFacts, CaseFacts } from "../../cases/views.ts";
import type { DeskEvent } from "../events.ts";

/** A row of the outbox that somebody is to be told. `id` rises: of one assignment the highest is the newest word. */
export interface Notice {
  readonly id: number;
  readonly channel: string;
  readonly reason: string;
  /** Whom: a node, an ISSI, the name of an endpoint. */
  readonly address: string;
  readonly assignmentId: string;
  readonly caseId: string;
  readonly crewId: string;
  /** As it was when it was planned; JSON. */
  readonly payload: string;
  readonly createdAtMs: number;
  /** This one included. */
  readonly attempts: number;
  /** Of the alarm that it goes back to, see protocol/trace.ts; absent of what is about no case. */
  readonly trace?: string;
}

/**
 * What came of one attempt. `delivered`: proven, `to` says how · `awaits`: its proof is the answer to this command ·
 * `retry`: later again · `dead`: no retry can help · `moot`: it has become pointless, nobody is to be told.
 */
export type Attempt =
  | { readonly outcome: "delivered"; readonly to: string }
  | { readonly outcome: "awaits"; readonly commandId: string }
  | { readonly outcome: "retry" | "dead"; readonly code: string; readonly message: string }
  | { readonly outcome: "moot" };

export interface PlannedNotice {
  /** With channel and assignment it is unlike every other: planned twice it is one. */
  readonly reason: string;
  readonly address: string;
  readonly assignmentId: string;
  readonly caseId: string;
  readonly crewId: string;
  readonly payload: string;
  /** Words about this assignment that have not been delivered are replaced by this one. */
  readonly supersedes?: boolean;
}

/** One thing that a change told the desk's pages, as the channels see it. */
export interface Told {
  readonly event: DeskEvent;
  /** Absent of news that is about no case. */
  readonly case?: CaseFacts;
  readonly assignment?: AssignmentFacts;
}

/**
 * One way to tell somebody. `plan` runs in the transaction that makes the news, so that nothing is lost; `deliver` outside
 * of any, at least once: it may be called again for a notice whose outcome a crash swallowed.
 */
export interface NotificationChannel {
  readonly name: string;
  plan(change: Change, told: Told): Promise<readonly PlannedNotice[]>;
  deliver(notice: Notice): Promise<Attempt>;
  /** What the answer to a command proves; only of channels whose attempts await one. */
  proofOf?(answer: CommandAnswer): Attempt;
  /** Pauses before the second attempt, the third, and so on; the last holds for all that follow. */
  readonly pausesMs: readonly number[];
  /** A notice that is older is dead. */
  readonly giveUpMs: number;
  /** Its proof says that the crew knows, and not only that something showed it. */
  readonly provesCrew: boolean;
}

export interface CommandAnswer {
  readonly node: string;
  readonly ok: boolean;
  readonly code?: string | undefined;
  readonly message?: string | undefined;
  readonly value?: unknown;
}

/** Names one attempt for ever: what a command about it is called, and what its span is made of. */
export function attemptName({ id, attempts }: Pick<Notice, "id" | "attempts">): string {
  return `notice-${id}-${attempts}`;
}

/** Pause before the next attempt, up to a fifth longer or shorter so that many do not come at once. */
export function pauseMs({ pausesMs }: Pick<NotificationChannel, "pausesMs">, attempts: number, random: number): number {
  const pause = pausesMs[Math.min(attempts, pausesMs.length) - 1] ?? 60_000;
  return Math.round(pause * (0.8 + 0.4 * random));
}
