import { Value } from "typebox/value";
import { expect, test } from "vitest";
import { systemClock } from "../../../../gateway/system-clock.ts";
import { CameraHealth } from "../../../../gateway/vision/capture/camera-health.ts";
import { DeviceBody } from "../../../../protocol/bodies.ts";

const words = (code: string, length = 10) => ({ code, message: "m".repeat(length), hint: "h".repeat(length) });
const NONE = new Set<never>();

test("words of any length make a record that the bridge takes", () => {
  const said: unknown[] = [];
  const health = new CameraHealth(systemClock(), (body) => said.push(body));
  health.live();
  health.tick("live", NONE, undefined, undefined, { isBlind: true, words: words("MODEL_MANIFEST", 2000) });
  health.lost({ ...words("", 2000), code: "CAMERA_ENDED" }, 1000);
  expect(said).toHaveLength(3);
  for (const body of said) expect(Value.Check(DeviceBody, body)).toBe(true);
});

test("that nothing is judged comes before a full ring, and that a rule sees less than it should behind it", () => {
  const health = new CameraHealth(systemClock(), () => {});
  health.live();
  const told = (isBlind: boolean): string | undefined => {
    health.tick("live", NONE, undefined, "ENOSPC", { isBlind, words: words("JUDGE_CLASS") });
    return health.body.code;
  };
  expect([told(true), told(false)]).toEqual(["JUDGE_CLASS", "CAMERA_RING"]);
});
