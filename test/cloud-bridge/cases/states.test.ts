import fc from "fast-check";
import { expect, test } from "vitest";
import {
  CASE_MOVES,
  CASE_STATES,
  type CaseStateName,
  ENDED_STATES,
  isEnded,
  nextState,
} from "../../../cloud-bridge/cases/states.ts";
import type { TimelineFacts } from "../../../cloud-bridge/cases/timeline.ts";
import { brokenAt, chainedHash, firstHash } from "../../../cloud-bridge/evidence/timeline-chain.ts";

test("every state can be reached from open, and every state leads on", () => {
  const seen = new Set<CaseStateName>(["open"]);
  for (const state of seen) {
    const next = CASE_MOVES.map((move) => nextState(state, move)).filter((found) => found !== undefined);
    expect(next, state).not.toEqual([]);
    for (const found of next) seen.add(found);
  }
  expect([...seen].sort()).toEqual([...CASE_STATES].sort());
});

test("an ended case only reopens, and only a verifying one is proven quiet", () => {
  for (const state of ENDED_STATES) {
    expect(CASE_MOVES.filter((move) => nextState(state, move) !== undefined)).toEqual(["reopen"]);
  }
  expect(CASE_STATES.filter((state) => nextState(state, "verify") !== undefined)).toEqual(["resolved"]);
  expect(CASE_STATES.filter((state) => nextState(state, "resolve") !== undefined)).toEqual(["on-scene"]);
});

test("what a crew called resolved can go to the next crew, and a suspended verification to a crew or on", () => {
  for (const state of ["resolved", "verifying"] as const) {
    expect(nextState(state, "assign"), "only over open, so that the timeline says why").toBeUndefined();
    expect(nextState(state, "release")).toBe("open");
  }
  expect(nextState("open", "assign")).toBe("assigned");
  expect((["resume", "resume-verifying"] as const).map((move) => nextState("suspended", move))).toEqual([
    "open",
    "verifying",
  ]);
});

test("no walk along the machine closes a case by itself without a crew's resolve", () => {
  const BY_ITSELF = CASE_MOVES.filter((move) => !["close", "close-unverified", "false-alarm", "merge"].includes(move));
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...BY_ITSELF), { maxLength: 40 }), (moves) => {
      let state: CaseStateName = "open";
      for (const move of moves) state = nextState(state, move) ?? state;
      expect(isEnded(state) && state !== "self-cleared").toBe(false);
    }),
  );
});

test("a changed, moved, dropped or inserted entry breaks the chain", () => {
  const chain = (caseId: string, kinds: readonly string[]): TimelineFacts[] => {
    let before = firstHash(caseId);
    return kinds.map((kind, index) => {
      const entry = {
        seq: index + 1,
        kind,
        actor: "system:desk",
        channel: "system" as const,
        serverTimeMs: 1000 + index,
        detail: { from: "open", at: { x: 1, a: [1, 2] } },
      };
      before = chainedHash(before, entry);
      return { ...entry, hash: before };
    });
  };
  const entries = chain("c1", ["opened", "assigned", "closed"]);
  const [one, two, three] = entries;
  if (one === undefined || two === undefined || three === undefined) return;
  expect(brokenAt("c1", entries)).toBeUndefined();
  expect(brokenAt("c2", entries)).toBe(1);
  expect(brokenAt("c1", [one, { ...two, actor: "somebody" }, three])).toBe(2);
  expect(brokenAt("c1", [one, three])).toBe(2);
  expect(brokenAt("c1", [two, one, three])).toBe(1);
  expect(brokenAt("c1", [one, { ...two, detail: { from: "open", at: { a: [1, 2], x: 1 } } }, three])).toBeUndefined();
});
