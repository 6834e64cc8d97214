import { expect, test } from "vitest";
import { SharedIdDetector } from "../../../cloud-bridge/fleet/shared-id.ts";

test("restarts and repeated hellos are one box", () => {
  const detector = new SharedIdDetector();
  expect(["a", "a", "b", "b", "c"].map((run) => detector.hello("n1", run))).toEqual(Array(5).fill(false));
});

test("a run that comes back after another began is a second box", () => {
  const detector = new SharedIdDetector();
  expect(["a", "b", "a", "b", "b"].map((run) => detector.hello("n1", run))).toEqual([false, false, true, true, false]);
  expect(detector.hello("n2", "a")).toBe(false);
});
