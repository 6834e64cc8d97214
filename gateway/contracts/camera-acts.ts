import type { MissingPart } from "../../protocol/evidence.ts";
import type { MediaFile } from "./evidence.ts";

/** What there was of the seconds that somebody asked for. */
export interface AskedClip {
  /** Longest stretch first; at least one. */
  readonly media: readonly MediaFile[];
  readonly missing: readonly MissingPart[];
  /** Whole seconds that are not there. */
  readonly lackingS: number;
}

/** What a command can ask of the cameras of a node, filled by the stage that has them. */
export interface CameraActs {
  has(cameraId: string): boolean;
  /** The newest whole picture, as a JPEG. @throws GatewayError why there is none */
  snapshot(cameraId: string): Promise<MediaFile>;
  /** The last `seconds`, an MP4 of each stretch without a break. @throws GatewayError why there is none */
  clip(cameraId: string, seconds: number): Promise<AskedClip>;
}
