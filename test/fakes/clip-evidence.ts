import { createHash, type KeyObject, randomBytes } from "node:crypto";
import { applyEvidence } from "../../cloud-bridge/evidence/apply-evidence.ts";
import { BlobFiles } from "../../cloud-bridge/evidence/blob-files.ts";
import { saveBlob } from "../../cloud-bridge/evidence/blob-rows.ts";
import { learnEvidenceKey } from "../../cloud-bridge/evidence/evidence-keys.ts";
import type { Store } from "../../cloud-bridge/store/database.ts";
import { canonicalJson } from "../../protocol/canonical-json.ts";
import type { EvidenceBody } from "../../protocol/evidence.ts";
import { evidenceKeyId, signEvidence } from "../../protocol/evidence-manifest.ts";
import { encodeLevels } from "../../protocol/level-series.ts";
import { newAlarmId, newRunId } from "../../protocol/new-ids.ts";

/** Whose evidence it is, when it was taken, and how long its clip is. */
export const NODE = "site-1";
export const T0 = 1_763_500_000_000;
const CLIP_BYTES = 70_000;

/** Evidence with levels inside and a clip beside, signed as a node signs it. */
export async function takeClipEvidence(
  { store, state }: { readonly store: Store; readonly state: string },
  key: { readonly publicKey: KeyObject; readonly privateKey: KeyObject },
  isKnown: boolean,
): Promise<string> {
  const clip = randomBytes(CLIP_BYTES);
  const sha256 = createHash("sha256").update(clip).digest("hex");
  const files = new BlobFiles(state);
  await files.append({ node: NODE, blob: sha256 }, 0, clip);
  await files.finish({ node: NODE, blob: sha256 });
  await files.close();
  const row = {
    sizeBytes: clip.length,
    receivedBytes: clip.length,
    state: "stored",
    restarts: 0,
    firstAtMs: T0,
  } as const;
  await saveBlob(store.db, { node: NODE, blob: sha256 }, row, T0);
  const series = encodeLevels(
    T0,
    Array.from({ length: 121 }, (_, i) => ({ levelDb: 60 + (i % 17), flags: [] })),
  );
  const levels = Buffer.from(canonicalJson(series));
  const levelsHash = createHash("sha256").update(levels).digest("hex");
  const times = { fromMs: T0, toMs: T0 + 121_000 };
  const alarmId = newAlarmId(T0);
  const unsigned: EvidenceBody = {
    evidenceId: `${alarmId}-levels-1`,
    alarmId,
    rule: "night-noise",
    ruleSet: "GB12523-2025",
    position: { latitudeDeg: 39.9, longitudeDeg: 116.4 },
    parts: [
      {
        name: "levels",
        type: "levels",
        sizeBytes: levels.length,
        sha256: levelsHash,
        quantity: "LAeq1s",
        series,
        ...times,
      },
      { name: "clip", type: "clip", sizeBytes: clip.length, sha256, ...times },
    ],
    missing: [{ name: "snapshot", reason: "the camera did not answer" }],
  };
  const head = { upMs: 1000, atMs: T0 + 122_000, timeQuality: "gnss", device: "noise-01" } as const;
  const keyId = evidenceKeyId(key.publicKey);
  const signature = signEvidence(head, unsigned, { node: NODE, run: newRunId(), keyId }, key.privateKey);
  const body = { ...unsigned, signature };
  const record = { seq: 7, ...head, kind: "evidence", body };
  await store.db.transaction().execute(async (trx) => {
    const text = key.publicKey.export({ type: "spki", format: "der" }).toString("base64");
    if (isKnown) await learnEvidenceKey(trx, NODE, text, T0);
    await applyEvidence(trx, { node: NODE, run: newRunId(), record, body }, T0);
  });
  return body.evidenceId;
}
