import { expect, test } from "vitest";
import { DriverError } from "../../../drivers/errors.ts";
import { SubjectHealth } from "../../../gateway/supervisor/subject-health.ts";
import type { DeviceBody } from "../../../protocol/bodies.ts";
import type { Subject } from "../../../protocol/ids.ts";

const TICK_MS = 500;

function rig() {
  const said: { readonly id: string; readonly state: DeviceBody["state"]; readonly atMs: number }[] = [];
  let upMs = 0;
  const health = new SubjectHealth(60_000, ({ id }, { state }) => said.push({ id, state, atMs: upMs }));
  const pass = (ms: number) => {
    for (const end = upMs + ms; upMs < end; ) {
      upMs += TICK_MS;
      health.tick(upMs, upMs);
    }
  };
  const online = (id: string) => health.online(subject(id), upMs, upMs);
  return { said, health, pass, online, upMs: () => upMs };
}

function subject(id: string): Subject {
  return { type: "terminal", id };
}

test("one subject is said when it comes and when it falls silent, and never again while it stays so", () => {
  const { said, pass, online } = rig();
  online("1");
  pass(3_600_000);
  expect(said.map(({ state }) => state)).toEqual(["online", "silent"]);
  online("1");
  pass(TICK_MS);
  expect(said.at(-1)).toMatchObject({ state: "online" });
});

test("five thousand that come and fall silent at once are one record each way, spread over minutes", () => {
  const { said, pass, online } = rig();
  for (let index = 0; index < 5000; index++) online(String(index));
  pass(150_000);
  expect(said).toHaveLength(5000);
  pass(600_000);
  expect(said).toHaveLength(10_000);
  const busiest = Map.groupBy(said, ({ atMs }) => Math.floor(atMs / 1000));
  expect(Math.max(...[...busiest.values()].map((inSecond) => inSecond.length))).toBeLessThanOrEqual(40);
});

test("one that comes and goes all the time is said once a minute, and its newest state in the end", () => {
  const said: string[] = [];
  const health = new SubjectHealth(1000, (_, { state }) => said.push(state));
  let upMs = 0;
  for (; upMs < 600_000; upMs += TICK_MS) {
    if (upMs % 5000 === 0) health.online(subject("1"), upMs, upMs);
    health.tick(upMs, upMs);
  }
  for (; upMs < 800_000; upMs += TICK_MS) health.tick(upMs, upMs);
  expect(said.length).toBeLessThanOrEqual(13);
  expect(said.at(-1)).toBe("silent");
});

test("a fault that persists is shown, and what is silent for a day is forgotten", () => {
  const { health, pass, online, upMs } = rig();
  online("1");
  const error = new DriverError("DEVICE_ODD", "odd", { retry: "backoff", hint: "Look." });
  for (let count = 0; count < 5; count++) health.fault(subject("1"), error, upMs(), upMs());
  expect(health.all).toMatchObject([{ subject: { id: "1" }, body: { state: "online", code: "DEVICE_ODD" } }]);
  pass(25 * 3_600_000);
  expect(health.all).toEqual([]);
});
