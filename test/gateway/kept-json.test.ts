import { expect, test } from "vitest";
import { AssignmentBook } from "../../gateway/assignments/assignment-book.ts";
import { CommandMemory } from "../../gateway/commands/command-memory.ts";
import { keptList, keptNumber } from "../../gateway/contracts/kept-json.ts";

const journal = (kept: string | undefined) => ({ getSetting: async () => kept, setSetting: async () => {} });

test.each([['{"'], ["[{]"], ["null"], ["7"], ["NaN"], [""]])(
  "what a damaged card made of a setting, %j, keeps no gateway from starting",
  async (kept) => {
    const options = {
      node: "car-7",
      journal: journal(kept),
      stamp: () => ({ upMs: 1, atMs: 1, timeQuality: "ntp" as const }),
    };
    const more = { write: async () => true, key: () => undefined, position: () => undefined };
    expect((await AssignmentBook.open({ ...options, ...more })).assignments).toEqual([]);
    expect((await CommandMemory.open(journal(kept))).isAnswered("c1")).toBe(false);
  },
);

test("a journal that cannot be read is another matter", async () => {
  const broken = { getSetting: () => Promise.reject(new Error("broken")) };
  await expect(keptList(broken, "any")).rejects.toThrow("broken");
  await expect(keptNumber(broken, "any")).rejects.toThrow("broken");
  expect([await keptList(journal("[1]"), "any"), await keptNumber(journal("12"), "any")]).toEqual([[1], 12]);
});
