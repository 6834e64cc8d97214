import fc from "fast-check";
import { expect, test } from "vitest";
import type { Actor } from "../../../cloud-bridge/dispatch/actor.ts";
import { brokenAt } from "../../../cloud-bridge/evidence/timeline-chain.ts";
import { BridgeError } from "../../../cloud-bridge/store/errors.ts";
import { CENTRE, CITY, cityRig, POLICE, STREET, WATER } from "../../fakes/whistle-city.ts";

const MINUTE_MS = 60_000;
const PEOPLE: readonly Actor[] = [STREET, CENTRE, CITY, POLICE, WATER];
const REFUSALS = [
  "WHISTLE_MOVE",
  "WHISTLE_FOREIGN",
  "WHISTLE_REVIEW",
  "WHISTLE_UNITS",
  "WHISTLE_RATED",
  "WHISTLE_LEG_UNKNOWN",
];
/** What may follow what, of a leg: a later state never goes back. */
const NEXT: Readonly<Record<string, readonly string[]>> = {
  waiting: ["called"],
  called: ["received", "on-scene", "returned"],
  received: ["on-scene", "returned"],
  "on-scene": ["handled"],
};
const OVER = ["handled", "returned"];

/** Of a leg, three times of four, the one whose act it is. */
const who = fc.integer({ min: 0, max: 19 });
const step = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant("review" as const), who, isApproved: fc.boolean() }) },
  {
    weight: 14,
    arbitrary: fc.record({
      do: fc.constant("leg" as const),
      who,
      leg: fc.nat(2),
      // What leaves a state by its right way is rarer than what must be refused there.
      act: fc.constantFrom("receive", "receive", "handled", "handled", "on-scene", "return"),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("rate" as const),
      who,
      leg: fc.nat(2),
      of: fc.constantFrom("unit", "caller"),
      rating: fc.integer({ min: 1, max: 5 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("call" as const), who, unitId: fc.constantFrom("police", "jianwai") }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("lead" as const), who, unitId: fc.constantFrom("police", "water") }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("archive" as const), who }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("time" as const), minutes: fc.integer({ min: -60, max: 900 }) }),
  },
);
type Step = ReturnType<(typeof step)["generate"]>["value"];

test("whatever departments, streets and time do, a whistle makes no illegal move, counts each clock once and is rated once each way", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      fc.array(step, { minLength: 8, maxLength: 40, size: "max" }),
      async (isDrawn, steps) => {
        const isReviewed = isDrawn || steps.length > 16;
        const rig = await cityRig();
        const { id } = await rig.blow();
        if (isReviewed) await rig.act(id, CENTRE, { act: "review", isApproved: true, opinion: "needed" });
        const theWhistle = async () => {
          const [only] = (await rig.detail()).whistles;
          if (only === undefined) throw new Error("no whistle");
          return only;
        };
        let before = await theWhistle();
        for (const one of steps) {
          await take(rig, id, before.legs, one).catch((error: unknown) => {
            if (!(error instanceof BridgeError) || !REFUSALS.includes(error.code)) throw error;
          });
          const after = await theWhistle();
          for (const leg of before.legs) {
            const now = after.legs.find((other) => other.id === leg.id);
            const isLegal = now?.state === leg.state || NEXT[leg.state]?.includes(now?.state ?? "") === true;
            expect(isLegal, `${leg.state} → ${now?.state} by ${JSON.stringify(one)}`).toBe(true);
            if (leg.ratingOfUnit !== undefined) expect(now?.ratingOfUnit).toEqual(leg.ratingOfUnit);
            if (leg.ratingOfCaller !== undefined) expect(now?.ratingOfCaller).toEqual(leg.ratingOfCaller);
            if (leg.dueSceneAtMs !== undefined) expect(now?.dueSceneAtMs).toBe(leg.dueSceneAtMs);
          }
          before = after;
        }
        const { case: view, timeline } = await rig.detail();
        expect(brokenAt(view.id, timeline)).toBeUndefined();
        const kinds = timeline.map(({ kind }) => kind);
        const late = before.legs
          .flatMap((leg) => [leg.isSceneOverdue, leg.isHandleOverdue])
          .filter((is) => is === true);
        expect([view.supervisionCount, kinds.filter((kind) => kind === "whistle-overdue").length]).toEqual([
          late.length,
          late.length,
        ]);
        const rated = before.legs
          .flatMap((leg) => [leg.ratingOfUnit, leg.ratingOfCaller])
          .filter((is) => is !== undefined);
        expect(kinds.filter((kind) => kind === "whistle-rated")).toHaveLength(rated.length);
        const isOver = before.legs.every(({ state }) => OVER.includes(state));
        expect(["handled", "returned", "archived"].includes(before.state)).toBe(isOver);
      },
    ),
    { numRuns: 10, endOnFailure: true },
  );
}, 60_000);

type Leg = { readonly id: string; readonly unitId: string };
/** Who speaks for each unit that may be called; the street that may has no desk of its own. */
const DESKS: Readonly<Record<string, Actor>> = { water: WATER, police: POLICE, jianwai: CENTRE };

/** A department acts on its own leg and rates the caller; the street rates the department. */
function whose(one: Extract<Step, { leg: number }>, leg: Leg | undefined): Actor {
  if (one.do === "rate" && one.of === "unit") return STREET;
  return DESKS[leg?.unitId ?? ""] ?? CITY;
}

type Rig = Awaited<ReturnType<typeof cityRig>>;

async function take(rig: Rig, whistleId: string, legs: readonly Leg[], one: Step): Promise<unknown> {
  if (one.do === "time") {
    rig.clock.atMs += one.minutes * MINUTE_MS;
    await Promise.all([rig.makeDesk().tick(), rig.desk.tick()]);
    return undefined;
  }
  // Which leg is first changes with the lead and with who is called later.
  const leg = "leg" in one ? legs[one.leg % legs.length] : undefined;
  const legId = leg?.id ?? "none";
  const actor = "leg" in one && one.who % 4 !== 0 ? whose(one, leg) : (PEOPLE[one.who % PEOPLE.length] ?? STREET);
  switch (one.do) {
    case "review":
      return rig.act(whistleId, actor, { act: "review", isApproved: one.isApproved, opinion: "seen" });
    case "call":
    case "lead":
      return rig.act(whistleId, actor, { act: one.do, unitId: one.unitId });
    case "archive":
      return rig.act(whistleId, actor, { act: "archive" });
    case "rate":
      return rig.leg(legId, actor, { act: "rate", of: one.of, rating: one.rating });
    case "leg":
      if (one.act === "handled") return rig.leg(legId, actor, { act: "handled", result: "done" });
      if (one.act === "return") return rig.leg(legId, actor, { act: "return", cause: "not ours" });
      return rig.leg(legId, actor, { act: one.act });
  }
}
