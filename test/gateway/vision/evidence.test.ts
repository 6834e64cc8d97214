import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, expect, onTestFinished, test, vi } from "vitest";
import type { Recording } from "../../../cli/sim/camera/recording.ts";
import { DRIVERS } from "../../../drivers/registry.ts";
import { checkGatewayConfig } from "../../../gateway/config/load-gateway-config.ts";
import type { EvidenceToTake, MediaFile } from "../../../gateway/contracts/evidence.ts";
import type { JudgedPicture } from "../../../gateway/contracts/vision.ts";
import type { Gateway } from "../../../gateway/gateway.ts";
import { openForReading, storedRows } from "../../../gateway/journal/inspect.ts";
import { startGateway } from "../../../gateway/main.ts";
import { systemClock } from "../../../gateway/system-clock.ts";
import type { Camera } from "../../../gateway/vision/capture/camera.ts";
import { RingEvidence } from "../../../gateway/vision/evidence/camera-evidence.ts";
import { MediaJobs } from "../../../gateway/vision/evidence/media-jobs.ts";
import { PendingRequests } from "../../../gateway/vision/evidence/pending-requests.ts";
import { canonicalJson } from "../../../protocol/canonical-json.ts";
import { isManifestSigned, manifestOf, readEvidenceKey } from "../../../protocol/evidence-manifest.ts";
import { newAlarmId } from "../../../protocol/new-ids.ts";
import { decodeRecord, isKind } from "../../../protocol/record-codec.ts";
import { movingPictures, serveCamera, watchCamera } from "../../fakes/camera-rig.ts";
import { QuietLog } from "../../fakes/quiet-log.ts";
import { registerMeter } from "../../fakes/register-meter.ts";
import { hasRig, needRigs } from "../../fakes/rigs.ts";
import { temporaryDirectory } from "../journal/sample-records.ts";

const SOON = { timeout: 25_000, interval: 50 };
let moving: Recording;

beforeAll(async () => {
  if (hasRig("ffmpeg")) moving = await movingPictures({ codec: "h264", fps: 10 });
});

async function gateway(text: string): Promise<{ readonly log: QuietLog; readonly gateway: Gateway }> {
  const checked = await checkGatewayConfig(Buffer.from(text), DRIVERS);
  if (!checked.ok) throw new Error(JSON.stringify(checked.faults));
  const log = new QuietLog();
  const running = await startGateway({ config: checked.config, version: "test", log });
  onTestFinished(() => running.stop());
  return { log, gateway: running };
}

function recordsIn(state: string) {
  using journal = openForReading(state);
  return [...storedRows(journal)].flatMap(({ bytes }) => {
    const decoded = decodeRecord(bytes);
    return decoded.ok && decoded.known !== undefined ? [decoded.known] : [];
  });
}

test("a noise alarm takes a snapshot and a clip of the node's cameras into custody, signed, with their real times", async (context) => {
  needRigs(context, "ffmpeg");
  const { url } = await serveCamera(moving);
  let isLoud = false;
  const port = await registerMeter(() => (isLoud ? 805 : 455));
  const state = temporaryDirectory();
  const rings = temporaryDirectory();
  const ours = join(rings, `shao-site-camera-${createHash("sha256").update(state).digest("hex").slice(0, 8)}`);
  // The ring of a camera that was renamed, left by a killed process.
  mkdirSync(join(ours, "old-gate"), { recursive: true });
  const running = await gateway(`
node: site-camera
site: { name: Gate, timeZone: Asia/Shanghai, latitudeDeg: 39.9, longitudeDeg: 116.4 }
bridge: { url: "mqtt://127.0.0.1:9", insecureLoopback: true }
state: ${JSON.stringify(state)}
buses: { rs485: { tcp: "127.0.0.1:${port}", framing: tcp } }
devices:
  noise-01: { driver: modbus-noise, bus: rs485, unit: 1, profile: sonbest-sm7901b }
  noise-02: { driver: modbus-noise, bus: rs485, unit: 2, profile: sonbest-sm7901b }
cameras:
  gate: { url: "${url}", clipBeforeS: 1, clipAfterS: 1, noiseFrom: [noise-01] }
  yard: { url: "${url}", clipBeforeS: 1, clipAfterS: 1, noiseFrom: [noise-02] }
vision: { ringFolder: ${JSON.stringify(rings)} }
rules: { loud: { kind: trigger, device: noise-01, byDay: true, raiseWindowS: 5, raiseMinValidS: 4 } }
`);
  const cameraState = async () => (await running.gateway.health()).devices["gate"];
  await vi.waitFor(async () => expect(await cameraState()).toMatchObject({ state: "online" }), SOON);
  isLoud = true;
  const records = await vi.waitFor(() => {
    const all = recordsIn(state);
    if (all.filter(({ kind, device }) => kind === "evidence" && device === "gate").length < 2)
      throw new Error("not yet");
    return all;
  }, SOON);
  expect(readdirSync(ours).sort()).toEqual(["gate", "yard"]);
  const alarm = records.find((record) => isKind(record, "alarm"))?.body;
  const start = records.find((record) => isKind(record, "start"))?.body;
  const key = readEvidenceKey(start?.evidenceKey ?? "");
  const media = [];
  for (const record of records) {
    if (!isKind(record, "evidence") || record.device !== "gate" || key === undefined) continue;
    const { body } = record;
    expect(body).toMatchObject({
      ...{ alarmId: alarm?.alarmId, rule: "loud", missing: [] },
      ...{ position: { latitudeDeg: 39.9 }, capture: { video: "copied", sound: "dropped" } },
    });
    const { signature } = body;
    if (signature === undefined) throw new Error("not signed");
    const manifest = canonicalJson(manifestOf(record, body, signature));
    expect(manifest).toContain('"capture"');
    expect(isManifestSigned(manifest, signature.sig, key)).toBe(true);
    expect(isManifestSigned(manifest.replace("dropped", "none"), signature.sig, key)).toBe(false);
    media.push(...body.parts);
  }
  expect(media.map(({ name, type, media }) => [name, type, media])).toEqual([
    ["snapshot", "snapshot", "image/jpeg"],
    ["clip", "clip", "video/mp4"],
  ]);
  const [still, clip] = media.map((part) => {
    const path = join(state, "evidence/files", part.sha256);
    expect(createHash("sha256").update(readFileSync(path)).digest("hex")).toBe(part.sha256);
    return { ...part, path };
  });
  expect(await sharp(still?.path).metadata()).toMatchObject({ format: "jpeg", width: 320, height: 180 });
  const entries = ["-show_entries", "format=duration,start_time:stream=codec_name", "-of", "json"];
  const probed = JSON.parse(
    spawnSync("ffprobe", ["-v", "error", ...entries, clip?.path ?? ""], { encoding: "utf8" }).stdout,
  );
  expect(probed.streams).toEqual([{ codec_name: "h264" }]);
  const raisedAtMs = alarm?.raisedAtMs ?? 0;
  const { fromMs = 0, toMs = 0 } = clip ?? {};
  // Begun at the whole picture before its start, and what is said of its length is its length.
  expect(fromMs).toBeLessThanOrEqual(raisedAtMs - 1000 + 300);
  expect(toMs).toBeGreaterThan(raisedAtMs + 500);
  expect(Math.abs(Number(probed.format.duration) * 1000 - (toMs - fromMs))).toBeLessThan(250);
  // Another camera stands beside another meter.
  expect(recordsIn(state).filter(({ kind, device }) => kind === "evidence" && device === "yard")).toEqual([]);
});

test("a judged picture becomes evidence with a copy that bears boxes, blurs faces and names its model; promises are kept", async (context) => {
  needRigs(context, "ffmpeg");
  const { url, server } = await serveCamera(moving);
  const { camera } = watchCamera({ url, clipBeforeS: 1, clipAfterS: 1 });
  const taken: (EvidenceToTake & { readonly bytes: Record<string, Buffer> })[] = [];
  const recorded = new Set<string>();
  const taker = {
    recorded: async () => recorded,
    take: async (evidence: EvidenceToTake) => {
      const read = ({ from }: MediaFile) => Buffer.from("path" in from ? readFileSync(from.path) : from.bytes);
      const bytes = Object.fromEntries((evidence.media ?? []).map((file) => [file.name, read(file)]));
      taken.push({ ...evidence, bytes });
      return [];
    },
  };
  const directory = temporaryDirectory();
  const clock = systemClock();
  const log = new QuietLog();
  const end = new AbortController();
  const evidence = new RingEvidence({
    ...{ cameras: [camera], jobs: new MediaJobs("ffmpeg"), taker, clock, log, signal: end.signal },
    pending: new PendingRequests(directory, log),
    stamp: () => ({ upMs: clock.upMs(), atMs: clock.nowMs(), timeQuality: "ntp" }),
  });
  const first = await camera.frames.next(AbortSignal.timeout(SOON.timeout));
  const picture = (upMs: number): JudgedPicture => ({
    ...{ upMs, atMs: clock.nowMs() },
    objects: [
      { label: "truck", score: 0.9, box: [0.1, 0.1, 0.5, 0.6], isCause: true },
      { label: "face", score: 0.8, box: [0.7, 0.3, 0.2, 0.3], isCause: false },
    ],
  });
  let best = picture(first.upMs);
  const judgedBy = {
    rule: "bare-truck",
    ruleVersion: "0123456789abcdef",
    model: { name: "site-watch", sha256: "ab".repeat(32), licence: "Apache-2.0" },
  };
  const about = { cameraId: "gate", alarmId: newAlarmId(0), rule: "bare-truck", judgedBy, raisedUpMs: first.upMs };
  const ids = evidence.request({ ...about, best: () => best });
  await vi.waitFor(() => expect(taken).toHaveLength(1), SOON);
  // The rest is promised, and a note of it is on the disk.
  await vi.waitFor(() => expect(readdirSync(directory)).toEqual([`${ids[1]}.json`]), { timeout: 900, interval: 5 });
  best = picture(first.upMs + 800);
  await evidence.idle();
  expect(taken.map(({ record }) => record.body.evidenceId)).toEqual(ids);
  expect(taken.map(({ media }) => media?.map(({ name }) => name))).toEqual([
    ["snapshot", "snapshot-boxes"],
    ["clip", "snapshot", "snapshot-boxes"],
  ]);
  expect(taken[1]?.record.body).toMatchObject({
    missing: [],
    judgedBy: { ruleVersion: "0123456789abcdef", model: { name: "site-watch" } },
  });
  expect(readdirSync(directory)).toEqual([]);
  const raw = async (name: string) => sharp(taken[0]?.bytes[name]).raw().toBuffer();
  const [original, copy] = [await raw("snapshot"), await raw("snapshot-boxes")];
  const at = (pixels: Buffer, x: number, y: number) => [...pixels.subarray((y * 320 + x) * 3, (y * 320 + x) * 3 + 3)];
  const [red = 0, green = 255] = at(copy, 32 + 80, 18);
  expect([red > 150, green < 140]).toEqual([true, true]);
  // The sharpest edge within the face is gone from the copy alone.
  const edge = (pixels: Buffer) => {
    let sharpest = 0;
    for (let y = 62; y < 100; y++) {
      for (let x = 232; x < 278; x++) {
        const step = Math.abs((at(pixels, x, y)[0] ?? 0) - (at(pixels, x + 1, y)[0] ?? 0));
        sharpest = Math.max(sharpest, step);
      }
    }
    return sharpest;
  };
  expect(edge(copy)).toBeLessThan(edge(original) / 2);
  // A camera that is away is a stated reason, and so is what a loss of power left open.
  await server.close();
  await vi.waitFor(() => expect(camera.state).toBe("back-off"), SOON);
  taken.length = 0;
  evidence.request({ ...about, raisedUpMs: clock.upMs() + 60_000 });
  await vi.waitFor(() => expect(taken).toHaveLength(1), SOON);
  const [, promised = ""] = readdirSync(directory).length > 0 ? ["", readdirSync(directory)[0]] : [];
  end.abort();
  await evidence.idle();
  expect(taken.map(({ record }) => record.body.missing.map(({ name }) => name))).toEqual([
    ["snapshot"],
    ["clip", "clip-end"],
  ]);
  expect(taken[0]?.record.body.missing[0]?.reason).toMatch(/no video of this time from camera gate: CAMERA_/);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, promised), JSON.stringify(taken[1]?.record));
  await new PendingRequests(directory, log).settle(taker, 7);
  expect(taken.at(-1)?.record).toMatchObject({
    upMs: 7,
    body: { missing: [{ name: "clip", reason: expect.stringContaining("went off") }] },
  });
  expect(existsSync(join(directory, promised))).toBe(false);
  // What was recorded before the note of it went is not said to be missing, under the same id, of all things.
  const before = taken.length;
  const kept = taken[0]?.record;
  recorded.add(kept?.body.evidenceId ?? "");
  writeFileSync(join(directory, `${kept?.body.evidenceId}.json`), JSON.stringify(kept));
  await new PendingRequests(directory, log).settle(taker, 8);
  expect([taken.length - before, readdirSync(directory)]).toEqual([0, []]);
  // A journal that takes nothing now is asked again at the next start.
  writeFileSync(
    join(directory, "e-still.json"),
    JSON.stringify({ ...kept, body: { ...kept?.body, evidenceId: "e-still" } }),
  );
  const full = { ...taker, take: () => Promise.reject(new Error("full")) };
  await expect(new PendingRequests(directory, log).settle(full, 9)).rejects.toThrow("full");
  expect(readdirSync(directory)).toEqual(["e-still.json"]);
});

/** What becomes evidence of one camera, kept by nobody. */
function evidenceOf(camera: Camera, jobs: MediaJobs) {
  const taken: EvidenceToTake[] = [];
  const take = async (evidence: EvidenceToTake) => {
    taken.push(evidence);
    return [];
  };
  const clock = systemClock();
  const log = new QuietLog();
  const evidence = new RingEvidence({
    ...{ cameras: [camera], jobs, taker: { take }, clock, log, signal: new AbortController().signal },
    pending: new PendingRequests(temporaryDirectory(), log),
    stamp: () => ({ upMs: clock.upMs(), atMs: clock.nowMs(), timeQuality: "ntp" }),
  });
  return { evidence, taken, clock };
}

test("a clip keeps its start however long its still waits for its turn", async (context) => {
  needRigs(context, "ffmpeg");
  const { url } = await serveCamera(moving);
  const { camera, ringDirectory } = watchCamera({ url, clipBeforeS: 2, clipAfterS: 1, ringS: 5 });
  const turn = Promise.withResolvers<void>();
  class BusyBox extends MediaJobs {
    override async picture(...job: Parameters<MediaJobs["picture"]>): Promise<void> {
      await turn.promise;
      await super.picture(...job);
    }
  }
  const { evidence, taken, clock } = evidenceOf(camera, new BusyBox("ffmpeg"));
  const first = await camera.frames.next(AbortSignal.timeout(SOON.timeout));
  const raisedUpMs = first.upMs + 3000;
  await clock.sleep(raisedUpMs - clock.upMs());
  evidence.request({ cameraId: "gate", alarmId: newAlarmId(0), rule: "open-bed", raisedUpMs });
  // Until the ring has forgotten all of it.
  await vi.waitFor(async () => {
    const cuts = await camera.ring.cut(raisedUpMs - 2000, raisedUpMs);
    for (const { path } of cuts) rmSync(path);
    expect(cuts).toHaveLength(0);
  }, SOON);
  expect(taken).toEqual([]);
  turn.resolve();
  await evidence.idle();
  expect(taken.map(({ record }) => record.body.missing)).toEqual([[], []]);
  const [clip] = taken[1]?.media ?? [];
  expect(clip).toMatchObject({ name: "clip" });
  expect((clip?.toMs ?? 0) - (clip?.fromMs ?? 0)).toBeGreaterThanOrEqual(3000);
  // Nothing that was cut stays on the memory disk.
  expect(readdirSync(ringDirectory).filter((name) => !/^\d{8}\.m4s$/.test(name))).toEqual([]);
});

test("boxes are drawn on the picture that was judged, or nowhere; what cannot be made leaves nothing behind", async (context) => {
  needRigs(context, "ffmpeg");
  const { url } = await serveCamera(moving);
  const { camera, ringDirectory } = watchCamera({ url, clipBeforeS: 1, clipAfterS: 1, blur: ["truck"] });
  class BrokenJobs extends MediaJobs {
    isBroken = false;
    override async picture(from: string, offsetMs: number, to: string): Promise<void> {
      if (this.isBroken) writeFileSync(to, "half");
      if (this.isBroken) throw new Error("no room");
      await super.picture(from, offsetMs, to);
    }
    override async clip(from: string, to: string, isHevc: boolean): Promise<void> {
      if (this.isBroken) writeFileSync(to, "half");
      if (this.isBroken) throw new Error("no room");
      await super.clip(from, to, isHevc);
    }
  }
  const jobs = new BrokenJobs("ffmpeg");
  const { evidence, taken, clock } = evidenceOf(camera, jobs);
  const { upMs } = await camera.frames.next(AbortSignal.timeout(SOON.timeout));
  const best = (atUpMs: number): JudgedPicture => ({
    ...{ upMs: atUpMs, atMs: clock.nowMs() },
    objects: [{ label: "truck/uncovered", score: 0.9, box: [0.1, 0.1, 0.5, 0.6], isCause: true }],
  });
  const ask = async (judged: JudgedPicture): Promise<(EvidenceToTake | undefined)[]> => {
    const from = taken.length;
    evidence.request({ cameraId: "gate", alarmId: newAlarmId(0), rule: "bed", raisedUpMs: upMs, best: () => judged });
    await evidence.idle();
    return taken.slice(from);
  };
  // From before the first picture: what comes next is shown, and nothing is said to be where it was.
  const [early] = await ask(best(upMs - 3000));
  expect(early?.media?.map(({ name }) => name)).toEqual(["snapshot"]);
  expect(early?.record.body.missing).toEqual([
    { name: "snapshot-boxes", reason: "the picture that was judged is not there" },
  ]);
  const [there] = await ask(best(upMs + 1000));
  expect(there?.media?.map(({ name }) => name)).toEqual(["snapshot", "snapshot-boxes"]);
  jobs.isBroken = true;
  const broken = await ask(best(upMs + 1000));
  expect(broken.map((one) => one?.record.body.missing)).toEqual([
    [{ name: "camera", reason: "no room" }],
    [{ name: "camera", reason: "no room" }],
  ]);
  expect(readdirSync(ringDirectory).filter((name) => !/^\d{8}\.m4s$/.test(name))).toEqual([]);
});
