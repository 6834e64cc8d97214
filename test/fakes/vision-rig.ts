import { onTestFinished } from "vitest";
import type { Clock } from "../../drivers/driver.ts";
import { DRIVERS } from "../../drivers/registry.ts";
import { checkGatewayConfig } from "../../gateway/config/load-gateway-config.ts";
import type { EvidenceTaker } from "../../gateway/contracts/evidence.ts";
import type { JournalRestore, JournalWrite } from "../../gateway/contracts/journal.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import type { TimeKeeper } from "../../gateway/time/time-keeper.ts";
import { CAMERA_WATCH, type CameraFault } from "../../gateway/vision/capture/camera-faults.ts";
import { VisionSide } from "../../gateway/vision-side.ts";
import type { DeviceBody } from "../../protocol/bodies.ts";
import { newAlarmId } from "../../protocol/new-ids.ts";
import type { NewRecord } from "../../protocol/record.ts";
import { temporaryDirectory } from "../gateway/journal/sample-records.ts";
import { QuietLog } from "./quiet-log.ts";

/** A clock whose up-time runs so many times as fast: whoever measures by it waits less, and counts as many times fewer a second. */
export function hastyClock(scale: number): Clock {
  const clock = systemClock();
  const startMs = clock.upMs();
  return { ...clock, upMs: () => startMs + (clock.upMs() - startMs) * scale };
}

/** An alarm of a camera's own fault that an earlier run left open. */
export function leftOpen(device: string, rule: CameraFault): JournalRestore["openAlarms"][number] {
  const raisedAtMs = Date.now() - 60_000;
  const kind = { family: "fault", nature: "condition", rule, ruleKind: CAMERA_WATCH } as const;
  const state = { phase: "raised", rev: 1, raisedAtMs, stateAtMs: raisedAtMs } as const;
  const body = { alarmId: newAlarmId(raisedAtMs), ...kind, ...state, limits: {}, windows: [], evidence: [] };
  return { device, subject: "", body };
}

export interface WatchedCameras {
  /** All that was written of alarms, oldest first. */
  alarms(): readonly Extract<NewRecord, { kind: "alarm" }>[];
  healthOf(camera: string): DeviceBody | undefined;
}

/** The cameras of a gateway and what comes of them, without the gateway; ended with the test. @param sections of its config */
export async function watchCameras(
  sections: string,
  clock: Clock,
  openAlarms: JournalRestore["openAlarms"] = [],
): Promise<WatchedCameras> {
  const checked = await checkGatewayConfig(
    Buffer.from(`
node: site-gate
site: { name: Gate, timeZone: Asia/Shanghai }
bridge: { url: "mqtt://127.0.0.1:9", insecureLoopback: true }
state: ${JSON.stringify(temporaryDirectory())}
${sections}
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
    restored: { openAlarms, recentAlarms: [] },
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
  return {
    alarms: () => written.flatMap(({ append = [] }) => append).filter((record) => record.kind === "alarm"),
    healthOf: (camera) => side.health().find(({ device }) => device === camera)?.body,
  };
}
