import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import { destination, pino } from "pino";
import { DRIVERS } from "../../drivers/registry.ts";
import { loadGatewayConfig } from "../../gateway/config/load-gateway-config.ts";
import { GATEWAY_NEGATIVE_CONTROLS, parseGatewayFaultPoint } from "../../gateway/contracts/fault-points.ts";
import type { Gateway } from "../../gateway/gateway.ts";
import { keepRunning } from "../../gateway/keep-running.ts";
import { newAlarmId } from "../../protocol/new-ids.ts";

/**
 * `shao gateway` with a camera's stage that takes a clip of noise every other second, while the file named by SHAO_CLIPS_WHILE is
 * there: nothing is to be seen, but each clip is a file in custody like any other.
 */
const CLIP_EVERY_MS = 2_000;
const CLIP_BYTES = 24 * 1024;

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    config: { type: "string", default: "" },
    "log-level": { type: "string", default: "warn" },
    "fault-point": { type: "string" },
    "negative-control": { type: "string" },
  },
});
const loaded = await loadGatewayConfig(values.config, DRIVERS);
if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults));
const { config } = loaded;
const asked = new Promise<"signal">((resolve) => process.once("SIGTERM", () => resolve("signal")));
const faultPoint = values["fault-point"];
const negativeControl = GATEWAY_NEGATIVE_CONTROLS.find((control) => control === values["negative-control"]);
let running: Gateway | undefined;

const timer = setInterval(() => {
  const { SHAO_CLIPS_WHILE: path = "" } = process.env;
  if (running === undefined || !existsSync(path)) return;
  const atMs = Date.now();
  const alarmId = newAlarmId(atMs);
  const from = { bytes: randomBytes(CLIP_BYTES + Math.floor(Math.random() * 3 * CLIP_BYTES)) };
  const body = { evidenceId: `clip-${alarmId}`, alarmId, parts: [], missing: [] };
  const media = [{ name: "clip", type: "clip", fromMs: atMs - 10_000, toMs: atMs, from }] as const;
  const record = {
    kind: "evidence",
    upMs: Math.round(process.uptime() * 1000),
    atMs,
    timeQuality: "ntp",
    body,
  } as const;
  // A disk that takes nothing is the store's affair; it is not asked again.
  void running.evidence.take({ record, media }).catch(() => {});
}, CLIP_EVERY_MS);

await keepRunning(
  {
    config,
    version: "fault-test",
    log: pino({ level: values["log-level"], base: { node: config.node } }, destination({ dest: 2, sync: true })),
    ...(faultPoint === undefined ? {} : { faultPoint: parseGatewayFaultPoint(faultPoint) }),
    ...(negativeControl === undefined ? {} : { negativeControl }),
  },
  asked,
  (gateway) => {
    running = gateway;
  },
);
clearInterval(timer);
process.disconnect?.();
