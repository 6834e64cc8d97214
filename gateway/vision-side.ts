import { createHash } from "node:crypto";
import { access, constants, readdir, rm, rmdir, statfs } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { AlarmBody } from "../protocol/alarm.ts";
import type { GatewayConfig } from "./config/gateway-config.ts";
import type { CameraActs } from "./contracts/camera-acts.ts";
import type { JournalWrite } from "./contracts/journal.ts";
import type { DeviceHealth, DeviceReading } from "./contracts/readings.ts";
import type { Judgement } from "./contracts/vision.ts";
import type { JudgeSide } from "./judge-side.ts";
import { Camera } from "./vision/capture/camera.ts";
import { type CameraFault, CameraFaults } from "./vision/capture/camera-faults.ts";
import { probing } from "./vision/capture/ffmpeg.ts";
import { RingEvidence } from "./vision/evidence/camera-evidence.ts";
import { MediaJobs } from "./vision/evidence/media-jobs.ts";
import { PendingRequests } from "./vision/evidence/pending-requests.ts";
import { RingActs } from "./vision/evidence/ring-acts.ts";
import { LiveCameras } from "./vision/live/live-cameras.ts";
import { LiveStills } from "./vision/live/live-stills.ts";
import { VideoUplink } from "./vision/live/video-uplink.ts";
import type { VisionNumbers } from "./vision-metrics.ts";
import type { VisionOptions } from "./vision-options.ts";

const TMPFS_MAGIC = 0x01021994;
const MEMORY_DISK = "/dev/shm";
const TICK_MS = 1000;

/** The cameras of a gateway, and what comes of them. A gateway without cameras never loads this. */
export class VisionSide {
  readonly cameras: readonly Camera[];
  readonly evidence: RingEvidence;
  /** What commands ask of them. */
  readonly acts: CameraActs;
  /** Looking at them now. */
  readonly live: LiveCameras;
  readonly #options: VisionOptions;
  readonly #faults: CameraFaults;
  readonly #stills: LiveStills;
  readonly #video: VideoUplink;
  /** Ends what waits for the end of a clip. */
  readonly #stop = new AbortController();
  readonly #captures = new AbortController();
  readonly #done: Promise<unknown>;
  readonly #timer: NodeJS.Timeout;
  readonly #ringDirectory: string;
  #judge: JudgeSide | undefined;

  private constructor(options: VisionOptions, ringDirectory: string) {
    const { config, clock, log, time, restored } = options;
    this.#options = options;
    this.#ringDirectory = ringDirectory;
    const settings = config.cameras.filter(({ isEnabled }) => isEnabled);
    const ffmpeg = probing(config.vision.ffmpeg, clock);
    this.cameras = settings.map(
      (camera) =>
        new Camera({
          settings: camera,
          ffmpeg,
          ringDirectory: join(ringDirectory, camera.id),
          clock,
          log,
          onHealth: (body) => options.onHealth({ device: camera.id, body }),
        }),
    );
    const limits = settings.map(
      ({ id, frozenAfterS, coveredAfterS }) =>
        [id, { "camera-frozen": frozenAfterS, "camera-covered": coveredAfterS, "camera-unjudged": 60 }] as const,
    );
    this.#faults = new CameraFaults(Object.fromEntries(limits), restored);
    const pending = new PendingRequests(join(config.state, "vision", "pending"), log);
    const { signal } = this.#stop;
    const jobs = new MediaJobs(config.vision.ffmpeg);
    const stamp = () => time.stamp();
    const taker = options.evidence;
    this.evidence = new RingEvidence({ cameras: this.cameras, jobs, taker, pending, clock, stamp, log, signal });
    this.acts = new RingActs(this.cameras, jobs, clock);
    this.#stills = new LiveStills({
      ...{ isWatched: options.isWatched, publish: options.publishLive, upMs: () => clock.upMs(), log },
    });
    const nowMs = () => clock.nowMs();
    const { ffmpeg: ffmpegPath, live: coding } = config.vision;
    this.live = new LiveCameras({ cameras: this.cameras, ffmpegPath, ffmpeg, coding, nowMs, log });
    this.#video = new VideoUplink({ view: this.live, line: options.videoLine, wanted: options.videoWanted });
    void pending.settle(taker, clock.upMs()).catch((error: unknown) => {
      log.error({ code: "CAMERA_EVIDENCE", error: String(error) }, "evidence that was promised not accounted for yet");
    });
    for (const write of this.#faults.start(stamp())) options.write(write);
    this.#done = Promise.all(this.cameras.map((camera) => camera.run(this.#captures.signal)));
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  static async start(options: VisionOptions): Promise<VisionSide> {
    const rings = await ringDirectory(options.config);
    await removeStrangers(rings, options.config);
    const side = new VisionSide(options, rings);
    if (options.config.violations.length > 0) {
      const { JudgeSide } = await import("./judge-side.ts");
      const frames = side.cameras.map((camera) => camera.frames);
      side.#judge = new JudgeSide(options, { frames, evidence: side.evidence, show: () => {} });
    }
    return side;
  }

  /** What devices say: a vehicle's speed decides whether its cameras are judged. */
  moved(reading: DeviceReading): void {
    this.#judge?.heard(reading);
  }

  health(): readonly DeviceHealth[] {
    return this.cameras.map((camera) => ({ device: camera.settings.id, body: camera.health }));
  }

  /** For metrics. */
  get numbers(): VisionNumbers {
    const judge = this.#judge?.facts;
    const cameras = this.cameras.map(({ settings, facts }) => {
      const { state, pictures, skipped, captures, ringBytes } = facts;
      const judged = judge?.cameras[settings.id];
      return { id: settings.id, state, pictures, skipped, captures, ringBytes, judged };
    });
    if (judge === undefined) return { cameras, inference: undefined };
    const { state, inferences, starts } = judge.inference;
    return { cameras, inference: { isReady: state === "ready", inferences, starts } };
  }

  /** What the node writes: an alarm of noise takes pictures. */
  heard({ append = [] }: JournalWrite): void {
    for (const record of append) if (record.kind === "alarm") this.#onAlarm(record.device, record.body);
  }

  #onAlarm(device: string | undefined, body: AlarmBody): void {
    if (body.family !== "noise" || body.phase !== "raised") return;
    const { alarmId, rule, ruleSet } = body;
    const position = body.position ?? this.#options.position();
    const raisedUpMs = this.#options.clock.upMs();
    for (const { settings } of this.cameras) {
      const { onNoise, noiseFrom } = settings;
      if (!onNoise || noiseFrom?.includes(device ?? "") === false) continue;
      const where = position === undefined ? {} : { position };
      const about = { rule, ...(ruleSet === undefined ? {} : { ruleSet }) };
      this.evidence.request({ cameraId: settings.id, alarmId, raisedUpMs, ...about, ...where });
    }
  }

  /** What was promised is cut first, from rings that still stand. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#video.stop();
    await this.#judge?.stop();
    this.#stop.abort();
    await this.evidence.idle();
    this.#captures.abort();
    await this.#done;
    await rmdir(this.#ringDirectory).catch(() => {});
  }

  /** Nothing is known of a model that is still being loaded. */
  #judgement(camera: string): Judgement {
    const isAwaited = this.#options.config.violations.length > 0;
    return this.#judge?.judgement(camera) ?? { isBlind: isAwaited ? undefined : false };
  }

  #tick(): void {
    this.#stills.tick(this.cameras);
    this.#video.tick();
    for (const camera of this.cameras) {
      const judgement = this.#judgement(camera.settings.id);
      camera.tick(judgement);
      if (camera.state !== "live") continue;
      const { time, position } = this.#options;
      const { id } = camera.settings;
      const stands = (fault: CameraFault) =>
        fault === "camera-unjudged" ? judgement.isBlind : camera.picture.stands(fault);
      const writes = this.#faults.step(id, stands, time.stamp(), position());
      for (const write of writes) this.#options.write(write);
    }
  }
}

/** Rings of cameras that have another name now, or are gone, left by a process that was killed. */
async function removeStrangers(rings: string, { cameras }: GatewayConfig): Promise<void> {
  for (const name of await readdir(rings).catch(() => [])) {
    const isOurs = cameras.some(({ id, isEnabled }) => isEnabled && id === name);
    if (!isOurs) await rm(join(rings, name), { recursive: true, force: true }).catch(() => {});
  }
}

/** A memory disk where there is one: a minute of video a minute would wear flash out. */
async function ringDirectory({ vision, state, node }: GatewayConfig): Promise<string> {
  // Two gateways of one box, and of one name on trial, do not meet there.
  const name = `shao-${node}-${createHash("sha256").update(resolve(state)).digest("hex").slice(0, 8)}`;
  if (vision.ringFolder !== undefined) return join(vision.ringFolder, name);
  try {
    await access(MEMORY_DISK, constants.W_OK);
    if ((await statfs(MEMORY_DISK)).type === TMPFS_MAGIC) return join(MEMORY_DISK, name);
  } catch {
    // Then the state folder it is.
  }
  return join(state, "vision", "ring");
}
