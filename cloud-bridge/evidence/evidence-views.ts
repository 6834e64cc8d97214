import { type EvidenceBody, mediaOf } from "../../protocol/evidence.ts";
import type { Db, Trx } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import { inlineBytes } from "./apply-evidence.ts";
import type { BlobFiles, BlobKey, ByteRange } from "./blob-files.ts";
import type { SignatureState } from "./evidence-keys.ts";
import { PEOPLE } from "./people.ts";

/**
 * `announced`: its record came, no byte did · `arriving`: some did · `stored`: whole, hash checked · `lost`: the node gave it
 * up · `refused`: it came with another hash, twice · `gone`: deleted here after its time · `missing`: it never was.
 */
export type PartState = "announced" | "arriving" | "stored" | "lost" | "refused" | "gone" | "missing";

export interface PartFacts {
  readonly name: string;
  readonly type: "levels" | "snapshot" | "clip" | "file";
  readonly media: string;
  readonly state: PartState;
  readonly sizeBytes: number;
  readonly receivedBytes: number;
  readonly sha256: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly reason?: string;
}

export interface EvidenceFacts {
  readonly evidenceId: string;
  readonly alarmId: string;
  readonly signature: SignatureState;
  readonly parts: PartFacts[];
  readonly missing: { readonly name: string; readonly reason: string }[];
  readonly body: unknown;
  /** Who sent it, where a person did; `takenAtMs` by the clock of the phone. */
  readonly author?: string;
  readonly crewId?: string;
  readonly takenAtMs?: number;
}

export interface EvidenceRow {
  readonly evidence_id: string;
  readonly alarm_id: string;
  readonly node: string;
  readonly run: string;
  readonly seq: number;
  readonly body: string;
  readonly manifest: string | null;
  readonly key_id: string | null;
  readonly sig: string | null;
  readonly signature: string;
}

/** Of these alarms, and by the very node that raised each. Oldest first. */
export async function evidenceOfAlarms(db: Db | Trx, alarmIds: readonly string[]): Promise<readonly EvidenceRow[]> {
  if (alarmIds.length === 0) return [];
  return db
    .selectFrom("evidence")
    .innerJoin("alarms", (join) =>
      join.onRef("alarms.alarm_id", "=", "evidence.alarm_id").onRef("alarms.node", "=", "evidence.node"),
    )
    .selectAll("evidence")
    .where("evidence.alarm_id", "in", alarmIds)
    .orderBy("evidence.received_at_ms")
    .orderBy("evidence.evidence_id")
    .execute();
}

/** Of its alarms, and what people sent of it or of a case that was merged into it. */
export async function evidenceOfCase(db: Db | Trx, caseId: string): Promise<readonly EvidenceRow[]> {
  const alarms = await db.selectFrom("case_alarms").select("alarm_id").where("case_id", "=", caseId).execute();
  const recorded = await evidenceOfAlarms(
    db,
    alarms.map(({ alarm_id }) => alarm_id),
  );
  const sent = await db
    .selectFrom("case_evidence")
    .innerJoin("evidence", "evidence.evidence_id", "case_evidence.evidence_id")
    .innerJoin("cases", "cases.id", "case_evidence.case_id")
    .selectAll("evidence")
    .where((or) => or.or([or("cases.id", "=", caseId), or("cases.merged_into", "=", caseId)]))
    .orderBy("case_evidence.at_ms")
    .orderBy("evidence.evidence_id")
    .execute();
  return [...recorded, ...sent];
}

async function sender(db: Db | Trx, row: EvidenceRow): Promise<Pick<EvidenceFacts, "author" | "crewId" | "takenAtMs">> {
  if (row.node !== PEOPLE) return {};
  const sent = await db
    .selectFrom("case_evidence")
    .select(["author", "crew_id", "device_time_ms"])
    .where("evidence_id", "=", row.evidence_id)
    .executeTakeFirst();
  if (sent === undefined) return {};
  return {
    author: sent.author,
    ...(sent.crew_id === null ? {} : { crewId: sent.crew_id }),
    ...(sent.device_time_ms === null ? {} : { takenAtMs: sent.device_time_ms }),
  };
}

export async function evidenceFacts(db: Db | Trx, row: EvidenceRow): Promise<EvidenceFacts> {
  const body = JSON.parse(row.body) as EvidenceBody;
  const lost = new Map<string, string>();
  const parts = await db
    .selectFrom("evidence_parts")
    .select(["name", "lost"])
    .where("evidence_id", "=", row.evidence_id)
    .execute();
  for (const part of parts) if (part.lost !== null) lost.set(part.name, part.lost);
  const hashes = body.parts.map(({ sha256 }) => sha256);
  const blobs =
    hashes.length === 0
      ? []
      : await db.selectFrom("blobs").selectAll().where("node", "=", row.node).where("sha256", "in", hashes).execute();
  return {
    evidenceId: row.evidence_id,
    alarmId: row.alarm_id,
    signature: row.signature as SignatureState,
    parts: body.parts.map((part) => {
      const blob = blobs.find(({ sha256 }) => sha256 === part.sha256);
      const { name, type, sizeBytes, sha256, fromMs, toMs } = part;
      const facts = { name, type, media: mediaOf(part), sizeBytes, sha256, fromMs, toMs };
      if (inlineBytes(part) !== undefined) return { ...facts, state: "stored", receivedBytes: sizeBytes };
      const receivedBytes = blob?.state === "stored" ? sizeBytes : (blob?.received_bytes ?? 0);
      if (blob?.state === "stored" || blob?.state === "gone") return { ...facts, state: blob.state, receivedBytes };
      if (blob?.state === "refused") {
        return { ...facts, state: "refused", receivedBytes, reason: blob.code ?? "BLOB_HASH" };
      }
      const reason = lost.get(name);
      if (reason !== undefined) return { ...facts, state: "lost", receivedBytes, reason };
      return { ...facts, state: blob === undefined ? "announced" : "arriving", receivedBytes };
    }),
    missing: [...body.missing],
    body,
    ...(await sender(db, row)),
  };
}

/** @throws BridgeError EVIDENCE_UNKNOWN */
export async function loadEvidence(db: Db | Trx, evidenceId: string): Promise<EvidenceRow> {
  const row = await db.selectFrom("evidence").selectAll().where("evidence_id", "=", evidenceId).executeTakeFirst();
  if (row !== undefined) return row;
  throw new BridgeError("EVIDENCE_UNKNOWN", `there is no evidence ${evidenceId}`, {
    status: 404,
    hint: "A case lists its evidence: GET /api/v1/cases/{id}.",
  });
}

/** The case that an evidence belongs to, if there is one. */
export async function caseOfEvidence(
  db: Db | Trx,
  { evidence_id, alarm_id, node }: EvidenceRow,
): Promise<string | undefined> {
  const sent = await db
    .selectFrom("case_evidence")
    .select("case_id")
    .where("evidence_id", "=", evidence_id)
    .executeTakeFirst();
  if (sent !== undefined) return sent.case_id;
  const row = await db
    .selectFrom("case_alarms")
    .innerJoin("alarms", "alarms.alarm_id", "case_alarms.alarm_id")
    .select("case_alarms.case_id")
    .where("case_alarms.alarm_id", "=", alarm_id)
    .where("alarms.node", "=", node)
    .executeTakeFirst();
  return row?.case_id;
}

export interface ServedPart extends PartFacts {
  readonly range?: ByteRange;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/**
 * @param rangeOf says which of its bytes are wanted, once their number is known; undefined: all
 * @throws BridgeError EVIDENCE_UNKNOWN, EVIDENCE_NOT_HERE, EVIDENCE_ROTTED
 */
export async function openPart(
  db: Db,
  files: BlobFiles,
  row: EvidenceRow,
  name: string,
  rangeOf: (sizeBytes: number) => ByteRange | undefined = () => undefined,
): Promise<ServedPart> {
  const facts = (await evidenceFacts(db, row)).parts.find((part) => part.name === name);
  if (facts === undefined) {
    throw new BridgeError("EVIDENCE_UNKNOWN", `evidence ${row.evidence_id} has no part ${name}`, {
      status: 404,
      hint: "A case lists its evidence with its parts: GET /api/v1/cases/{id}.",
    });
  }
  if (facts.state !== "stored") {
    throw new BridgeError("EVIDENCE_NOT_HERE", `${name} of ${row.evidence_id} is ${facts.state}`, {
      status: 409,
      hint: "Its bytes are not at the bridge: they may still be on their way, or its state says why not.",
    });
  }
  const body = JSON.parse(row.body) as EvidenceBody;
  const part = body.parts.find((one) => one.name === name);
  const inline = part === undefined ? undefined : inlineBytes(part);
  const range = rangeOf(facts.sizeBytes);
  const served = range === undefined ? facts : { ...facts, range };
  if (inline !== undefined) return { ...served, bytes: only(inline.subarray(range?.from, range?.to)) };
  const key = { node: row.node, blob: facts.sha256 };
  if (await files.isThere(key, facts.sizeBytes)) {
    if (await files.isSound(key)) return { ...served, bytes: files.read(key, range) };
    throw await rotted(db, files, row, key, name);
  }
  throw new BridgeError("EVIDENCE_NOT_HERE", `${name} of ${row.evidence_id} was stored, and is not on the disk`, {
    status: 409,
    hint: "Was `blobs` in the bridge's state deleted, or left out of a backup? Nodes send again what they still have after a restart of the bridge.",
  });
}

/** What is served under a hash has that hash: a disk that forgot a bit is said, and the node asked for the file again. */
async function rotted(db: Db, files: BlobFiles, row: EvidenceRow, key: BlobKey, name: string): Promise<BridgeError> {
  await files.setAside(key);
  await db
    .updateTable("blobs")
    .set({ state: "gone", received_bytes: 0 })
    .where("node", "=", key.node)
    .where("sha256", "=", key.blob)
    .execute();
  return new BridgeError("EVIDENCE_ROTTED", `${name} of ${row.evidence_id} has rotted on the bridge's disk`, {
    status: 409,
    hint: "It lies beside the others as <sha256>.rotten. Look at the disk; the node sends it again, if it still has it, after a restart of the bridge. Else take it from a backup.",
  });
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
