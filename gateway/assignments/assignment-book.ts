import { Value } from "typebox/value";
import { type ActBody, AssignmentNotice, type CrewActName, isOver, signAct } from "../../protocol/assignment.ts";
import type { Position } from "../../protocol/ids.ts";
import type { NewRecord } from "../../protocol/record.ts";
import { GatewayError } from "../contracts/gateway-error.ts";
import type { Journal } from "../contracts/journal.ts";
import { keptList, keptNumber } from "../contracts/kept-json.ts";
import type { SigningKey } from "../contracts/signing-key.ts";

const NOTICES_SETTING = "assignments.notices";
const COUNTER_SETTING = "assignments.acts";
/** An ended one stays in sight for a while, so that nobody wonders where it went. */
const KEEP_ENDED_MS = 30 * 60_000;
const MOST_NOTICES = 20;

/** What the local page shows of one assignment. */
export interface BookedAssignment extends AssignmentNotice {
  /** What was done here since the bridge's last word, oldest first. */
  readonly pending: readonly { readonly act: CrewActName; readonly atMs: number }[];
  /** Somebody who had signed in has seen it. */
  readonly isSeen: boolean;
  readonly heardAtMs: number;
}

/** Which buttons make sense, by the state that the page shows. */
const ACTS: Readonly<Record<AssignmentNotice["state"], readonly CrewActName[]>> = {
  assigned: ["acknowledge", "en-route", "decline"],
  acknowledged: ["en-route", "on-scene", "decline"],
  "en-route": ["on-scene", "decline"],
  "on-scene": ["resolved", "decline"],
  done: [],
  declined: [],
  withdrawn: [],
};
const STATE_AFTER: Readonly<Record<CrewActName, AssignmentNotice["state"]>> = {
  acknowledge: "acknowledged",
  "en-route": "en-route",
  "on-scene": "on-scene",
  resolved: "done",
  decline: "declined",
};

export interface AssignmentBookOptions {
  readonly node: string;
  readonly journal: Pick<Journal, "getSetting" | "setSetting">;
  readonly stamp: () => Pick<NewRecord, "upMs" | "atMs" | "timeQuality">;
  /** Into the journal at once. @returns whether it is on the disk; else it is held in memory until it is */
  readonly write: (record: NewRecord) => Promise<boolean>;
  /** Undefined while the disk takes no key: acts are then unsigned, and the bridge says so. */
  readonly key: () => SigningKey | undefined;
  readonly position: () => Position | undefined;
}

/**
 * The assignments of the crew that sits in this vehicle. What it does here counts at once on this page and goes to the
 * bridge as numbered, signed records: a dead spot delays them and loses none.
 */
export class AssignmentBook {
  readonly #options: AssignmentBookOptions;
  #notices: readonly BookedAssignment[];
  #acts: number;
  #line: Promise<unknown> = Promise.resolve();

  private constructor(options: AssignmentBookOptions, notices: readonly BookedAssignment[], acts: number) {
    this.#options = options;
    this.#notices = notices;
    this.#acts = acts;
  }

  static async open(options: AssignmentBookOptions): Promise<AssignmentBook> {
    const [notices, acts] = await Promise.all([
      keptList<BookedAssignment>(options.journal, NOTICES_SETTING),
      keptNumber(options.journal, COUNTER_SETTING),
    ]);
    return new AssignmentBook(options, notices, acts);
  }

  /** Newest first. */
  get assignments(): readonly (BookedAssignment & { readonly acts: readonly CrewActName[] })[] {
    return this.#notices.map((notice) => {
      const state = shownState(notice);
      return { ...notice, state, acts: ACTS[state] };
    });
  }

  /**
   * The bridge's word. Of one assignment the highest `rev` holds.
   * @returns whether it is shown: false for one that is older than what is shown already
   * @throws GatewayError ASSIGNMENT_UNREADABLE
   */
  hear(args: unknown): Promise<boolean> {
    if (!Value.Check(AssignmentNotice, args)) {
      const hint = "Update the node, or the bridge: their versions differ.";
      throw new GatewayError("ASSIGNMENT_UNREADABLE", "the assignment is not of a form that this node knows", { hint });
    }
    return this.#inLine(async () => {
      const { atMs } = this.#options.stamp();
      const before = this.#notices.find(({ assignmentId }) => assignmentId === args.assignmentId);
      if (before !== undefined && before.rev >= args.rev) return false;
      // What was done here and is not yet in the bridge's word still stands, unless that word ends it.
      const pending = isOver(args.state) ? [] : (before?.pending ?? []).filter(({ act }) => isAhead(act, args.state));
      const heard = { ...args, pending, isSeen: before?.isSeen ?? false, heardAtMs: atMs };
      const others = this.#notices.filter(
        (notice) =>
          notice.assignmentId !== args.assignmentId &&
          (!isOver(shownState(notice)) || atMs - notice.heardAtMs < KEEP_ENDED_MS),
      );
      await this.#keep([heard, ...others].slice(0, MOST_NOTICES));
      return true;
    });
  }

  /**
   * Somebody presses a button.
   * @returns whether its record is on the disk
   * @throws GatewayError ASSIGNMENT_UNKNOWN, ASSIGNMENT_ACT
   */
  act(assignmentId: string, act: CrewActName, cause?: string): Promise<boolean> {
    return this.#inLine(async () => {
      const notice = this.#known(assignmentId);
      const state = shownState(notice);
      if (!ACTS[state].includes(act)) {
        const hint = `Possible now: ${ACTS[state].join(", ") || "nothing, it is over"}.`;
        throw new GatewayError("ASSIGNMENT_ACT", `"${act}" does not follow on ${state}`, { hint });
      }
      const { atMs } = this.#options.stamp();
      const isWritten = await this.#record({ assignmentId, act, ...(cause === undefined ? {} : { cause }) });
      await this.#change(assignmentId, { pending: [...notice.pending, { act, atMs }] });
      return isWritten;
    });
  }

  /** The page was shown to somebody who had signed in: said once for each assignment that is not over. */
  seen(): Promise<void> {
    if (this.#notices.every((notice) => notice.isSeen || isOver(notice.state))) return Promise.resolve();
    return this.#inLine(async () => {
      for (const { assignmentId, isSeen, state } of this.#notices) {
        if (isSeen || isOver(state)) continue;
        await this.#record({ assignmentId, act: "seen" });
        await this.#change(assignmentId, { isSeen: true });
      }
    });
  }

  #known(assignmentId: string): BookedAssignment {
    const notice = this.#notices.find((one) => one.assignmentId === assignmentId);
    if (notice !== undefined) return notice;
    const hint = "Load the page again: the desk may have taken it back.";
    throw new GatewayError("ASSIGNMENT_UNKNOWN", `there is no assignment ${assignmentId} here`, { hint });
  }

  /** The number first: after a crash between the two a number is missing, which the bridge waits for a while; never twice. */
  async #record(act: Omit<ActBody, "n" | "signature" | "position">): Promise<boolean> {
    const { node, journal, stamp, write, key, position } = this.#options;
    const n = this.#acts + 1;
    await journal.setSetting(COUNTER_SETTING, String(n));
    this.#acts = n;
    const at = position();
    const unsigned = { ...act, n, ...(at === undefined ? {} : { position: at }) };
    const now = stamp();
    const signer = key();
    const body =
      signer === undefined
        ? unsigned
        : signAct(unsigned, { node, atMs: now.atMs, keyId: signer.keyId }, signer.privateKey);
    return write({ ...now, kind: "act", body });
  }

  #change(assignmentId: string, set: Partial<BookedAssignment>): Promise<void> {
    return this.#keep(
      this.#notices.map((notice) => (notice.assignmentId === assignmentId ? { ...notice, ...set } : notice)),
    );
  }

  async #keep(notices: readonly BookedAssignment[]): Promise<void> {
    this.#notices = notices;
    await this.#options.journal.setSetting(NOTICES_SETTING, JSON.stringify(notices));
  }

  #inLine<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#line.then(act);
    this.#line = done.catch(() => {});
    return done;
  }
}

function shownState({ state, pending }: Pick<BookedAssignment, "state" | "pending">): AssignmentNotice["state"] {
  const last = pending.at(-1);
  return last === undefined ? state : STATE_AFTER[last.act];
}

const ORDER: readonly AssignmentNotice["state"][] = ["assigned", "acknowledged", "en-route", "on-scene", "done"];

function isAhead(act: CrewActName, state: AssignmentNotice["state"]): boolean {
  return act === "decline" || ORDER.indexOf(STATE_AFTER[act]) > ORDER.indexOf(state);
}
