import { expect, test } from "vitest";
import { noteRun } from "../../../cloud-bridge/fleet/shared-id.ts";

function heard(...runs: readonly string[]): readonly boolean[] {
  let known: readonly string[] = [];
  return runs.map((run) => {
    const noted = noteRun(known, run);
    known = noted.runs;
    return noted.isBack;
  });
}

test("restarts and repeated hellos are one box", () => {
  expect(heard("a", "a", "b", "b", "c")).toEqual(Array(5).fill(false));
});

test("a run that comes back after another began is a second box", () => {
  expect(heard("a", "b", "a", "b", "b")).toEqual([false, false, true, true, false]);
});
