import { expect, test } from "vitest";
import { DriverError } from "../../../drivers/errors.ts";
import { HealthTracker } from "../../../gateway/supervisor/health-tracker.ts";
import type { DeviceBody } from "../../../protocol/bodies.ts";

test("a listener that nobody has called yet is online and says so, until somebody is heard", () => {
  const said: DeviceBody[] = [];
  const tracker = new HealthTracker(undefined, 0, 0, (body) => said.push(body));
  tracker.listening(1000, 1000);
  tracker.tick(60_000, 60_000, true);
  expect(tracker.body).toMatchObject({ state: "online", code: "LISTENING_UNHEARD" });
  tracker.online(61_000, 61_000);
  expect(tracker.body).toEqual({ state: "online", sinceMs: 1000 });
  expect(said.map(({ state, code }) => [state, code])).toEqual([
    ["starting", undefined],
    ["online", "LISTENING_UNHEARD"],
    ["online", undefined],
  ]);
});

test("parked it is neither silent nor offline, and drives on as starting", () => {
  const said: DeviceBody[] = [];
  const tracker = new HealthTracker(1000, 0, 0, (body) => said.push(body));
  tracker.online(500, 500);
  tracker.park(true, 1000, 1000);
  tracker.tick(600_000, 600_000, true);
  tracker.offline(new DriverError("BUS_LOST", "gone", { retry: "backoff", hint: "-" }), 1000, 601_000, 601_000);
  expect(tracker.body).toEqual({ state: "parked", sinceMs: 1000 });
  tracker.park(false, 700_000, 700_000);
  expect(tracker.state).toBe("starting");
  tracker.tick(703_001, 703_001, true);
  expect(tracker.state).toBe("silent");
  expect(said.map(({ state }) => state)).toEqual(["starting", "online", "parked", "starting", "silent"]);
});
