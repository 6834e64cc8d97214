import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
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

/** Two minutes of it pass in about a second. */
function hastyClock() {
  const clock = systemClock();
  const startMs = clock.upMs();
  return { ...clock, upMs: () => startMs + (clock.upMs() - startMs) * SCALE };
}

test("a camera whose pictures nobody judges for two minutes is a fault, and only where a rule looks through it", {
  timeout: 60_000,
}, async (context) => {
  needRigs(context, "ffmpeg");
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
rules: { trucks: { kind: violation, cameras: [gate], classes: [truck] } }
vision: { judge: { model: ${JSON.stringify(join(state, "no-such-model"))} } }
`),
    DRIVERS,
  );
  if (!checked.ok) throw new Error(JSON.stringify(checked.faults));
  const clock = hastyClock();
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
  const raised = await vi.waitFor(
    () => {
      const found = written.flatMap(({ append = [] }) => append).filter((record) => record.kind === "alarm");
      if (found.length === 0) throw new Error("nothing raised yet");
      return found;
    },
    { timeout: 40_000, interval: 20 },
  );
  expect(raised[0]).toMatchObject({
    device: "gate",
    body: { family: "fault", phase: "raised", rule: "camera-unjudged" },
  });
  expect(raised.map(({ device }) => device)).not.toContain("yard");
});
