import { readFile } from "node:fs/promises";
import type { Clock } from "../../../drivers/driver.ts";
import type { CameraActs } from "../../contracts/camera-acts.ts";
import type { MediaFile } from "../../contracts/evidence.ts";
import { GatewayError } from "../../contracts/gateway-error.ts";
import type { Camera } from "../capture/camera.ts";
import type { RingCut } from "../capture/clip-ring.ts";
import { type MediaJobs, removeFiles } from "./media-jobs.ts";

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
    const cut = await this.#cut(cameraId, upMs - NOW_MS, upMs);
    const path = `${cut.path}.jpg`;
    try {
      const offsetMs = Math.max(0, cut.toUpMs - cut.fromUpMs - 400);
      await this.#jobs.picture(cut.path, offsetMs, path);
      const atMs = this.#atMs(cut.fromUpMs + offsetMs);
      const times = { fromMs: atMs, toMs: atMs };
      return {
        name: "snapshot",
        type: "snapshot",
        media: "image/jpeg",
        ...times,
        from: { bytes: await readFile(path) },
      };
    } finally {
      await removeFiles([cut.path, path]);
    }
  }

  async clip(cameraId: string, seconds: number): Promise<MediaFile> {
    const upMs = this.#clock.upMs();
    const cut = await this.#cut(cameraId, upMs - seconds * 1000, upMs);
    const path = `${cut.path}.whole.mp4`;
    try {
      await this.#jobs.clip(cut.path, path, cut.header.codec === "h265");
      const times = { fromMs: this.#atMs(cut.fromUpMs), toMs: this.#atMs(cut.toUpMs) };
      return { name: "clip", type: "clip", media: "video/mp4", ...times, from: { bytes: await readFile(path) } };
    } finally {
      await removeFiles([cut.path, path]);
    }
  }

  async #cut(cameraId: string, fromUpMs: number, toUpMs: number): Promise<RingCut> {
    const camera = this.#cameras.find(({ settings }) => settings.id === cameraId);
    const cuts = (await camera?.ring.cut(fromUpMs, toUpMs)) ?? [];
    const newest = cuts.toSorted((a, b) => b.toUpMs - a.toUpMs)[0];
    await removeFiles(cuts.filter((cut) => cut !== newest).map(({ path }) => path));
    if (newest !== undefined) return newest;
    const why = camera?.health.code ?? camera?.ring.trouble ?? camera?.state ?? "it is not in the config";
    throw new GatewayError("CAMERA_NO_VIDEO", `there is no video of this time from ${cameraId}: ${why}`, {
      hint: camera?.health.hint ?? "Look at the camera's state.",
    });
  }

  #atMs(upMs: number): number {
    return Math.max(0, Math.round(this.#clock.nowMs() - (this.#clock.upMs() - upMs)));
  }
}
