import type { MediaFile } from "./evidence.ts";

/** What a command can ask of the cameras of a node, filled by the stage that has them. */
export interface CameraActs {
  has(cameraId: string): boolean;
  /** The newest whole picture, as a JPEG. @throws GatewayError why there is none */
  snapshot(cameraId: string): Promise<MediaFile>;
  /** The last `seconds` as an MP4, as far back as the ring reaches; its times say how far. @throws GatewayError why there is none */
  clip(cameraId: string, seconds: number): Promise<MediaFile>;
}
