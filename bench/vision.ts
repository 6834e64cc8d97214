import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { systemClock } from "../gateway/system-clock.ts";
import { InferenceProcess } from "../gateway/vision/inference/inference-process.ts";
import { MotionGate } from "../gateway/vision/judge/motion-gate.ts";
import { startBareSession } from "./bare-session.ts";
import { median } from "./first-reading.ts";
import { cameraRows } from "./four-cameras.ts";
import { frameToAlarmRows } from "./frame-to-alarm.ts";
import { liveCodingRows } from "./live-coding.ts";
import { runParts } from "./parts.ts";
import { processorS, residentBytes } from "./process-figures.ts";
import { type RealCameras, type StreamKind, startRealCameras } from "./real-cameras.ts";
import { type BenchRow, rounded } from "./report.ts";

const PICTURES = 150;
const WARM_UP = 15;
const FRAME = { width: 640, height: 360 };
const SITE_WATCH = fileURLToPath(new URL("../models/site-watch/", import.meta.url));
const NANO = fileURLToPath(new URL("../../shared/models/yolox-nano/model.onnx", import.meta.url));

const silent = { debug() {}, info() {}, warn() {}, error() {}, fatal() {}, child: () => silent };

async function nanoRows(): Promise<readonly BenchRow[]> {
  if (!existsSync(NANO)) throw new Error("../shared/models/yolox-nano is not there");
  const folder = await nanoFolder();
  try {
    return await modelRows("yolox-nano", folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function withCameras(
  rows: (cameras: RealCameras) => Promise<readonly BenchRow[]>,
  kinds?: readonly StreamKind[],
): Promise<readonly BenchRow[]> {
  await using cameras = await startRealCameras(kinds);
  if (cameras === undefined) throw new Error("scripts/setup --test installs ffmpeg and GStreamer's RTSP server");
  return await rows(cameras);
}

async function modelRows(name: string, folder: string): Promise<BenchRow[]> {
  const picture = { ...FRAME, rgb: noise(FRAME.width * FRAME.height * 3) };
  const inference = new InferenceProcess({
    folder,
    deadlineMs: 60_000,
    openDeadlineMs: 60_000,
    clock: systemClock(),
    log: silent,
  });
  await inference.ready();
  const session = await startBareSession(folder);
  const whole: number[] = [];
  const bare: number[] = [];
  const spent = { wholeS: 0, bareS: 0 };
  const { pid = 0 } = inference.facts;
  let childS = 0;
  // Turn by turn, so that whatever else this machine does falls on both.
  for (let index = 0; index < PICTURES + WARM_UP; index++) {
    const startedMs = performance.now();
    const beforeS = processorS(pid);
    const parent = process.cpuUsage();
    await inference.detect(picture);
    const wholeMs = performance.now() - startedMs;
    const usedS = processorS(pid) - beforeS;
    const parentS = secondsSince(parent);
    const alone = await session.run();
    if (index < WARM_UP) continue;
    whole.push(wholeMs);
    bare.push(alone.wallMs);
    childS += usedS;
    spent.wholeS += usedS + parentS;
    spent.bareS += alone.processorS;
  }
  const memory = residentBytes(pid);
  session.end();
  await inference.close();
  const run = median(bare);
  const part = 100 * (spent.wholeS / spent.bareS - 1);
  const note = `${PICTURES} pictures of ${FRAME.width}×${FRAME.height}, one thread; the second stage does not run`;
  return [
    row(`${name}-picture`, median(whole), "ms", null, run, `${note}; limit: bare session.run in a process of its own`),
    row(
      `${name}-overhead`,
      part,
      "%",
      15,
      null,
      "processor time of both processes over bare session.run: resampling, the pipe, decoding, suppression",
    ),
    row(
      `${name}-processor`,
      (1000 * childS) / PICTURES,
      "ms",
      null,
      null,
      "processor time of the detector's process a picture",
    ),
    row(`${name}-memory`, memory / 2 ** 20, "MiB", null, null, "RSS of the detector's process"),
  ];
}

function secondsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** Nothing moves: what a picture costs that is not worth a detector's time. */
function gateRow(): BenchRow {
  const gate = new MotionGate({ masks: [], heartbeatS: 3600, motionHoldS: 0, motionStep: 14, motionPart: 0.003 });
  const rgb = noise(FRAME.width * FRAME.height * 3);
  const times: number[] = [];
  for (let index = 0; index < 500; index++) {
    const startedMs = performance.now();
    gate.wants({ cameraId: "gate", atMs: 0, upMs: index * 500, ...FRAME, rgb }, false);
    times.push(performance.now() - startedMs);
  }
  return row("motion-gate", median(times), "ms", null, null, `one picture of ${FRAME.width}×${FRAME.height}`);
}

function row(
  metric: string,
  value: number,
  unit: string,
  goal: number | null,
  limit: number | null,
  note: string,
): BenchRow {
  return { metric, value: rounded(value), unit, goal, peer: null, limit: limit === null ? null : rounded(limit), note };
}

function noise(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = 1;
  for (let at = 0; at < length; at++) {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    bytes[at] = state >> 16;
  }
  return bytes;
}

async function nanoFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "shao-nano-"));
  await copyFile(NANO, join(folder, "model.onnx"));
  const sha256 = createHash("sha256")
    .update(await readFile(NANO))
    .digest("hex");
  const labels = Array.from({ length: 80 }, (_, index) => `c${index}`).join(", ");
  const input = "{ width: 416, height: 416, colour: bgr, fit: letterbox-top-left }";
  const text = `name: nano\nfamily: yolox\nsha256: ${sha256}\nlicence: Apache-2.0\nlabels: [${labels}]\ninput: ${input}\n`;
  await writeFile(join(folder, "manifest.yaml"), text);
  return folder;
}

/**
 * What judging a picture costs beside the bare `session.run`, what is spent where nothing moves, and four cameras of a real
 * RTSP server recorded and judged.
 */
await runParts("vision", {
  "site-watch": { what: "our model beside the bare session.run", run: () => modelRows("site-watch", SITE_WATCH) },
  "yolox-nano": { what: "the same with a detector of COCO", run: nanoRows },
  gate: { what: "a picture in which nothing moves", run: async () => [gateRow()] },
  main: { what: "four cameras of 1280×720, 25 a second", run: () => withCameras((four) => cameraRows(four, "main")) },
  sub: {
    what: "four second streams of 640×360, 5 a second",
    run: () => withCameras((four) => cameraRows(four, "sub")),
  },
  h265: {
    what: "a camera of H.265 looked at over the bridge: its video is coded anew",
    run: () => withCameras((four) => liveCodingRows(four, silent), ["h265"]),
  },
  alarm: {
    what: "a truck appears, until its alarm, beside four cameras",
    run: () => withCameras(({ urls }) => frameToAlarmRows(urls.main)),
  },
});
