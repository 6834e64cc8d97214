import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { forgetStart } from "../../../gateway/contracts/start-memory.ts";

test("what nothing needs any more is gone after the start, and what is needed stays", async () => {
  const kept = { value: 42 };
  const needed = new WeakRef(kept);
  const done = (() => new WeakRef({ rows: new Array(1000).fill(0) }))();
  await setImmediate();
  forgetStart();
  expect(done.deref()).toBeUndefined();
  expect(needed.deref()).toBe(kept);
});
