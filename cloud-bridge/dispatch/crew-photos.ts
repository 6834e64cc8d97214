import { createHash, randomUUID } from "node:crypto";
import type { EvidenceBody, EvidenceMedia } from "../../protocol/evidence.ts";
import { newAlarmId } from "../../protocol/new-ids.ts";
import { type Change, loadCase, note, touch } from "../cases/case-rows.ts";
import { PEOPLE } from "../evidence/people.ts";
import type { Trx } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import type { Actor } from "./actor.ts";
import { ownLeg } from "./own-leg.ts";

export const MAX_PHOTO_BYTES = 12 * 1024 * 1024;
const MAX_PHOTOS = 200;

/** What came with a picture: by the clock of the phone, and where that believed to be. */
export interface PhotoFacts {
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly media: EvidenceMedia;
  readonly deviceTimeMs: number;
  readonly position?: { readonly latitudeDeg: number; readonly longitudeDeg: number; readonly accuracyM?: number };
}

/**
 * What a picture is by its first bytes, whatever it was called.
 * @throws BridgeError PHOTO_KIND
 */
export function photoFacts(bytes: Uint8Array, sent: Pick<PhotoFacts, "deviceTimeMs" | "position">): PhotoFacts {
  const media = mediaOf(bytes);
  if (media === undefined) {
    throw new BridgeError("PHOTO_KIND", "these bytes are no JPEG, PNG or WebP", {
      status: 415,
      hint: "Send the picture as the camera made it; HEIC must be turned into JPEG first.",
    });
  }
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { ...sent, sizeBytes: bytes.length, sha256, media };
}

/**
 * The leg and the case that one more picture of this actor would be of.
 * @throws BridgeError ASSIGNMENT_UNKNOWN, ASSIGNMENT_NOT_YOURS, PHOTO_LIMIT
 */
export async function placeOfPhoto(trx: Trx, actor: Actor, assignmentId: string) {
  const leg = await ownLeg(trx, actor, assignmentId);
  const row = await loadCase(trx, leg.case_id);
  const { count } = await trx
    .selectFrom("case_evidence")
    .select(({ fn }) => fn.countAll<number>().as("count"))
    .where("case_id", "=", row.id)
    .executeTakeFirstOrThrow();
  if (Number(count) < MAX_PHOTOS) return { leg, row };
  throw new BridgeError("PHOTO_LIMIT", `case ${row.number} has ${MAX_PHOTOS} photos`, {
    status: 409,
    hint: "A case takes no more.",
  });
}

/**
 * A picture becomes evidence of the case, and the timeline names its hash, its author and both clocks. Its bytes are on the
 * disk already.
 * @returns the id of the evidence
 * @throws BridgeError ASSIGNMENT_UNKNOWN, ASSIGNMENT_NOT_YOURS, PHOTO_LIMIT
 */
export async function takePhoto(
  change: Change,
  actor: Actor,
  assignmentId: string,
  photo: PhotoFacts,
): Promise<string> {
  const { trx, nowMs } = change;
  const { leg, row } = await placeOfPhoto(trx, actor, assignmentId);
  const { sha256, sizeBytes, media, deviceTimeMs, position } = photo;
  const evidenceId = `photo-${randomUUID()}`;
  const name = "photo";
  const body: EvidenceBody = {
    ...{ evidenceId, alarmId: newAlarmId(nowMs), missing: [] },
    parts: [{ name, type: "snapshot", media, sizeBytes, sha256, fromMs: deviceTimeMs, toMs: deviceTimeMs }],
  };
  const of = { evidence_id: evidenceId, node: PEOPLE };
  await trx
    .insertInto("evidence")
    .values({
      ...of,
      ...{ alarm_id: body.alarmId, device: actor.name, run: assignmentId, seq: 0 },
      ...{ received_at_ms: nowMs, body: JSON.stringify(body) },
    })
    .execute();
  await trx
    .insertInto("evidence_parts")
    .values({ ...of, name, sha256, size_bytes: sizeBytes, inline: 0 })
    .execute();
  const stored = { size_bytes: sizeBytes, received_bytes: sizeBytes, state: "stored", updated_at_ms: nowMs };
  await trx
    .insertInto("blobs")
    .values({ node: PEOPLE, sha256, ...stored, restarts: 0, code: null, first_at_ms: nowMs })
    .onConflict((conflict) => conflict.columns(["node", "sha256"]).doUpdateSet(stored))
    .execute();
  await trx
    .insertInto("case_evidence")
    .values({
      ...{ evidence_id: evidenceId, case_id: row.id, assignment_id: assignmentId, crew_id: leg.crew_id },
      ...{ author: actor.name, at_ms: nowMs, device_time_ms: deviceTimeMs },
    })
    .execute();
  touch(change, row.id);
  await note(change, row.id, {
    ...{ kind: "photo", actor: actor.name, channel: "crew-page", deviceTimeMs },
    ...(position === undefined ? {} : { position }),
    detail: { evidenceId, sha256, sizeBytes, media, assignmentId, crewId: leg.crew_id },
  });
  return evidenceId;
}

function mediaOf(bytes: Uint8Array): EvidenceMedia | undefined {
  const head = Buffer.from(bytes.subarray(0, 12)).toString("latin1");
  if (head.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (head.startsWith("\x89PNG\r\n\x1a\n")) return "image/png";
  return head.startsWith("RIFF") && head.slice(8) === "WEBP" ? "image/webp" : undefined;
}
