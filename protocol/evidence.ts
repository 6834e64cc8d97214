import { type Static, Type } from "typebox";
import { AlarmId, AtMs, Count, NodeId, Position, RunId, Sha256 } from "./ids.ts";
import { LevelSeries, NoiseQuantity } from "./noise.ts";

export const EvidenceId = Type.String({ pattern: "^[a-z0-9-]{1,64}$" });

/** What a part's bytes are, where its type does not say it: levels are `application/json`, a snapshot JPEG, a clip MP4, a
 * file whatever it is. */
export const EvidenceMedia = Type.Union([
  Type.Literal("application/json"),
  Type.Literal("image/jpeg"),
  Type.Literal("image/png"),
  Type.Literal("image/webp"),
  Type.Literal("video/mp4"),
  Type.Literal("application/octet-stream"),
]);
export type EvidenceMedia = Static<typeof EvidenceMedia>;

/** One thing that proves something. `fromMs` and `toMs` are the real start and end of what is in it. */
export const EvidencePart = Type.Object({
  /** Unlike every other part of the same evidence. */
  name: Type.String({ maxLength: 64 }),
  type: Type.Union([Type.Literal("levels"), Type.Literal("snapshot"), Type.Literal("clip"), Type.Literal("file")]),
  /** Bytes and hash of the part: of the blob, or of the series' canonical JSON. The hash is the name of its blob. */
  sizeBytes: Count,
  sha256: Sha256,
  fromMs: AtMs,
  toMs: AtMs,
  quantity: Type.Optional(NoiseQuantity),
  series: Type.Optional(LevelSeries),
  media: Type.Optional(EvidenceMedia),
});
export type EvidencePart = Static<typeof EvidencePart>;

/** Why a part that was due is not there. */
export const MissingPart = Type.Object({
  name: Type.String({ maxLength: 64 }),
  reason: Type.String({ maxLength: 200 }),
});
export type MissingPart = Static<typeof MissingPart>;

/**
 * The node's word for its evidence: Ed25519 over the manifest that the record stands for (`manifestOf`). `node` and `run`
 * are those of the taking: what a full disk held back may be recorded in a later run.
 */
export const EvidenceSignature = Type.Object({
  node: NodeId,
  run: RunId,
  /** First 16 hex of the SHA-256 of the key's SPKI DER. */
  keyId: Type.String({ pattern: "^[0-9a-f]{16}$" }),
  /** Base64. */
  sig: Type.String({ minLength: 1, maxLength: 128 }),
});
export type EvidenceSignature = Static<typeof EvidenceSignature>;

const ModelName = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 64 }),
  sha256: Sha256,
  /** As its manifest names it. */
  licence: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
});

/** What judged a picture: the very rule and models, so that a verdict can be made again. */
export const EvidenceJudge = Type.Object({
  /** First 16 hex of the SHA-256 of the rule's settings. */
  ruleVersion: Type.String({ pattern: "^[0-9a-f]{16}$" }),
  model: ModelName,
  /** The second stage, on crops. */
  classifier: Type.Optional(ModelName),
});
export type EvidenceJudge = Static<typeof EvidenceJudge>;

/** How a camera's video became a clip: as the camera sent it, or coded anew (motion JPEG); and what became of its sound. */
export const EvidenceCapture = Type.Object({
  video: Type.Union([Type.Literal("copied"), Type.Literal("transcoded")]),
  sound: Type.Union([Type.Literal("none"), Type.Literal("dropped"), Type.Literal("transcoded")]),
});
export type EvidenceCapture = Static<typeof EvidenceCapture>;

/**
 * Evidence of one alarm. `levels` (60 s before and after) is small and travels inside; media travel as blobs, each under
 * its SHA-256, and `missing` states why a part that was due is not there.
 */
export const EvidenceBody = Type.Object({
  evidenceId: EvidenceId,
  alarmId: AlarmId,
  /** It answers this command, and `alarmId` is no alarm's. */
  commandId: Type.Optional(Type.String({ maxLength: 64 })),
  parts: Type.Array(EvidencePart, { maxItems: 8 }),
  missing: Type.Array(MissingPart, { maxItems: 8 }),
  rule: Type.Optional(Type.String({ maxLength: 64 })),
  ruleSet: Type.Optional(Type.String({ maxLength: 64 })),
  position: Type.Optional(Position),
  judgedBy: Type.Optional(EvidenceJudge),
  capture: Type.Optional(EvidenceCapture),
  /** Absent from nodes that made no key yet. */
  signature: Type.Optional(EvidenceSignature),
});
export type EvidenceBody = Static<typeof EvidenceBody>;

/**
 * A part whose record is committed and whose bytes will not come: said once, and the upload is over. `gone`: the file is no
 * longer on the node. `damaged`: it no longer has its hash. `refused`: the bridge will not take it, `code` says why.
 * `quota`: given up to make room.
 */
export const EvidenceLostBody = Type.Object({
  evidenceId: EvidenceId,
  alarmId: AlarmId,
  part: Type.String({ maxLength: 64 }),
  sha256: Sha256,
  sizeBytes: Count,
  reason: Type.Union([Type.Literal("gone"), Type.Literal("damaged"), Type.Literal("refused"), Type.Literal("quota")]),
  code: Type.Optional(Type.String({ maxLength: 64 })),
});
export type EvidenceLostBody = Static<typeof EvidenceLostBody>;

/** @returns the media type under which a part is kept and served */
export function mediaOf({ type, media }: Pick<EvidencePart, "type" | "media">): EvidenceMedia {
  if (media !== undefined) return media;
  if (type === "levels") return "application/json";
  if (type === "file") return "application/octet-stream";
  return type === "snapshot" ? "image/jpeg" : "video/mp4";
}
