import { type Static, type TSchema, Type } from "typebox";
import { AlarmBody } from "./alarm.ts";
import {
  DeviceBody,
  EvidenceBody,
  HealthBody,
  MeasurementBody,
  MessageBody,
  PositionBody,
  ResultBody,
  ShedBody,
  StartBody,
  TimeBody,
} from "./bodies.ts";
import { AtMs, DeviceId, Seq, Subject, TimeQuality, UpMs } from "./ids.ts";
import { NoiseBody } from "./noise.ts";

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
  device: DeviceBody,
  health: HealthBody,
  result: ResultBody,
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

/**
 * How urgent a record is to send; the sender's affair, never on the wire.
 * 0 alarm, emergency message, result · 1 start, time, device, newest health, and the undecodable kind of `shed` in lane 0 ·
 * 2 live readings · 3 blobs · 4 lane-2 records of earlier sessions and older health. 0–1 keep their lane for ever.
 */
export type Lane = 0 | 1 | 2 | 3 | 4;

/** Lane of a record at the moment it is committed. */
export function laneOf(record: Pick<NewRecord, "kind" | "body">): Lane {
  switch (record.kind) {
    case "alarm":
    case "result":
      return 0;
    case "message":
      return (record.body as MessageBody).type === "emergency" ? 0 : 2;
    case "shed":
      return (record.body as ShedBody).reason === "undecodable" ? 0 : 1;
    case "start":
    case "time":
    case "device":
    case "health":
      return 1;
    default:
      return 2;
  }
}
