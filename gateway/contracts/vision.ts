import type { AlarmId, Position, Sha256, Subject } from "../../protocol/ids.ts";

/**
 * One small picture of a camera, RGB, 8 bits a channel, rows from the top, without padding: `width × height × 3` bytes.
 * `atMs` and `upMs` are when it would have reached the node without waiting on its way, on the clocks of the node: by the
 * camera's own times, counted from the least delay seen; with an ffmpeg before 4.4, when its last byte came.
 */
export interface SmallFrame {
  readonly cameraId: string;
  readonly atMs: number;
  readonly upMs: number;
  readonly width: number;
  readonly height: number;
  /** The receiver's until it asks for the next one: then the bytes may be written over. */
  readonly rgb: Uint8Array;
}

/** Small pictures of one camera; the latest wins, nothing queues. Outlives every reconnection of the camera. */
export interface FrameSource {
  readonly cameraId: string;
  /** Which way the camera moves with its carrier: a vehicle's pictures are judged by GPS speed. */
  readonly isMobile: boolean;
  /** The newest picture that was not given yet, or the next one that comes. Rejects when `signal` aborts. One call at a time. */
  next(signal: AbortSignal): Promise<SmallFrame>;
  /** Pictures that came while nobody asked. */
  readonly skipped: number;
}

/**
 * idle (not to run) → connecting → live → stalled (no bytes) → back-off → connecting. `auth-failed` stands apart: the
 * camera refuses the account, and only a rare new try or a new config helps.
 */
export type CameraState = "idle" | "connecting" | "live" | "stalled" | "back-off" | "auth-failed";

/** What is wrong with a camera, or with what is made of its pictures: as any device's health says it. */
export interface CameraTrouble {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** Whether what a camera shows is judged. */
export interface Judgement {
  /** A rule sees nothing at all; undefined while the model has not said what it knows, and has a minute to do so. */
  readonly isBlind: boolean | undefined;
  /** Why rules see nothing, or less than they should. */
  readonly words?: CameraTrouble;
}

/** Left, top, width and height of the whole picture, each 0 to 1. */
export type UnitBox = readonly [left: number, top: number, width: number, height: number];

export interface SeenObject {
  readonly label: string;
  /** 0 to 1. */
  readonly score: number;
  readonly box: UnitBox;
  /** It is what the verdict is about, and not merely in the picture. */
  readonly isCause: boolean;
}

/** A model as its manifest names it. */
export interface NamedModel {
  readonly name: string;
  readonly sha256: Sha256;
  readonly licence: string;
}

/** What judged: said in every verdict and signed with its evidence. */
export interface JudgedBy {
  /** Name of the rule in the node's config. */
  readonly rule: string;
  /** First 16 hex of the SHA-256 of the rule's settings: another one where anything of it changed. */
  readonly ruleVersion: string;
  readonly model: NamedModel;
  /** The second stage, where there is one. */
  readonly classifier?: NamedModel;
}

/** One judged picture: when its small frame came, and what was in it. */
export interface JudgedPicture {
  readonly atMs: number;
  readonly upMs: number;
  readonly objects: readonly SeenObject[];
}

/** Evidence that an alarm asks of a camera. `upMs` names the moment everywhere: clocks may jump. */
export interface CameraEvidenceRequest {
  readonly cameraId: string;
  readonly alarmId: AlarmId;
  readonly subject?: Subject;
  readonly position?: Position;
  /** Rule and rule-set of whatever raised. */
  readonly rule: string;
  readonly ruleSet?: string;
  /** Absent for alarms that no picture caused. */
  readonly judgedBy?: JudgedBy;
  readonly raisedUpMs: number;
  /** The picture that proves most so far. Asked at once, and again when the clip is cut. Absent: the moment of the raise. */
  readonly best?: () => JudgedPicture;
}

/** Keeps pictures and clips as evidence: a snapshot at once, the clip with the best snapshot when its end has come. */
export interface CameraEvidence {
  /**
   * Never rejects: what could not be had is a stated reason in the evidence records, which name the alarm.
   * @returns the ids that its evidence will have, for the alarm's own list
   */
  request(request: CameraEvidenceRequest): readonly string[];
}

/** A violation as the judge decided it, for live view and the local page; its alarm goes to the journal by itself. */
export interface ViolationVerdict {
  readonly cameraId: string;
  readonly alarmId: AlarmId;
  readonly phase: "raised" | "updated" | "cleared";
  readonly judgedBy: JudgedBy;
  readonly picture: JudgedPicture;
}

/** Everything that judgement needs of the camera side. */
export interface CameraSide {
  readonly frames: readonly FrameSource[];
  readonly evidence: CameraEvidence;
  /** Of live view: the newest boxes to draw, by camera. */
  show(picture: JudgedPicture & { readonly cameraId: string }): void;
}
