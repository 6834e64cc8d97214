/** A case's states; the last five are ends, from which only `reopen` leads back. */
export const CASE_STATES = [
  "open",
  "assigned",
  "acknowledged",
  "en-route",
  "on-scene",
  "resolved",
  "verifying",
  "suspended",
  "closed",
  "closed-unverified",
  "false-alarm",
  "self-cleared",
  "merged",
] as const;
export type CaseStateName = (typeof CASE_STATES)[number];

export const ENDED_STATES: readonly CaseStateName[] = [
  "closed",
  "closed-unverified",
  "false-alarm",
  "self-cleared",
  "merged",
];
/** A crew is at work in these. */
export const CREWED_STATES: readonly CaseStateName[] = ["assigned", "acknowledged", "en-route", "on-scene"];

export const CASE_MOVES = [
  "assign",
  "acknowledge",
  "set-out",
  "arrive",
  "resolve",
  /** The writer begins to watch the sensors. */
  "verify",
  "close",
  "close-unverified",
  /** The crew is taken off, declined or did not answer; or the site is loud after its “resolved” and another must go. */
  "release",
  /** The site is loud again before its closure was proven, and the crew can go on. */
  "bring-back",
  "suspend",
  /** Out of suspension into `open`; a case that was being verified, and is not loud again, goes on so by `resume-verifying`. */
  "resume",
  "resume-verifying",
  "false-alarm",
  "self-clear",
  /** Another case goes on with all that is in it. */
  "merge",
  "reopen",
] as const;
export type CaseMove = (typeof CASE_MOVES)[number];

const ENDS = {
  "false-alarm": "false-alarm",
  "close-unverified": "closed-unverified",
  close: "closed",
  merge: "merged",
} as const;
const ALWAYS = { ...ENDS, suspend: "suspended" } as const;

/** The whole machine: which move leads where. What is not here is not allowed. */
const TRANSITIONS: Record<CaseStateName, Partial<Record<CaseMove, CaseStateName>>> = {
  open: { ...ALWAYS, assign: "assigned", "self-clear": "self-cleared" },
  assigned: {
    ...ALWAYS,
    acknowledge: "acknowledged",
    "set-out": "en-route",
    arrive: "on-scene",
    release: "open",
  },
  acknowledged: { ...ALWAYS, "set-out": "en-route", arrive: "on-scene", release: "open" },
  "en-route": { ...ALWAYS, arrive: "on-scene", release: "open" },
  "on-scene": { ...ALWAYS, resolve: "resolved", release: "open" },
  resolved: { ...ALWAYS, verify: "verifying", "bring-back": "on-scene", release: "open" },
  verifying: { ...ALWAYS, "bring-back": "on-scene", release: "open" },
  suspended: { ...ENDS, resume: "open", "resume-verifying": "verifying" },
  closed: { reopen: "open" },
  "closed-unverified": { reopen: "open" },
  "false-alarm": { reopen: "open" },
  "self-cleared": { reopen: "open" },
  merged: { reopen: "open" },
};

/** @returns undefined where the move is not allowed */
export function nextState(state: CaseStateName, move: CaseMove): CaseStateName | undefined {
  return TRANSITIONS[state][move];
}

export function isEnded(state: CaseStateName): boolean {
  return ENDED_STATES.includes(state);
}

export function stateNamed(text: string): CaseStateName {
  const state = CASE_STATES.find((name) => name === text);
  if (state === undefined) throw new RangeError(`not a case state: ${text}`);
  return state;
}
