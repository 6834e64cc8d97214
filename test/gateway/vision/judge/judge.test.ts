import { createHash } from "node:crypto";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test, vi } from "vitest";
import { stringify } from "yaml";
import type { CameraEvidenceRequest, SmallFrame } from "../../../../gateway/contracts/vision.ts";
import { systemClock } from "../../../../gateway/system-clock.ts";
import { LatestFrame } from "../../../../gateway/vision/capture/latest-frame.ts";
import { Judge } from "../../../../gateway/vision/judge/judge.ts";
import { QuietLog } from "../../../fakes/quiet-log.ts";
import { temporaryDirectory } from "../../journal/sample-records.ts";
import { RULE } from "./scene.ts";

const GRAPHS = fileURLToPath(new URL("../models/graphs/", import.meta.url));
const SOON = { timeout: 20_000, interval: 10 };
const START_MS = 1_790_000_000_000;
const SIZE = { width: 64, height: 64 };

/** Puts one of the graphs into a model's folder. @returns its hash */
function putModel(folder: string, graph: string, family: string): string {
  copyFileSync(join(GRAPHS, `${graph}.onnx`), join(folder, "model.onnx"));
  const sha256 = createHash("sha256")
    .update(readFileSync(join(folder, "model.onnx")))
    .digest("hex");
  const input = { ...SIZE, scale: 1 / 255, fit: "stretch" };
  const manifest = { name: family, family, sha256, licence: "Apache-2.0", labels: ["truck", "person"], input };
  writeFileSync(join(folder, "manifest.yaml"), stringify(manifest));
  return sha256;
}

/** Both graphs see a truck in red, and nothing in black. */
function picture(upMs: number, red: number): SmallFrame {
  const rgb = new Uint8Array(SIZE.width * SIZE.height * 3);
  for (let at = 0; at < rgb.length; at += 3) rgb[at] = red;
  return { cameraId: "gate", atMs: START_MS + upMs, upMs, ...SIZE, rgb };
}

test("evidence names the model that judged, also where another one came back after its process had died", async () => {
  const folder = temporaryDirectory();
  const before = putModel(folder, "yolo", "yolo11");
  const frames = new LatestFrame("gate", false);
  const requests: CameraEvidenceRequest[] = [];
  const judge = new Judge({
    settings: {
      ...{ model: folder, deadlineMs: 20_000, heartbeatS: 1, inertiaS: 6 },
      ...{ motionHoldS: 2, motionStep: 14, motionPart: 0.003 },
    },
    modelFolder: folder,
    rules: [{ ...RULE, dwellS: 0 }],
    cameras: {
      frames: [frames],
      evidence: { request: (request) => [`${requests.push(request)}-still`] },
      show: () => undefined,
    },
    masks: {},
    clock: systemClock(),
    stamp: () => ({ atMs: START_MS, upMs: 0, timeQuality: "ntp" }),
    log: new QuietLog(),
    recent: [],
    position: () => undefined,
    speedMps: () => undefined,
    isWithin: () => true,
    write: () => undefined,
  });
  onTestFinished(() => judge.stop());
  const isReadyWith = (sha256: string) =>
    vi.waitFor(() => expect(judge.facts.inference).toMatchObject({ state: "ready", model: { sha256 } }), SOON);
  const show = async (upMs: number, red: number) => {
    const { judged = 0 } = judge.facts.cameras["gate"] ?? {};
    frames.put(picture(upMs, red));
    await vi.waitFor(() => expect(judge.facts.cameras["gate"]?.judged).toBe(judged + 1), SOON);
  };
  await isReadyWith(before);
  await show(1000, 0);
  // No picture is asked for meanwhile, so none fails.
  const after = putModel(folder, "rt-detr-ultralytics", "rt-detr");
  process.kill(judge.facts.inference.pid ?? 0, "SIGKILL");
  await isReadyWith(after);
  for (const upMs of [3000, 5000, 7000]) await show(upMs, 255);
  expect(requests[0]?.judgedBy?.model).toEqual({ name: "rt-detr", sha256: after, licence: "Apache-2.0" });
});
