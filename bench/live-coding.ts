import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";
import { DRIVERS } from "../drivers/registry.ts";
import { checkGatewayConfig } from "../gateway/config/load-gateway-config.ts";
import type { Logger } from "../gateway/contracts/logger.ts";
import { systemClock } from "../gateway/system-clock.ts";
import { Camera } from "../gateway/vision/capture/camera.ts";
import { probeFfmpeg } from "../gateway/vision/capture/ffmpeg.ts";
import { LiveCameras } from "../gateway/vision/live/live-cameras.ts";
import { endWithUs } from "./children.ts";
import { stopped } from "./process-figures.ts";
import { processorOf, proportionalBytes, treeOf } from "./process-tree.ts";
import type { RealCameras } from "./real-cameras.ts";
import { type BenchRow, rounded } from "./report.ts";

const WARM_UP_S = 8;
const MEASURED_S = 30;
const MIB = 2 ** 20;

/**
 * Live video of a camera that sends H.265, made H.264 for the bridge as `vision.live` says by default, while one looks. The
 * peer is one ffmpeg as it is usually written for this: it takes the camera and makes H.264 of every picture.
 */
export async function liveCodingRows({ urls }: RealCameras, log: Logger): Promise<readonly BenchRow[]> {
  const [url = ""] = urls.h265;
  const ours = await ofShao(url, log);
  const peer = await ofPeer(url);
  const note = `one camera of H.265 1280×720, 25 a second; ${rounded(ours.kbitPerS)} kbit/s of H.264 came out (peer: ${rounded(peer.kbitPerS)})`;
  const row = (metric: string, value: number, unit: string, other: number | null, words: string) =>
    ({
      metric,
      value: rounded(value),
      unit,
      goal: null,
      peer: other && rounded(other),
      limit: null,
      note: words,
    }) as const;
  return [
    row("live-h265-processor", ours.processor, "% of a core", peer.processor, note),
    row("live-h265-memory", ours.memoryMib, "MiB", peer.memoryMib, "PSS of the process that codes"),
    row(
      "live-h265-capture",
      ours.capture,
      "% of a core",
      null,
      "the same camera's ffmpeg beside it, which is there anyway",
    ),
  ];
}

async function ofShao(url: string, log: Logger) {
  const folder = await mkdtemp(join(tmpdir(), "shao-bench-"));
  const document = {
    ...{ node: "bench-node", timeZone: "UTC", state: join(folder, "state"), cameras: { gate: { url } } },
    bridge: { url: "mqtt://127.0.0.1:9", insecureLoopback: true },
  };
  const checked = await checkGatewayConfig(Buffer.from(JSON.stringify(document)), DRIVERS);
  const [settings] = checked.ok ? checked.config.cameras : [];
  if (!checked.ok || settings === undefined) throw new Error(`the config: ${JSON.stringify(checked)}`);
  const known = probeFfmpeg();
  const [clock, ffmpeg, end] = [systemClock(), () => known, new AbortController()];
  const camera = new Camera({ settings, ffmpeg, ringDirectory: join(folder, "ring"), clock, log, onHealth() {} });
  const { live: coding } = checked.config.vision;
  const view = new LiveCameras({ cameras: [camera], ffmpegPath: "ffmpeg", ffmpeg, coding, nowMs: Date.now, log });
  const running = camera.run(end.signal);
  let sizeBytes = 0;
  const leave = view.watchH264("gate", ({ kind, body }) => {
    if (kind === "fragment") sizeBytes += body.length;
  });
  try {
    await wait(WARM_UP_S * 1000);
    const children = treeOf(process.pid).filter((pid) => wordsOf(pid).startsWith("ffmpeg"));
    const coders = children.filter((pid) => wordsOf(pid).includes("libx264"));
    const capturing = children.filter((pid) => wordsOf(pid).includes("image2pipe"));
    if (coders.length !== 1 || capturing.length !== 1) throw new Error(`not one coder and one capture: ${children}`);
    const before = [sizeBytes, seconds(capturing), seconds(coders)] as const;
    await wait(MEASURED_S * 1000);
    const percent = (pids: readonly number[], since: number) => (100 * (seconds(pids) - since)) / MEASURED_S;
    return {
      processor: percent(coders, before[2]),
      capture: percent(capturing, before[1]),
      memoryMib: proportionalBytes(coders) / MIB,
      kbitPerS: ((sizeBytes - before[0]) * 8) / 1000 / MEASURED_S,
    };
  } finally {
    leave?.();
    end.abort();
    await running;
    await rm(folder, { recursive: true, force: true });
  }
}

async function ofPeer(url: string) {
  const input = ["-v", "error", "-rtsp_transport", "tcp", "-i", url, "-an"];
  const coded = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-f", "mpegts", "pipe:1"];
  const child = spawn("ffmpeg", [...input, ...coded], { stdio: ["ignore", "pipe", "ignore"] });
  endWithUs(child);
  let sizeBytes = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    sizeBytes += chunk.length;
  });
  const pids = [child.pid ?? 0];
  await wait(WARM_UP_S * 1000);
  const [bytes, spent] = [sizeBytes, seconds(pids)];
  await wait(MEASURED_S * 1000);
  const figures = {
    processor: (100 * (seconds(pids) - spent)) / MEASURED_S,
    memoryMib: proportionalBytes(pids) / MIB,
    kbitPerS: ((sizeBytes - bytes) * 8) / 1000 / MEASURED_S,
  };
  await stopped(child);
  return figures;
}

function wordsOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
}

function seconds(pids: readonly number[]): number {
  return [...processorOf(pids).values()].reduce((sum, one) => sum + one, 0);
}
