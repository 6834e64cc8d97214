import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ageMs, isLate } from "../../../cloud-bridge/alarms/lateness.ts";
import { type AlarmRevision, type AlarmState, reduceRevision, settle } from "../../../cloud-bridge/alarms/reduce.ts";
import type { AlarmBody } from "../../../protocol/alarm.ts";

function revision(
  rev: number,
  phase: AlarmBody["phase"] = "updated",
  change: Partial<AlarmRevision> = {},
): AlarmRevision {
  return {
    node: "site-1",
    device: "noise-01",
    run: "run-1",
    seq: rev,
    ageMs: 0,
    body: {
      alarmId: "a",
      rev,
      phase,
      family: "noise",
      nature: "condition",
      rule: "night",
      ruleKind: "trigger",
      raisedAtMs: 0,
      stateAtMs: rev * 1000,
      limits: {},
      windows: [],
      evidence: [],
    },
    ...change,
  };
}

const fold = (revisions: readonly AlarmRevision[]): AlarmState | undefined =>
  revisions.reduce<AlarmState | undefined>((state, next) => reduceRevision(state, next).state, undefined);

describe("revisions of an alarm", () => {
  test("the outcome does not depend on the order of arrival, and exactly one arrival owes a follow-up", () => {
    const one = fc
      .record({
        rev: fc.integer({ min: 1, max: 4 }),
        run: fc.constantFrom("x", "y"),
        seq: fc.integer({ min: 1, max: 9 }),
      })
      .map(({ rev, run, seq }) => revision(rev, rev === 4 ? "cleared" : "updated", { run, seq }));
    fc.assert(
      fc.property(
        fc
          .array(one, { minLength: 1, maxLength: 8 })
          .chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
        ([all, shuffled]) => {
          expect(fold(shuffled)).toEqual(fold(all));
          let state: AlarmState | undefined;
          const outcomes = shuffled.map((next) => {
            const taken = reduceRevision(state, next);
            state = taken.state;
            return taken.outcome;
          });
          expect(outcomes.filter((outcome) => outcome === "raised")).toHaveLength(1);
        },
      ),
    );
  });

  test("a lower revision is only logged, and arrival of a clear closes nothing but this alarm", () => {
    const cleared = fold([revision(3, "cleared"), revision(2)]);
    expect(cleared).toMatchObject({ phase: "cleared", body: { rev: 3 } });
    expect(reduceRevision(cleared, revision(2)).outcome).toBe("logged");
    expect(reduceRevision(cleared, revision(9, "raised", { node: "site-2" })).outcome).toBe("foreign");
  });

  test("a key that is raised again under its old id stands again, and is live again", () => {
    expect(fold([revision(3, "cleared"), revision(4, "raised")])).toMatchObject({ phase: "raised", late: false });
  });
});

describe("settling by hello", () => {
  const heads = new Map([["run-1", 5]]);

  test("an alarm within the heads that the node does not list is superseded, and stands again once it is listed", () => {
    const open = fold([revision(2)]);
    if (open === undefined) throw new Error("no alarm");
    const superseded = settle(open, { current: "run-1", heads, open: new Set() });
    expect(superseded).toMatchObject({ superseded: true });
    if (superseded === undefined) return;
    expect(settle(superseded, { current: "run-1", heads, open: new Set() })).toBeUndefined();
    expect(settle(superseded, { current: "run-1", heads, open: new Set(["a"]) })).toMatchObject({
      superseded: false,
      phase: "updated",
    });
  });

  test("so is one of a run that the hello does not list: the card was swapped", () => {
    const open = fold([revision(2)]);
    if (open === undefined) throw new Error("no alarm");
    expect(settle(open, { current: "run-2", heads: new Map(), open: new Set() })).toMatchObject({ superseded: true });
  });

  test("hello says nothing of what came after it", () => {
    const raised = fold([revision(6, "raised")]);
    const cleared = fold([revision(6, "cleared")]);
    if (raised === undefined || cleared === undefined) throw new Error("no alarm");
    expect(settle(raised, { current: "run-1", heads, open: new Set() })).toBeUndefined();
    expect(settle(cleared, { current: "run-1", heads, open: new Set(["a"]) })).toBeUndefined();
  });

  test("beyond the head of a run that has ended an alarm lies on another card, and this node does not know it", () => {
    const raised = fold([revision(6, "raised")]);
    if (raised === undefined) throw new Error("no alarm");
    expect(settle(raised, { current: "run-2", heads, open: new Set() })).toMatchObject({ superseded: true });
    expect(settle(raised, { current: "run-2", heads, open: new Set(["a"]) })).toBeUndefined();
  });

  test("a cleared alarm that the node holds open after all is reopened", () => {
    const cleared = fold([revision(3, "cleared")]);
    if (cleared === undefined) throw new Error("no alarm");
    expect(settle(cleared, { current: "run-1", heads, open: new Set(["a"]) })).toMatchObject({
      phase: "updated",
      late: false,
    });
  });

  test("an event is never superseded", () => {
    const base = revision(2, "raised");
    const event = fold([{ ...base, body: { ...base.body, nature: "event" } }]);
    if (event === undefined) throw new Error("no alarm");
    expect(settle(event, { current: "run-1", heads, open: new Set() })).toBeUndefined();
  });
});

describe("age", () => {
  const tenMinutes = 600_000;

  test("in the running run it is monotonic, whatever the clocks say", () => {
    expect(ageMs({ upMs: 1_000, envelopeUpMs: 61_000, correctedAtMs: 0, nowMs: 9e12 })).toBe(60_000);
  });

  test("in an ended run it is by corrected time; unknown counts as live", () => {
    expect(ageMs({ upMs: 1_000, correctedAtMs: 100, nowMs: 700_100 })).toBe(700_000);
    expect(ageMs({ upMs: 1_000, nowMs: 5 })).toBeUndefined();
    expect(ageMs({ upMs: 1_000, correctedAtMs: 9e12, nowMs: 5 })).toBeUndefined();
    expect(isLate(undefined, "raised")).toBe(false);
    expect(isLate(tenMinutes, "raised")).toBe(false);
    expect(isLate(tenMinutes + 1, "raised")).toBe(true);
    expect(isLate(0, "cleared")).toBe(true);
  });
});
