import type { LiveCoding } from "../../contracts/cameras.ts";
import type { LiveBytes, LiveCamera, LiveView, Still } from "../../contracts/live-view.ts";
import type { Logger } from "../../contracts/logger.ts";
import type { Camera } from "../capture/camera.ts";
import type { Ffmpeg } from "../capture/ffmpeg.ts";
import { LiveFeed, type LiveTaker } from "./live-feed.ts";
import { Mpeg1Feed } from "./mpeg1-feed.ts";
import { stillOf } from "./still.ts";

export interface LiveCamerasOptions {
  readonly cameras: readonly Camera[];
  readonly ffmpegPath: string;
  readonly ffmpeg: () => Promise<Ffmpeg>;
  readonly coding: LiveCoding;
  readonly nowMs: () => number;
  readonly log: Logger;
}

interface Looked {
  readonly camera: Camera;
  readonly feed: LiveFeed;
  readonly coded: LiveFeed;
  readonly mpeg1: Mpeg1Feed;
  still?: Still;
  asking?: Promise<Still | undefined>;
}

/** All that is shown of the cameras now, to the page of the box and to the bridge. */
export class LiveCameras implements LiveView {
  readonly bytes: LiveBytes = { page: 0, bridge: 0 };
  readonly #looked: ReadonlyMap<string, Looked>;

  constructor({ cameras, ffmpegPath, ffmpeg, coding, nowMs, log }: LiveCamerasOptions) {
    const looked = cameras.map((camera): [string, Looked] => {
      const coded = new LiveFeed(camera, nowMs, { ffmpeg, coding, log });
      const mpeg1 = new Mpeg1Feed(camera, ffmpegPath, log);
      return [camera.settings.id, { camera, feed: new LiveFeed(camera, nowMs), coded, mpeg1 }];
    });
    this.#looked = new Map(looked);
  }

  get cameras(): readonly LiveCamera[] {
    return [...this.#looked.values()].map(({ camera: { settings, state }, still }) => ({
      ...{ id: settings.id, state },
      ...(still === undefined ? {} : { stillAtMs: still.atMs }),
    }));
  }

  /** Whoever looks at a camera's video now, in whatever form. */
  viewers(cameraId: string): number {
    const looked = this.#looked.get(cameraId);
    return looked === undefined ? 0 : looked.feed.viewers + looked.coded.viewers + looked.mpeg1.viewers;
  }

  still(cameraId: string): Promise<Still | undefined> {
    const looked = this.#looked.get(cameraId);
    if (looked === undefined) return Promise.resolve(undefined);
    looked.asking ??= newStill(looked).finally(() => {
      delete looked.asking;
    });
    return looked.asking;
  }

  watch(cameraId: string, take: LiveTaker): (() => void) | undefined {
    return this.#looked.get(cameraId)?.feed.watch(take);
  }

  watchH264(cameraId: string, take: LiveTaker): (() => void) | undefined {
    return this.#looked.get(cameraId)?.coded.watch(take);
  }

  watchMpeg1(cameraId: string, take: (bytes: Uint8Array) => void): (() => void) | undefined {
    return this.#looked.get(cameraId)?.mpeg1.watch(take);
  }
}

async function newStill(looked: Looked): Promise<Still | undefined> {
  if (looked.camera.state !== "live") return looked.still;
  const frame = await looked.camera.nextPicture();
  const jpeg = frame === undefined ? undefined : await stillOf(frame);
  if (frame !== undefined && jpeg !== undefined) looked.still = { atMs: frame.atMs, jpeg };
  return looked.still;
}
