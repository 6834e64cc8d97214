import type { ChildProcess } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePorts } from "../cli/sim/free-port.ts";
import { end, start } from "./children.ts";
import { startShao, stopped } from "./process-figures.ts";
import { processorOf, proportionalBytes, treeOf } from "./process-tree.ts";
import { CAMERAS, type RealCameras, type StreamKind } from "./real-cameras.ts";
import { type BenchRow, rounded } from "./report.ts";

const WARM_UP_S = 25;
const MEASURED_S = 40;
const MODEL = fileURLToPath(new URL("../models/site-watch/model.onnx", import.meta.url));
const NAIVE = fileURLToPath(new URL("./peers/naive-cameras.ts", import.meta.url));
const MIB = 2 ** 20;

interface Figures {
  /** Percent of one core, all processes. */
  readonly processor: number;
  readonly parts: Readonly<Record<"node" | "ffmpeg" | "detector", number>>;
  readonly memoryMib: number;
  readonly ringMib: number;
  readonly inferencesPerS: number;
  readonly pictureToVerdictMs: number | undefined;
}

/** Recording and judgement of four cameras, beside two ffmpeg a camera and ONNX Runtime as it comes. */
export async function cameraRows(cameras: RealCameras, kind: StreamKind): Promise<readonly BenchRow[]> {
  const urls = cameras.urls[kind];
  const ours = await ofShao(urls);
  const naive = await ofNaive(urls);
  const stream = kind === "main" ? "1280×720, 25 a second" : "640×360, 5 a second";
  // 350 MB, said in the unit of the row.
  const goals = kind === "main" ? { processor: 40, memory: 334 } : { processor: null, memory: null };
  const row = (metric: string, value: number, unit: string, goal: number | null, peer: number | null, note: string) =>
    ({
      metric: `${kind}-${metric}`,
      value: rounded(value),
      unit,
      goal,
      peer: peer && rounded(peer),
      limit: null,
      note,
    }) as const;
  const { node, ffmpeg, detector } = ours.parts;
  const shares = `node ${rounded(node)}, ffmpeg ${rounded(ffmpeg)}, detector ${rounded(detector)}`;
  const load = `load ${loadavg()[0]?.toFixed(0)}`;
  return [
    row(
      "processor",
      ours.processor,
      "% of a core",
      goals.processor,
      naive.processor,
      `${CAMERAS} cameras ${stream}; ${shares}; ${load}`,
    ),
    row(
      "memory",
      ours.memoryMib + ours.ringMib,
      "MiB",
      goals.memory,
      naive.memoryMib + naive.ringMib,
      `PSS of all processes, and ${rounded(ours.ringMib)} MiB of ring (peer: ${rounded(naive.ringMib)} of files)`,
    ),
    row(
      "inferences",
      ours.inferencesPerS,
      "1/s",
      null,
      naive.inferencesPerS,
      "something always moves; the peer judges its pictures too",
    ),
    ...(ours.pictureToVerdictMs === undefined
      ? []
      : [
          row(
            "picture-to-verdict",
            ours.pictureToVerdictMs,
            "ms",
            null,
            null,
            "mean, from the small picture's arrival",
          ),
        ]),
  ];
}

async function ofShao(urls: readonly string[]): Promise<Figures> {
  const folder = await mkdtemp(join(tmpdir(), "shao-bench-"));
  const [port = 0] = await freePorts(1);
  const config = join(folder, "gateway.yaml");
  const cameras = urls.map((url, index) => [`camera-${index}`, { url }] as const);
  const rule = { kind: "violation", cameras: cameras.map(([id]) => id), classes: ["truck/uncovered"] };
  const whole = {
    ...{ node: "bench-node", site: { name: "Bench", timeZone: "Asia/Shanghai" }, state: join(folder, "state") },
    bridge: { url: "mqtt://127.0.0.1:9", insecureLoopback: true },
    ...{ health: { port }, cameras: Object.fromEntries(cameras), rules: { trucks: rule } },
  };
  await writeFile(config, JSON.stringify(whole));
  const gateway = startShao(["gateway", "--config", config]);
  try {
    const numbers = async () => {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      return (name: string): number =>
        [...text.matchAll(new RegExp(`^shao_gateway_${name}(?:{[^}]*})? (.+)$`, "gm"))].reduce(
          (sum, [, value]) => sum + Number(value),
          0,
        );
    };
    await wait(WARM_UP_S * 1000);
    const before = await numbers();
    if (before("camera_live") !== urls.length)
      throw new Error(`${before("camera_live")} cameras live: ${gateway.said.join("")}`);
    const figures = await measured(gateway);
    const after = await numbers();
    const count = (name: string): number => after(name) - before(name);
    return {
      ...figures,
      ringMib: after("camera_ring_bytes") / MIB,
      inferencesPerS: count("inferences_total") / MEASURED_S,
      pictureToVerdictMs: (1000 * count("judge_delay_seconds_total")) / count("judge_judged_total"),
    };
  } finally {
    await stopped(gateway);
    await rm(folder, { recursive: true, force: true });
  }
}

async function ofNaive(urls: readonly string[]): Promise<Figures> {
  const folder = await mkdtemp(join(tmpdir(), "shao-bench-"));
  const naive = start(process.execPath, [NAIVE, MODEL, "320", "192", folder, ...urls]);
  const count = (): number => Number(naive.said.findLast((line) => /^\d+$/.test(line)) ?? 0);
  try {
    await wait(WARM_UP_S * 1000);
    const before = count();
    const figures = await measured(naive.child);
    const files = readdirSync(folder).map((name) => statSync(join(folder, name)).size);
    const ringMib = files.reduce((sum, size) => sum + size, 0) / MIB;
    return { ...figures, ringMib, inferencesPerS: (count() - before) / MEASURED_S, pictureToVerdictMs: undefined };
  } finally {
    for (const pid of treeOf(naive.child.pid ?? 0).slice(1)) process.kill(pid, "SIGKILL");
    await end(naive);
    await rm(folder, { recursive: true, force: true });
  }
}

async function measured({ pid = 0 }: ChildProcess): Promise<Pick<Figures, "processor" | "parts" | "memoryMib">> {
  const tree = treeOf(pid);
  const before = processorOf(tree);
  await wait(MEASURED_S * 1000);
  const after = processorOf(tree);
  const parts = { node: 0, ffmpeg: 0, detector: 0 };
  for (const [one, seconds] of after)
    parts[partOf(one, pid)] += (100 * (seconds - (before.get(one) ?? 0))) / MEASURED_S;
  const processor = parts.node + parts.ffmpeg + parts.detector;
  return { processor, parts, memoryMib: proportionalBytes(tree) / MIB };
}

function partOf(pid: number, root: number): keyof Figures["parts"] {
  if (pid === root) return "node";
  return readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("ffmpeg") ? "ffmpeg" : "detector";
}
