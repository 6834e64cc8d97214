import { join } from "node:path";
import { expect, test, vi } from "vitest";
import type { Clock } from "../../../drivers/driver.ts";
import type { JournalRestore } from "../../../gateway/contracts/journal.ts";
import { systemClock } from "../../../gateway/system-clock.ts";
import { movingPictures, serveCamera } from "../../fakes/camera-rig.ts";
import { needRigs } from "../../fakes/rigs.ts";
import { hastyClock, leftOpen, watchCameras } from "../../fakes/vision-rig.ts";
import { temporaryDirectory } from "../journal/sample-records.ts";

/** Two minutes pass in about a second. */
const SCALE = 100;
const SOON = { timeout: 40_000, interval: 20 };

/** Two cameras with the same pictures, `gate` with rules and `yard` without. */
async function watched(rules: string, model: string, clock: Clock, openAlarms?: JournalRestore["openAlarms"]) {
  const { url } = await serveCamera(await movingPictures({ codec: "h264", fps: 10 }));
  const sections = `
cameras:
  gate: { url: "${url}", frozenAfterS: 86400, coveredAfterS: 86400 }
  yard: { url: "${url}", frozenAfterS: 86400, coveredAfterS: 86400 }
rules: ${rules}
vision: { judge: { model: ${JSON.stringify(model)} } }`;
  return watchCameras(sections, clock, openAlarms);
}

test("a camera whose pictures nobody judges for two minutes is a fault, and only where a rule looks through it", {
  timeout: 60_000,
}, async (context) => {
  needRigs(context, "ffmpeg");
  const model = join(temporaryDirectory(), "no-such-model");
  const { alarms, healthOf } = await watched(
    "{ trucks: { kind: violation, cameras: [gate], classes: [truck] } }",
    model,
    hastyClock(SCALE),
  );
  await vi.waitFor(() => expect(alarms()).not.toEqual([]), SOON);
  expect(alarms()[0]).toMatchObject({
    device: "gate",
    body: { family: "fault", phase: "raised", rule: "camera-unjudged" },
  });
  // The bridge hears why, with the health of the device.
  expect(healthOf("gate")).toMatchObject({
    state: "online",
    code: expect.stringMatching(/^MODEL_(MISSING|QUARANTINED)$/),
  });
  expect(healthOf("gate")?.message).toContain("no-such-model");
  expect(alarms().map(({ device }) => device)).not.toContain("yard");
  expect(healthOf("yard")?.code).toBe(undefined);
});

test("a rule that looks only for what its model never sees is a fault of its cameras", {
  timeout: 60_000,
}, async (context) => {
  needRigs(context, "ffmpeg");
  const { alarms, healthOf } = await watched(
    "{ trucks: { kind: violation, cameras: [gate], classes: [truck/uncoverd] } }",
    "site-watch",
    systemClock(),
  );
  await vi.waitFor(() => expect(alarms()).not.toEqual([]), SOON);
  expect(alarms()).toHaveLength(1);
  expect(alarms()[0]).toMatchObject({ device: "gate", body: { phase: "raised", rule: "camera-unjudged" } });
  expect(healthOf("gate")).toMatchObject({
    state: "online",
    code: "JUDGE_CLASS",
    message: "the rule trucks looks for truck/uncoverd, which the model site-watch never sees",
    hint: "Correct `classes`. The model knows truck, person, truck/covered, truck/uncovered.",
  });
});

test("a rule that sees some of what it looks for raises no fault, and says what it does not see", {
  timeout: 60_000,
}, async (context) => {
  needRigs(context, "ffmpeg");
  const { alarms, healthOf } = await watched(
    `{ people: { kind: violation, cameras: [gate], classes: [person] },
       trucks: { kind: violation, cameras: [gate], classes: [truck, excavator] } }`,
    "site-watch",
    systemClock(),
  );
  await vi.waitFor(() => expect(healthOf("gate")).toMatchObject({ state: "online", code: "JUDGE_CLASS" }), SOON);
  expect(healthOf("gate")?.message).toContain("the rule trucks looks for excavator,");
  expect(alarms()).toEqual([]);
});

test("what no picture was judged for before a restart is over once a model judges again, and not before", {
  timeout: 60_000,
}, async (context) => {
  needRigs(context, "ffmpeg");
  const rules = "{ trucks: { kind: violation, cameras: [gate], classes: [truck] } }";
  const open = leftOpen("gate", "camera-unjudged");
  // The camera lives well before a model that does not come is given up.
  const away = await watched(rules, join(temporaryDirectory(), "no-such-model"), hastyClock(SCALE / 10), [open]);
  const hears = { state: "online", code: expect.stringMatching(/^MODEL_/) };
  await vi.waitFor(() => expect(away.healthOf("gate")).toMatchObject(hears), SOON);
  expect(away.alarms()).toEqual([]);
  const back = await watched(rules, "site-watch", systemClock(), [open]);
  await vi.waitFor(() => expect(back.alarms()).toHaveLength(1), SOON);
  expect(back.alarms()[0]?.body).toMatchObject({ alarmId: open.body.alarmId, phase: "cleared", clearReason: "quiet" });
});
