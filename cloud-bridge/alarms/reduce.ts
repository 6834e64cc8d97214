import type { AlarmBody, AlarmPhase } from "../../protocol/alarm.ts";
import { isBelievableDate } from "../../protocol/believable-date.ts";
import type { Subject } from "../../protocol/ids.ts";
import { isLate } from "./lateness.ts";

/** One alarm as the bridge holds it: its newest revision, and what became of it since. */
export interface AlarmState {
  readonly node: string;
  readonly device: string;
  readonly subject?: Subject;
  /** The newest revision, in full. */
  readonly body: AlarmBody;
  /** When it was raised, and when this revision was made: corrected where the node's own clock was not to be believed. */
  readonly raisedAtMs: number;
  readonly stateAtMs: number;
  /** Where that revision lies. */
  readonly run: string;
  readonly seq: number;
  /** As the bridge sees it now: the body's phase, unless the node's hello said that the alarm is open after all. */
  readonly phase: AlarmPhase;
  /** The node no longer knows of it though it never cleared. */
  readonly superseded: boolean;
  /** Its newest revision was older than ten minutes when it arrived, or it has cleared. */
  readonly late: boolean;
}

/** A revision as it comes from an alarm record. */
export interface AlarmRevision {
  readonly node: string;
  readonly device: string;
  readonly subject?: Subject;
  readonly run: string;
  readonly seq: number;
  readonly body: AlarmBody;
  /** See lateness.ts; undefined counts as live. */
  readonly ageMs: number | undefined;
  /** Corrected UTC of its record, less what the node stamped. Absent: the stamp stands. */
  readonly shiftMs?: number;
}

/**
 * `raised`: the bridge hears of this alarm for the first time, whatever its revision, and owes it a follow-up.
 * `revised`: it replaces what was known. `logged`: it is older than what is known. `foreign`: another node's alarm has this
 * id, which is an integrity fault; nothing changes.
 */
export type RevisionOutcome = "raised" | "revised" | "logged" | "foreign";

/**
 * Takes one revision. The result does not depend on the order in which revisions arrive: the highest `rev` stands, between
 * equal ones the later state, then the larger place.
 */
export function reduceRevision(
  before: AlarmState | undefined,
  revision: AlarmRevision,
): { readonly state: AlarmState; readonly outcome: RevisionOutcome } {
  if (before !== undefined) {
    if (before.node !== revision.node) return { state: before, outcome: "foreign" };
    if (!isNewer(revision, before)) return { state: before, outcome: "logged" };
  }
  const { node, device, subject, run, seq, body } = revision;
  const state: AlarmState = {
    node,
    device,
    ...(subject === undefined ? {} : { subject }),
    body,
    ...datesOf(revision),
    run,
    seq,
    phase: body.phase,
    superseded: false,
    late: isLate(revision.ageMs, body.phase),
  };
  return { state, outcome: before === undefined ? "raised" : "revised" };
}

/** What the hello of the session that the retained `state` names says of its node's alarms. */
export interface SettledSession {
  /** The run that is being written: only its head can have grown since. */
  readonly current: string;
  /** Head of every run that the hello lists. */
  readonly heads: ReadonlyMap<string, number>;
  /** Alarms that are open on the node. */
  readonly open: ReadonlySet<string>;
}

/**
 * Settles one alarm once nothing up to the hello's heads is outstanding. An alarm whose newest record lies beyond the
 * head of the running run is younger than the hello, which says nothing of it; beyond the head of an ended run it lies on
 * another card. Events happened and cannot be superseded, and the bridge's own
 * alarms are none of the node's.
 * @returns the changed state, or undefined when nothing changes
 */
export function settle(state: AlarmState, session: SettledSession): AlarmState | undefined {
  if (state.body.nature === "event" || state.run === BRIDGE_RUN) return undefined;
  const head = session.heads.get(state.run);
  if (state.run === session.current && head !== undefined && state.seq > head) return undefined;
  const isOpen = state.phase !== "cleared" && !state.superseded;
  if (session.open.has(state.body.alarmId)) {
    return isOpen ? undefined : { ...state, superseded: false, phase: reopenedPhase(state), late: false };
  }
  return isOpen ? { ...state, superseded: true } : undefined;
}

/** `run` of the bridge's own alarms about a node, which lie in no run of it. */
export const BRIDGE_RUN = "";

/** Whether the alarm stands now. */
export function isAlarmOpen(state: Pick<AlarmState, "phase" | "superseded">): boolean {
  return state.phase !== "cleared" && !state.superseded;
}

/** The body keeps what the node stamped. A raise that was stamped before the clock was true is no older than its revision. */
function datesOf({ body, shiftMs = 0 }: AlarmRevision) {
  const stateAtMs = body.stateAtMs + shiftMs;
  const ownMs = body.raisedAtMs + shiftMs;
  return { stateAtMs, raisedAtMs: isBelievableDate(ownMs) ? ownMs : stateAtMs };
}

function reopenedPhase(state: AlarmState): AlarmPhase {
  return state.body.phase === "cleared" ? "updated" : state.body.phase;
}

function isNewer(revision: AlarmRevision, state: AlarmState): boolean {
  if (revision.body.rev !== state.body.rev) return revision.body.rev > state.body.rev;
  if (revision.body.stateAtMs !== state.body.stateAtMs) return revision.body.stateAtMs > state.body.stateAtMs;
  if (revision.run !== state.run) return revision.run > state.run;
  return revision.seq > state.seq;
}
