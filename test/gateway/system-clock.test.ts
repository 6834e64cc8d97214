import { expect, test } from "vitest";
import { systemClock } from "../../gateway/system-clock.ts";

function machine() {
  const at = { utcMs: 0, steadyMs: 50_000, bootMs: 900_000 };
  const clock = systemClock({ utcMs: () => at.utcMs, steadyMs: () => at.steadyMs, bootMs: () => at.bootMs });
  const run = (ms: number) => {
    at.steadyMs += ms;
    at.bootMs += ms;
    at.utcMs += ms;
  };
  return { at, clock, run };
}

test("the run's clock goes on while the machine sleeps, and never follows a clock that is set", () => {
  const { at, clock, run } = machine();
  run(5_000);
  expect(clock.upMs()).toBe(5_000);
  at.utcMs = 1_763_500_000_000;
  expect(clock.upMs()).toBe(5_000);
  // An hour of sleep: the steady clock stands still.
  at.bootMs += 3_600_000;
  run(1_000);
  expect(clock.upMs()).toBe(3_606_000);
  at.utcMs -= 7_200_000;
  run(1_000);
  expect(clock.upMs()).toBe(3_607_000);
});

test("however coarse the machine's uptime is, the run's clock does not step and never goes back", () => {
  const { at, clock, run } = machine();
  let last = 0;
  for (let i = 0; i < 2_000; i += 1) {
    run(700);
    at.bootMs += i % 2 === 0 ? 900 : -900;
    const upMs = clock.upMs();
    expect(upMs - last).toBe(700);
    last = upMs;
  }
  at.bootMs = 0;
  run(5_000);
  expect(clock.upMs()).toBe(last + 5_000);
});

test("the real machine's clocks agree to within their coarseness", async () => {
  const clock = systemClock();
  await clock.sleep(1_100);
  expect(clock.upMs()).toBeGreaterThanOrEqual(1_099);
  expect(clock.upMs()).toBeLessThan(60_000);
});
