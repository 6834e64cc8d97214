import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { stringify } from "yaml";
import { systemClock } from "../../../../gateway/system-clock.ts";
import { InferenceProcess, type InferenceSettings } from "../../../../gateway/vision/inference/inference-process.ts";
import type { Picture } from "../../../../gateway/vision/models/picture.ts";
import { QuietLog } from "../../../fakes/quiet-log.ts";
import { VirtualClock } from "../../../fakes/virtual-clock.ts";
import { temporaryDirectory } from "../../journal/sample-records.ts";

const GRAPHS = fileURLToPath(new URL("../models/graphs/", import.meta.url));
const BROKEN = fileURLToPath(new URL("./broken-model.ts", import.meta.url));
const LONG = { timeout: 25_000, interval: 10 };

let folder = "";
let manifest: object = {};
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "shao-inference-"));
  await copyFile(join(GRAPHS, "yolo.onnx"), join(folder, "model.onnx"));
  const sha256 = createHash("sha256")
    .update(await readFile(join(folder, "model.onnx")))
    .digest("hex");
  const input = { width: 64, height: 64, scale: 1 / 255, fit: "stretch" };
  manifest = {
    name: "tiny",
    family: "yolov8",
    sha256,
    licence: "Apache-2.0",
    labels: ["truck", "person"],
    input,
  };
  await writeFile(join(folder, "manifest.yaml"), stringify(manifest));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function picture(first: number, width = 640, height = 360): Picture {
  const rgb = new Uint8Array(width * height * 3);
  for (let at = 0; at < rgb.length; at += 3) rgb[at] = first;
  return { width, height, rgb };
}

function start(settings: Partial<InferenceSettings> = {}) {
  const log = new QuietLog();
  const inference = new InferenceProcess({
    folder,
    deadlineMs: 20_000,
    openDeadlineMs: 20_000,
    clock: systemClock(),
    log,
    random: () => 0.5,
    ...settings,
  });
  return { inference, log };
}

/** @returns the folder of a model that says how it fails */
async function named(how: string): Promise<string> {
  const folder = temporaryDirectory();
  await writeFile(join(folder, "manifest.yaml"), stringify({ ...manifest, name: how }));
  return folder;
}

const isAlive = (pid: number | undefined): boolean => pid !== undefined && existsSync(`/proc/${pid}`);

test("judges pictures in a process of its own, each caller's own, and comes back after it was killed", async () => {
  const { inference } = start();
  const model = await inference.ready();
  expect(model).toMatchObject({ name: "tiny", labels: ["truck", "person"] });
  const { pid = 0 } = inference.facts;
  expect(pid).not.toBe(process.pid);
  // Twelve at once wait in line; the picture decides the score, so an answer given to another caller would show.
  const reds = Array.from({ length: 12 }, (_, index) => 255 - index * 10);
  const found = await Promise.all(reds.map((red) => inference.detect(picture(red, 320 + red, 180))));
  expect(found.map(({ detections }) => Number(detections[0]?.score.toFixed(3)))).toEqual(
    reds.map((red) => Number((0.9 * (red / 255)).toFixed(3))),
  );
  expect(found[0]?.detections[0]).toMatchObject({ label: "truck" });
  const late = inference.detect(picture(255)).catch((error: unknown) => error);
  process.kill(pid, "SIGKILL");
  expect(await late).toMatchObject({ code: "INFERENCE_LOST" });
  expect(isAlive(pid)).toBe(false);
  await expect(inference.detect(picture(255))).rejects.toMatchObject({ code: "INFERENCE_DOWN" });
  await inference.ready();
  expect((await inference.detect(picture(255))).detections).toHaveLength(3);
  expect(inference.facts).toMatchObject({ state: "ready", starts: 2, inferences: 13 });
  const second = inference.facts.pid;
  await inference.close();
  expect(isAlive(second)).toBe(false);
  await expect(inference.ready()).rejects.toMatchObject({ code: "INFERENCE_DOWN" });
});

test("a file that was exchanged is not loaded", async () => {
  const other = await mkdtemp(join(tmpdir(), "shao-exchanged-"));
  await copyFile(join(folder, "manifest.yaml"), join(other, "manifest.yaml"));
  await writeFile(join(other, "model.onnx"), "another graph");
  const { inference, log } = start({ folder: other });
  await vi.waitFor(() => expect(inference.facts).toMatchObject({ state: "down", why: { code: "MODEL_HASH" } }), LONG);
  await vi.waitFor(() => expect(log.lines).toHaveLength(1), LONG);
  await inference.close();
  await rm(other, { recursive: true });
});

test("a manifest on a disk that hangs is given up in time, tried again, and keeps nobody from ending", async () => {
  const hanging = temporaryDirectory();
  const path = join(hanging, "manifest.yaml");
  spawnSync("mkfifo", [path]);
  const { inference } = start({ folder: hanging, openDeadlineMs: 200 });
  await vi.waitFor(
    () => expect(inference.facts).toMatchObject({ state: "down", why: { code: "INFERENCE_DEADLINE" } }),
    LONG,
  );
  await vi.waitFor(() => expect(inference.facts.state).toBe("starting"), LONG);
  expect(inference.facts.starts).toBeGreaterThan(1);
  await inference.close();
  expect(inference.facts.state).toBe("closed");
  // Whoever still reads it is let go.
  await writeFile(path, "");
});

test("a picture that takes too long costs the process, not the node", async () => {
  const { inference } = start({ program: BROKEN, folder: await named("hangs"), deadlineMs: 50 });
  await inference.ready();
  const { pid } = inference.facts;
  await expect(inference.detect(picture(1, 8, 8))).rejects.toMatchObject({ code: "INFERENCE_DEADLINE" });
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), LONG);
  await inference.close();
});

test("a model that crashes on every picture is given up, and tried again after an hour", async () => {
  const clock = new VirtualClock();
  const { inference, log } = start({ program: BROKEN, folder: await named("crashes"), clock });
  for (let crash = 1; crash <= 5; crash++) {
    await vi.waitFor(async () => {
      if (inference.facts.state === "down") await clock.advance(1000);
      expect(inference.facts.state).toBe("ready");
    }, LONG);
    await expect(inference.detect(picture(66, 8, 8))).rejects.toMatchObject({ code: "INFERENCE_LOST" });
  }
  await vi.waitFor(
    () => expect(inference.facts).toMatchObject({ state: "quarantined", why: { code: "MODEL_QUARANTINED" } }),
    LONG,
  );
  await clock.advance(3_000_000);
  expect(inference.facts).toMatchObject({ state: "quarantined", starts: 5 });
  // Not so far that its time to load would pass too: the process itself lives in real time.
  await clock.advance(600_500);
  await inference.ready();
  expect((await inference.detect(picture(1, 8, 8))).detections).toEqual([]);
  // Once for the crash, once for giving up.
  expect(log.lines.map(({ fields }) => (fields as { code: string }).code)).toEqual([
    "INFERENCE_LOST",
    "MODEL_QUARANTINED",
  ]);
  await inference.close();
});

test("a process that dies at its start is tried ever more rarely", async () => {
  const clock = new VirtualClock();
  const { inference } = start({ program: BROKEN, folder: await named("dies-at-once"), clock });
  const pauses: number[] = [];
  for (let start = 1; start <= 4; start++) {
    await vi.waitFor(() => expect(inference.facts).toMatchObject({ state: "down", starts: start }), LONG);
    const fromMs = clock.upMs();
    while (inference.facts.starts === start) await clock.advance(250);
    pauses.push(clock.upMs() - fromMs);
  }
  expect(pauses).toEqual([1000, 2000, 4000, 8000]);
  await inference.close();
});

test("the process ends when its parent is killed, also in the middle of a picture", async () => {
  const program = `
    import { InferenceProcess } from ${JSON.stringify(new URL("../../../../gateway/vision/inference/inference-process.ts", import.meta.url).href)};
    import { systemClock } from ${JSON.stringify(new URL("../../../../gateway/system-clock.ts", import.meta.url).href)};
    const log = { error() {} };
    const inference = new InferenceProcess({ folder: ${JSON.stringify(folder)}, deadlineMs: 60000, openDeadlineMs: 60000, clock: systemClock(), log });
    await inference.ready();
    process.stdout.write(inference.facts.pid + "\\n");
    const picture = { width: 640, height: 360, rgb: new Uint8Array(640 * 360 * 3) };
    for (;;) await inference.detect(picture);
  `;
  const parent = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(parent.stdout, "data")) as [Buffer];
  const pid = Number(line.toString());
  expect(isAlive(pid)).toBe(true);
  parent.kill("SIGKILL");
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), LONG);
});

test("the runtime that judges pictures keeps no identity of this machine and no report of what it did", async () => {
  const home = temporaryDirectory();
  // It is silent where it thinks that it is being tested.
  for (const name of ["CI", "GITHUB_ACTIONS", "TF_BUILD", "ORT_DISABLE_TELEMETRY"]) vi.stubEnv(name, undefined);
  vi.stubEnv("HOME", home);
  vi.stubEnv("XDG_CACHE_HOME", undefined);
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  const { inference } = start();
  onTestFinished(() => inference.close());
  await inference.ready();
  await inference.detect(picture(255));
  expect(readdirSync(home, { recursive: true })).toEqual([]);
  const { pid = 0 } = inference.facts;
  expect(readFileSync(`/proc/${pid}/maps`, "utf8")).not.toContain("onnxruntime.db");
});
