import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { expect, onTestFinished, test, vi } from "vitest";
import { encodeInput } from "../../../cli/sim/camera/recording.ts";
import { DRIVERS } from "../../../drivers/registry.ts";
import { checkGatewayConfig } from "../../../gateway/config/load-gateway-config.ts";
import { openForReading, storedRows } from "../../../gateway/journal/inspect.ts";
import { startGateway } from "../../../gateway/main.ts";
import { Detector } from "../../../gateway/vision/models/detector.ts";
import { readModel } from "../../../gateway/vision/models/read-manifest.ts";
import { decodeRecord, isKind } from "../../../protocol/record-codec.ts";
import { serveCamera } from "../../fakes/camera-rig.ts";
import { QuietLog } from "../../fakes/quiet-log.ts";
import { needRigs } from "../../fakes/rigs.ts";
import { temporaryDirectory } from "../journal/sample-records.ts";

const MODEL = fileURLToPath(new URL("../../../models/site-watch/", import.meta.url));
const CLIP = join(MODEL, "scenes/uncovered-at-night.mp4");

function recordsIn(state: string) {
  using journal = openForReading(state);
  return [...storedRows(journal)].flatMap(({ bytes }) => {
    const decoded = decodeRecord(bytes);
    return decoded.ok && decoded.known !== undefined ? [decoded.known] : [];
  });
}

test("the model that we ship sees the truck of its clip, and that its bed is open", async (context) => {
  needRigs(context, "ffmpeg");
  const folder = temporaryDirectory();
  const still = join(folder, "still.png");
  spawnSync("ffmpeg", ["-v", "error", "-ss", "10", "-i", CLIP, "-frames:v", "1", still]);
  const { data, info } = await sharp(still).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const detector = await Detector.open(await readModel(MODEL));
  const { detections } = await detector.detect({ width: info.width, height: info.height, rgb: data });
  await detector.close();
  const trucks = detections.filter(({ label }) => label.startsWith("truck"));
  expect(trucks).toMatchObject([{ label: "truck/uncovered" }]);
  // Where it was drawn.
  const [left, top, width, height] = trucks[0]?.box ?? [0, 0, 0, 0];
  expect([left + width / 2, top + height / 2].map(Math.round)).toEqual([
    expect.closeTo(337, -2),
    expect.closeTo(152, -2),
  ]);
});

test("a truck with an open bed at the gate is one alarm, with the picture and the clip that prove it", {
  timeout: 120_000,
}, async (context) => {
  needRigs(context, "ffmpeg");
  const standing = await encodeInput(["-ss", "8", "-t", "4", "-i", CLIP], { codec: "h264", fps: 10 });
  const { url } = await serveCamera(standing);
  const state = temporaryDirectory();
  const checked = await checkGatewayConfig(
    Buffer.from(`
node: site-gate
site: { name: Gate, timeZone: Asia/Shanghai, latitudeDeg: 39.9, longitudeDeg: 116.4 }
bridge: { url: "mqtt://127.0.0.1:9", insecureLoopback: true }
state: ${JSON.stringify(state)}
health: { port: 0 }
cameras: { gate: { url: "${url}", clipBeforeS: 1, clipAfterS: 1 } }
rules:
  open-bed: { kind: violation, cameras: [gate], classes: [truck/uncovered], dwellS: 2, zone: [[0.1, 0.3], [0.9, 0.3], [0.9, 1], [0.1, 1]] }
  cover: { kind: violation, cameras: [gate], classes: [truck/covered, excavator], dwellS: 1 }
`),
    DRIVERS,
  );
  if (!checked.ok) throw new Error(JSON.stringify(checked.faults));
  const log = new QuietLog();
  const gateway = await startGateway({ config: checked.config, version: "test", log });
  onTestFinished(() => gateway.stop());
  const records = await vi.waitFor(
    () => {
      const all = recordsIn(state);
      if (all.filter(({ kind }) => kind === "evidence").length < 2) throw new Error(JSON.stringify(log.lines));
      return all;
    },
    { timeout: 100_000, interval: 100 },
  );
  const metrics = await (await fetch(`http://127.0.0.1:${gateway.localPort}/metrics`)).text();
  const value = (name: string): number => Number(new RegExp(`^shao_gateway_${name} (.*)$`, "m").exec(metrics)?.[1]);
  expect(value('camera_live{camera="gate"}')).toBe(1);
  expect(value("inferences_total")).toBeGreaterThan(1);
  expect(value('judge_judged_total{camera="gate"}')).toBeGreaterThan(1);
  expect(value('judge_frames_total{camera="gate"}')).toBeGreaterThanOrEqual(value('judge_judged_total{camera="gate"}'));
  expect(value('judge_delay_seconds_total{camera="gate"}')).toBeGreaterThan(0);
  const health = await (await fetch(`http://127.0.0.1:${gateway.localPort}/health`)).text();
  expect(health).toContain('"code":"JUDGE_CLASS","message":"gate: the rule cover looks for excavator,');
  const alarms = records.filter((record) => isKind(record, "alarm"));
  expect(alarms).toHaveLength(1);
  const [alarm] = alarms;
  expect(alarm).toMatchObject({
    device: "gate",
    subject: { type: "track" },
    body: { family: "vision", nature: "event", rule: "open-bed", ruleKind: "violation", phase: "raised", rev: 1 },
  });
  expect(alarm?.body.detail).toMatch(/^truck\/uncovered box=[\d.,]+ model=site-watch@[0-9a-f]{12} rule=[0-9a-f]{16}$/);
  const evidence = records.filter((record) => isKind(record, "evidence"));
  expect(evidence.map(({ body }) => body.evidenceId).sort()).toEqual([...(alarm?.body.evidence ?? [])].sort());
  for (const { body } of evidence) {
    expect(body).toMatchObject({
      alarmId: alarm?.body.alarmId,
      missing: [],
      rule: "open-bed",
      judgedBy: {
        model: { name: "site-watch", licence: "Apache-2.0" },
        classifier: { name: "site-watch-bed", licence: "Apache-2.0" },
      },
    });
  }
  const kinds = evidence.flatMap(({ body }) => body.parts.map(({ type }) => type));
  expect(new Set(kinds)).toEqual(new Set(["snapshot", "clip"]));
  const clip = evidence.flatMap(({ body }) => body.parts).find(({ type }) => type === "clip");
  const path = join(temporaryDirectory(), "clip.mp4");
  writeFileSync(path, readFileSync(join(state, "evidence/files", clip?.sha256 ?? "")));
  const seen = spawnSync("ffprobe", [
    "-v",
    "error",
    "-count_frames",
    "-show_entries",
    "stream=nb_read_frames",
    "-of",
    "csv=p=0",
    path,
  ]);
  expect(Number(seen.stdout.toString())).toBeGreaterThan(10);
});
