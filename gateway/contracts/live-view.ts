import type { LiveMessage } from "../../protocol/live-video.ts";
import type { CameraState } from "./vision.ts";

export interface LiveCamera {
  readonly id: string;
  readonly state: CameraState;
  /** Of the newest still that somebody asked for. */
  readonly stillAtMs?: number;
}

export interface Still {
  readonly atMs: number;
  readonly jpeg: Uint8Array;
}

/** Bytes of live video since the start, by where they went. */
export interface LiveBytes {
  page: number;
  bridge: number;
}

/** Looking at the cameras of a node, filled by the stage that has them. */
export interface LiveView {
  readonly cameras: readonly LiveCamera[];
  readonly bytes: LiveBytes;
  /** A picture of now; of a camera that is away the newest that there is. Undefined: there is none, or no such camera. */
  still(cameraId: string): Promise<Still | undefined>;
  /**
   * Calls `take` with the video of now until the returned function is called: one feed a camera, however many look.
   * @returns undefined: there is no such camera
   */
  watch(cameraId: string, take: (message: LiveMessage) => void): (() => void) | undefined;
  /** The same, made small H.264 where the camera's is something else: one more process while somebody looks. */
  watchH264(cameraId: string, take: (message: LiveMessage) => void): (() => void) | undefined;
  /** The same as MPEG-1 in MPEG-TS, for browsers that play nothing else. One more process while somebody looks. */
  watchMpeg1(cameraId: string, take: (bytes: Uint8Array) => void): (() => void) | undefined;
}
