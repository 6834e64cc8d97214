import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import type { Clock } from "../../../drivers/driver.ts";
import { DRIVERS } from "../../../drivers/registry.ts";
import { checkGatewayConfig } from "../../../gateway/config/load-gateway-config.ts";
import type { EvidenceTaker } from "../../../gateway/contracts/evidence.ts";
import type { JournalWrite } from "../../../gateway/contracts/journal.ts";
import { systemClock } from "../../../gateway/system-clock.ts";
import type { TimeKeeper } from "../../../gateway/time/time-keeper.ts";
import { VisionSide } from "../../../gateway/vision-side.ts";
import { movingPictures, serveCamera } from "../../fakes/camera-rig.ts";
import { QuietLog } from "../../fakes/quiet-log.ts";
import { needRigs } from "../../fakes/rigs.ts";
import { temporaryDirectory } from "../journal/sample-records.ts";

const SCALE = 100;
const SOON = { timeout: 40_000, interval: 20 };

/** Two minutes of it pass in about a second. */
function hastyClock() {
  const clock = systemClock();
  const startMs = clock.upMs();
  return { ...clock, upMs: () => startMs + (clock.upMs() - startMs) * SCALE };
}

/** Two cameras with the same pictures, `gate` with rules and `yard` without. */
async function watched(rules: string, model: string, clock: Clock) {
  const { url } = await serveCamera(await movingPictures({ codec: "h264", fps: 10 }));
  const state = temporaryDirectory();
  const checked = await checkGatewayConfig(
    Buffer.from(`
node: site-gate
site: { name: Gate, timeZone: Asia/Shanghai }
bridge: { url: "mqtt://127.0.0.1:9", insecureLoopback: true }
state: ${JSON.stringify(state)}
cameras:
  gate: { url: "${url}", frozenAfterS: 86400, coveredAfterS: 86400 }
  yard: { url: "${url}", frozenAfterS: 86400, coveredAfterS: 86400 }
rules: ${rules}
vision: { judge: { model: ${JSON.stringify(model)} } }
`),
    DRIVERS,
  );
  if (!checked.ok) throw new Error(JSON.stringify(checked.faults));
  const stamp = () => ({
    atMs: Math.round(clock.nowMs()),
    upMs: Math.round(clock.upMs()),
    timeQuality: "ntp" as const,
  });
  const written: JournalWrite[] = [];
  const side = await VisionSide.start({
    config: checked.config,
    clock,
    time: { stamp } as TimeKeeper,
    log: new QuietLog(),
    restored: { openAlarms: [], recentAlarms: [] },
    evidence: { take: async () => true } as unknown as EvidenceTaker,
    position: () => undefined,
    onHealth: () => undefined,
    write: (write) => written.push(write),
    isWatched: () => false,
    publishLive: () => undefined,
    videoWanted: () => undefined,
    videoLine: undefined as never,
  });
  onTestFinished(() => side.stop());
  const alarms = () => written.flatMap(({ append = [] }) => append).filter((record) => record.kind === "alarm");
  const healthOf = (camera: string) => side.health().find(({ device }) => device === camera)?.body;
  return { alarms, healthOf };
}

test("a camera whose pictures nobody judges for two minutes is a fault, and only where a rule looks through it", {
  timeout: 60_000,
}, async (context) => {
  needRigs(context, "ffmpeg");
  const model = join(temporaryDirectory(), "no-such-model");
  const { alarms, healthOf } = await watched(
    "{ trucks: { kind: violation, cameras: [gate], classes: [truck] } }",
    model,
    hastyClock(),
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
