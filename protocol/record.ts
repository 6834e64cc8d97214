import { type Static, type TSchema, Type } from "typebox";
import { AlarmBody } from "./alarm.ts";
import { ActBody } from "./assignment.ts";
import {
  DeviceBody,
  HealthBody,
  MeasurementBody,
  MessageBody,
  PositionBody,
  ResultBody,
  ShedBody,
  StartBody,
  TimeBody,
} from "./bodies.ts";
import { EvidenceBody, EvidenceLostBody } from "./evidence.ts";
import { AtMs, DeviceId, Seq, Subject, TimeQuality, UpMs } from "./ids.ts";
import { NoiseBody } from "./noise.ts";

export { type Lane, laneOf } from "./lane.ts";

/** Body schema of each kind that this version knows. A kind that is not here is stored raw, never refused. */
export const BODY_SCHEMAS = {
  start: StartBody,
  time: TimeBody,
  noise: NoiseBody,
  measurement: MeasurementBody,
  position: PositionBody,
  message: MessageBody,
  alarm: AlarmBody,
  evidence: EvidenceBody,
  "evidence-lost": EvidenceLostBody,
  device: DeviceBody,
  health: HealthBody,
  result: ResultBody,
  act: ActBody,
  shed: ShedBody,
} as const satisfies Record<string, TSchema>;

export type RecordKind = keyof typeof BODY_SCHEMAS;
export type BodyOf<K extends RecordKind> = Static<(typeof BODY_SCHEMAS)[K]>;

/**
 * The head of every record: what the bridge needs to store, order and account for it, whatever its kind. Immutable once
 * committed; identified for ever by (node, run, seq). Unknown fields are ignored.
 */
export const RecordHead = Type.Object({
  seq: Seq,
  upMs: UpMs,
  /** UTC that the node believed in; see `timeQuality`. */
  atMs: AtMs,
  timeQuality: TimeQuality,
  kind: Type.String({ pattern: "^[a-z][a-z0-9-]{0,31}$" }),
  device: Type.Optional(DeviceId),
  subject: Type.Optional(Subject),
  body: Type.Unknown(),
});
export type RecordHead = Static<typeof RecordHead>;

/** A record of a kind that this version knows. */
export type KnownRecord = { [K in RecordKind]: RecordOf<K> }[RecordKind];
export type RecordOf<K extends RecordKind> = Omit<RecordHead, "kind" | "body"> & { kind: K; body: BodyOf<K> };

/** A record before the journal has numbered it. */
export type NewRecord = { [K in RecordKind]: Omit<RecordOf<K>, "seq"> }[RecordKind];
