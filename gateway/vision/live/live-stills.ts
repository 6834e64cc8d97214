import { encodeLiveStill } from "../../../protocol/live-still.ts";
import { codeOf } from "../../contracts/gateway-error.ts";
import type { Logger } from "../../contracts/logger.ts";
import type { Camera } from "../capture/camera.ts";
import { stillOf } from "./still.ts";

const EVERY_MS = 5000;

export interface LiveStillsOptions {
  readonly isWatched: (camera: string) => boolean;
  readonly publish: (camera: string, bytes: Uint8Array) => void;
  readonly upMs: () => number;
  readonly log: Logger;
}

/** A still of each camera that somebody at the bridge looks at, now and every 5 s while the lease stands. */
export class LiveStills {
  readonly #options: LiveStillsOptions;
  readonly #sentUpMs = new Map<string, number>();

  constructor(options: LiveStillsOptions) {
    this.#options = options;
  }

  tick(cameras: readonly Camera[]): void {
    for (const camera of cameras) {
      const { id } = camera.settings;
      if (camera.state !== "live" || !this.#options.isWatched(id)) continue;
      if (this.#options.upMs() - (this.#sentUpMs.get(id) ?? Number.NEGATIVE_INFINITY) < EVERY_MS) continue;
      this.#sentUpMs.set(id, this.#options.upMs());
      void this.#send(camera);
    }
  }

  async #send(camera: Camera): Promise<void> {
    try {
      const frame = await camera.nextPicture();
      const jpeg = frame === undefined ? undefined : await stillOf(frame);
      if (frame === undefined || jpeg === undefined) return;
      this.#options.publish(camera.settings.id, encodeLiveStill({ atMs: frame.atMs, jpeg }));
    } catch (error) {
      this.#options.log.warn(
        { code: codeOf(error), camera: camera.settings.id, error: String(error) },
        "no still made",
      );
    }
  }
}
