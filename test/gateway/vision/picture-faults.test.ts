import { beforeAll, expect, test, vi } from "vitest";
import { encodeInput, type Recording } from "../../../cli/sim/camera/recording.ts";
import { movingPictures, serveCamera } from "../../fakes/camera-rig.ts";
import { hasRig, needRigs } from "../../fakes/rigs.ts";
import { hastyClock, leftOpen, type WatchedCameras, watchCameras } from "../../fakes/vision-rig.ts";

/** The shortest times that a config may name pass in half a second, and the rate is seen as a tenth of what it is. */
const SCALE = 10;
const SOON = { timeout: 40_000, interval: 20 };

let moving: Recording;
let covered: Recording;

beforeAll(async () => {
  if (!hasRig("ffmpeg")) return;
  moving = await movingPictures({ codec: "h264", fps: 10 });
  // What a sensor sees behind a cap: nothing but its own noise.
  const cap = "color=0x202020:size=320x180:rate=10:duration=2,noise=alls=12:allf=t";
  covered = await encodeInput(["-f", "lavfi", "-i", cap], { codec: "h264", fps: 10 });
});

const sections = (url: string) => `
cameras:
  gate: { url: "${url}", frozenAfterS: 5, coveredAfterS: 5, expectFps: ${10 / SCALE}, analysis: { framesPerS: 10 } }`;

/** The newest word of each fault's alarm, and of the camera's health. */
function told({ alarms, healthOf }: WatchedCameras) {
  const phases = Object.fromEntries(alarms().map(({ body }) => [body.rule, body.phase]));
  return { phases, code: healthOf("gate")?.code };
}

test("a covered lens, a frozen picture and a low frame rate are told as such, and over when they are over", {
  timeout: 120_000,
}, async (context) => {
  needRigs(context, "ffmpeg");
  const { url, feed } = await serveCamera(moving);
  const cameras = await watchCameras(sections(url), hastyClock(SCALE));
  const isTold = (phases: object, code: string | undefined) =>
    vi.waitFor(() => expect(told(cameras)).toEqual({ phases, code }), SOON);
  await vi.waitFor(() => expect(cameras.healthOf("gate")?.state).toBe("online"), SOON);
  feed.play(covered);
  await isTold({ "camera-covered": "raised" }, "CAMERA_COVERED");
  feed.play(moving);
  await isTold({ "camera-covered": "cleared" }, undefined);
  feed.freeze(true);
  await isTold({ "camera-covered": "cleared", "camera-frozen": "raised" }, "CAMERA_FROZEN");
  feed.freeze(false);
  await isTold({ "camera-covered": "cleared", "camera-frozen": "cleared" }, undefined);
  feed.play({ ...moving, fps: 3 });
  await vi.waitFor(() => expect(told(cameras).code).toBe("CAMERA_FRAME_RATE"), SOON);
  expect(cameras.healthOf("gate")).toMatchObject({
    state: "online",
    message: expect.stringMatching(/^0\.[1-4] pictures a second instead of 1\.0$/),
  });
  feed.play(moving);
  await isTold({ "camera-covered": "cleared", "camera-frozen": "cleared" }, undefined);
  expect(cameras.alarms().map(({ body }) => [body.rule, body.phase, body.rev])).toEqual([
    ["camera-covered", "raised", 1],
    ["camera-covered", "cleared", 2],
    ["camera-frozen", "raised", 1],
    ["camera-frozen", "cleared", 2],
  ]);
});

test("a fault that stands over a restart keeps its alarm until a picture says otherwise", {
  timeout: 120_000,
}, async (context) => {
  needRigs(context, "ffmpeg");
  const { url, feed } = await serveCamera(covered);
  const cover = leftOpen("gate", "camera-covered");
  const frozen = leftOpen("gate", "camera-frozen");
  const cameras = await watchCameras(sections(url), hastyClock(SCALE), [cover, frozen]);
  // It has looked for long enough to say it anew. What trembles under its cap is not frozen.
  await vi.waitFor(() => expect(told(cameras).code).toBe("CAMERA_COVERED"), SOON);
  expect(told(cameras).phases).toEqual({ "camera-frozen": "cleared" });
  feed.play(moving);
  await vi.waitFor(() => expect(told(cameras).phases).toMatchObject({ "camera-covered": "cleared" }), SOON);
  expect(cameras.alarms().map(({ body }) => [body.alarmId, body.rev])).toEqual([
    [frozen.body.alarmId, 2],
    [cover.body.alarmId, 2],
  ]);
});
