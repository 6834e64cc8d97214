import { describe, expect, test } from "vitest";
import { runModel } from "./script.ts";
import type { Mutation, Step } from "./world.ts";

/** Each wrong build, and what the model must say of it. */
const WRONG: readonly (readonly [Mutation, RegExp])[] = [
  ["receipt-on-puback", /marked as receipted that the bridge has not stored/],
  ["receipt-before-commit", /marked as receipted that the bridge has not stored/],
  ["receipts-of-any-epoch", /an alarm is lost|neither stored nor declared|marked as receipted that the bridge has not/],
  ["run-id-reused", /other bytes are stored|an alarm('s newest revision)? is lost|neither stored nor declared/],
  ["run-id-from-card", /other bytes are stored|an alarm|neither stored/],
  ["forgets-unheard", /neither stored nor declared|lost/],
  ["tail-lost", /an alarm|only declared|neither stored/],
  ["hello-in-newest-version", /neither stored nor declared|an alarm|drain/],
  ["no-unique-key", /in 2 cases|in [3-9] cases/],
  ["writer-without-lock", /two cases of one kind are open/],
  ["declared-is-a-repeat", /only declared|lost/],
];

/** Every build is tried on this first: a bridge that is restored from a backup while its node has nothing to say. */
const RESTORED: readonly Step[] = [
  { act: "record", thenMs: 5_000, size: 1 },
  { act: "back-up", thenMs: 100, size: 0 },
  { act: "raise", thenMs: 5_000, size: 0 },
  { act: "restore", thenMs: 5_000, size: 0 },
];

/** A card is copied for a second box, and both are used in turn. */
const CLONED: readonly Step[] = [
  { act: "record", thenMs: 5_000, size: 1 },
  { act: "clone-card", thenMs: 100, size: 0 },
  { act: "swap-card", thenMs: 5_000, size: 2 },
  { act: "record", thenMs: 5_000, size: 2 },
  { act: "swap-card", thenMs: 5_000, size: 0 },
  { act: "raise", thenMs: 5_000, size: 0 },
];

/** The same, and then a month goes by. */
const RESTORED_AND_OLD: readonly Step[] = [...RESTORED, { act: "month", thenMs: 5_000, size: 0 }];

/** A card comes back from a drawer after a month in which the bridge was restored from a backup. */
const PUT_BACK: readonly Step[] = [
  { act: "record", thenMs: 5_000, size: 0 },
  { act: "back-up", thenMs: 100, size: 0 },
  { act: "raise", thenMs: 5_000, size: 0 },
  { act: "swap-card", thenMs: 5_000, size: 1 },
  { act: "restore", thenMs: 5_000, size: 0 },
  { act: "month", thenMs: 5_000, size: 0 },
  { act: "swap-card", thenMs: 5_000, size: 0 },
];

describe("the model goes red on", () => {
  for (const [mutation, sentence] of WRONG) {
    test(mutation, () => {
      let said = "";
      try {
        runModel(600, 7, mutation, [RESTORED, RESTORED_AND_OLD, CLONED, PUT_BACK]);
      } catch (error) {
        said = `${error} ${error instanceof Error ? error.cause : ""}`;
      }
      expect(said).toMatch(sentence);
    });
  }
});
