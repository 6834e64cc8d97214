import type { UnitPolygon } from "./violations.ts";

/** One camera of the config, checked. */
export interface CameraSettings {
  readonly id: string;
  /** rtsp:, rtsps:, http:, https: or file:, without account. */
  readonly url: string;
  readonly account?: CameraAccount;
  /** Of rtsps: and https:; absent: what the authorities of this machine vouch for. */
  readonly tls?: CameraTls;
  readonly isEnabled: boolean;
  /** Sound beside the picture: left out, or made AAC, since G.711 cannot be copied into MP4. */
  readonly sound: "drop" | "transcode";
  readonly analysis: {
    readonly widthPx: number;
    readonly framesPerS: number;
    /** `all` leaves block edges unsmoothed, see ADR 017. `keyframes` costs a fifth of the decoding, and gives a picture as rarely as the camera sends a whole one. */
    readonly decode: "all" | "exact" | "keyframes";
  };
  readonly ringS: number;
  readonly ringMaxBytes: number;
  /** Pictures a second that the camera is set to; absent: what it gave at first. */
  readonly expectFps?: number;
  /** A picture without any change for so long is frozen; one without structure for so long is covered. */
  readonly frozenAfterS: number;
  readonly coveredAfterS: number;
  /** An alarm of a noise meter of this node takes a snapshot and a clip too. */
  readonly onNoise: boolean;
  /** Only of these devices; absent: of all. */
  readonly noiseFrom?: readonly string[];
  /** It moves with a vehicle. */
  readonly isMobile: boolean;
  readonly clipBeforeS: number;
  readonly clipAfterS: number;
  /** Labels whose boxes are blurred on the copy with boxes. */
  readonly blur: readonly string[];
  /** Parts of the picture whose motion means nothing. */
  readonly masks: readonly UnitPolygon[];
}

/** How live video is made H.264 for the bridge where the camera's is not: the `vision.live` section. */
export interface LiveCoding {
  /** At most; a smaller picture stays as it is. */
  readonly widthPx: number;
  readonly framesPerS: number;
  readonly kbitPerS: number;
}

/** Whose certificate a camera must have. A fingerprint alone decides, whatever name and authority say. */
export interface CameraTls {
  readonly caFile?: string;
  /** SHA-256 of the certificate, 64 hex digits with or without colons. */
  readonly fingerprint?: string;
}

/** Where the account's password comes from; the config itself never holds one. */
export interface CameraAccount {
  readonly user: string;
  readonly passwordFile?: string;
  readonly passwordEnv?: string;
}
