import { createHash } from "node:crypto";
import { applyEvidence } from "../../cloud-bridge/evidence/apply-evidence.ts";
import { BlobFiles } from "../../cloud-bridge/evidence/blob-files.ts";
import { saveBlob } from "../../cloud-bridge/evidence/blob-rows.ts";
import { saveSite } from "../../cloud-bridge/fleet/sites.ts";
import { putCrew } from "../../cloud-bridge/roster/crews.ts";
import { addDuty } from "../../cloud-bridge/roster/duties.ts";
import { putPerson } from "../../cloud-bridge/roster/people.ts";
import { putUnit } from "../../cloud-bridge/roster/units.ts";
import type { Store } from "../../cloud-bridge/store/database.ts";
import { newRunId } from "../../protocol/new-ids.ts";

const HOUR_MS = 3_600_000;

/** A district with its street, three departments, and three crews on duty whose places are known. */
export async function furnishCity({ db }: Store): Promise<void> {
  const outline = [
    { latitudeDeg: 39.905, longitudeDeg: 116.44 },
    { latitudeDeg: 39.905, longitudeDeg: 116.475 },
    { latitudeDeg: 39.935, longitudeDeg: 116.475 },
    { latitudeDeg: 39.935, longitudeDeg: 116.44 },
  ];
  await putUnit(db, { id: "chaoyang", name: "Chaoyang", level: "district" });
  await putUnit(db, {
    id: "hujialou",
    name: "Hujialou",
    level: "street",
    parentId: "chaoyang",
    areas: [{ kind: "polygon", outline }],
  });
  for (const [id, name] of [
    ["chengguan", "Enforcement"],
    ["police", "Police"],
    ["fire", "Fire brigade"],
  ] as const) {
    await putUnit(db, { id, name, level: "department", parentId: "chaoyang" });
  }
  await putPerson(db, { id: "zhang", name: "Zhang Qiang", unitId: "hujialou", authority: ["*"], radioIssi: "3001" });
  const nowMs = Date.now();
  for (const n of [1, 2, 3]) {
    const crewId = `crew-${n}`;
    await putCrew(db, { id: crewId, name: `Crew ${n}`, unitId: "hujialou" });
    const duty = { crewId, fromMs: nowMs - 1000, toMs: nowMs + HOUR_MS };
    await db.transaction().execute((trx) => addDuty(trx, duty, "Asia/Shanghai"));
    const place = { latitude_deg: 39.912 + n * 0.005, longitude_deg: 116.45 + n * 0.004, accuracy_m: 5 };
    const row = { crew_id: crewId, source: "vehicle", at_ms: nowMs, received_at_ms: nowMs };
    await db
      .insertInto("crew_positions")
      .values({ ...row, ...place })
      .execute();
  }
  await saveSite(
    db,
    {
      id: "block-9",
      name: "Guanghua Road block 9",
      timeZone: "Asia/Urumqi",
      latitudeDeg: 39.917,
      longitudeDeg: 116.457,
      radiusM: 150,
      unitId: "hujialou",
    },
    nowMs,
  );
}

export interface Picture {
  readonly node: string;
  readonly alarmId: string;
  readonly evidenceId: string;
  readonly jpeg: Uint8Array;
}

/** A still as it lies at the bridge once its node's line has carried it. */
export async function keepStill(
  { db }: Store,
  state: string,
  { node, alarmId, evidenceId, jpeg }: Picture,
): Promise<void> {
  const nowMs = Date.now();
  const sha256 = createHash("sha256").update(jpeg).digest("hex");
  const files = new BlobFiles(state);
  await files.append({ node, blob: sha256 }, 0, jpeg);
  await files.finish({ node, blob: sha256 });
  await files.close();
  const sizes = { sizeBytes: jpeg.length, receivedBytes: jpeg.length, restarts: 0 };
  await saveBlob(db, { node, blob: sha256 }, { ...sizes, state: "stored", firstAtMs: nowMs }, nowMs);
  const times = { fromMs: nowMs, toMs: nowMs };
  const body = {
    evidenceId,
    alarmId,
    parts: [{ name: "snapshot", type: "snapshot" as const, sizeBytes: jpeg.length, sha256, ...times }],
    missing: [],
  };
  const head = { seq: 9000, upMs: 1000, atMs: nowMs, timeQuality: "gnss" as const, device: "cam-01" };
  const record = { ...head, kind: "evidence" as const, body };
  await db.transaction().execute((trx) => applyEvidence(trx, { node, run: newRunId(), record, body }, nowMs));
}
