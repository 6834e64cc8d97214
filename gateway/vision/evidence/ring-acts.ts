import { readFile } from "node:fs/promises";
import type { Clock } from "../../../drivers/driver.ts";
import type { AskedClip, CameraActs } from "../../contracts/camera-acts.ts";
import type { MediaFile } from "../../contracts/evidence.ts";
import { GatewayError } from "../../contracts/gateway-error.ts";
import type { Camera } from "../capture/camera.ts";
import { type ClipWindow, clipCut, clipFiles } from "./clip-files.ts";
import type { MediaJobs } from "./media-jobs.ts";
import { ScratchFiles } from "./scratch-files.ts";

/** What lies further back is no picture of now. */
const NOW_MS = 10_000;

/** What people ask of the cameras: a picture of now, or what happened just before. */
export class RingActs implements CameraActs {
  readonly #cameras: readonly Camera[];
  readonly #jobs: MediaJobs;
  readonly #clock: Clock;

  constructor(cameras: readonly Camera[], jobs: MediaJobs, clock: Clock) {
    this.#cameras = cameras;
    this.#jobs = jobs;
    this.#clock = clock;
  }

  has(cameraId: string): boolean {
    return this.#cameras.some(({ settings }) => settings.id === cameraId);
  }

  async snapshot(cameraId: string): Promise<MediaFile> {
    const upMs = this.#clock.upMs();
    const scratch = new ScratchFiles();
    try {
      const cuts = await this.#cut(cameraId, { fromUpMs: upMs - NOW_MS, toUpMs: upMs }, scratch);
      const [newest = cuts[0]] = cuts.toSorted((a, b) => b.toUpMs - a.toUpMs);
      const path = scratch.add(`${newest.path}.jpg`);
      const offsetMs = Math.max(0, newest.toUpMs - newest.fromUpMs - 400);
      await this.#jobs.picture(newest.path, offsetMs, path);
      const atMs = this.#atMs(newest.fromUpMs + offsetMs);
      const times = { fromMs: atMs, toMs: atMs };
      const from = { bytes: await readFile(path) };
      return { name: "snapshot", type: "snapshot", media: "image/jpeg", ...times, from };
    } finally {
      await scratch.remove();
    }
  }

  async clip(cameraId: string, seconds: number): Promise<AskedClip> {
    const upMs = this.#clock.upMs();
    const window = { fromUpMs: upMs - seconds * 1000, toUpMs: upMs };
    const scratch = new ScratchFiles();
    try {
      const { stretches, lackingS, missing } = clipCut(await this.#cut(cameraId, window, scratch), window);
      const files = await clipFiles(stretches, this.#jobs, scratch, (at) => this.#atMs(at));
      const media = await Promise.all(files.map(async (file) => ({ ...file, from: { bytes: await bytesOf(file) } })));
      return { media, missing, lackingS: missing.length === 0 ? 0 : lackingS };
    } finally {
      await scratch.remove();
    }
  }

  /** Longest stretch first. @throws GatewayError why there is none */
  async #cut(cameraId: string, { fromUpMs, toUpMs }: ClipWindow, scratch: ScratchFiles) {
    const camera = this.#cameras.find(({ settings }) => settings.id === cameraId);
    const [longest, ...others] = (await camera?.ring.cut(fromUpMs, toUpMs)) ?? [];
    if (longest !== undefined) {
      const cuts = [longest, ...others] as const;
      for (const { path } of cuts) scratch.add(path);
      return cuts;
    }
    const why = camera?.health.code ?? camera?.ring.trouble ?? camera?.state ?? "it is not in the config";
    throw new GatewayError("CAMERA_NO_VIDEO", `there is no video of this time from ${cameraId}: ${why}`, {
      hint: camera?.health.hint ?? "Look at the camera's state.",
    });
  }

  #atMs(upMs: number): number {
    return Math.max(0, Math.round(this.#clock.nowMs() - (this.#clock.upMs() - upMs)));
  }
}

async function bytesOf({ from }: MediaFile): Promise<Uint8Array> {
  return "path" in from ? readFile(from.path) : from.bytes;
}
