import { createPublicKey, type KeyObject } from "node:crypto";
import { Readable } from "node:stream";
import { canonicalJson } from "../../protocol/canonical-json.ts";
import type { EvidenceBody } from "../../protocol/evidence.ts";
import { evidenceKeyId, readEvidenceKey } from "../../protocol/evidence-manifest.ts";
import type { Db } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import type { BlobFiles } from "./blob-files.ts";
import {
  BUNDLE_JSON,
  BUNDLE_SIG,
  type Bundle,
  type BundledEvidence,
  type BundleEntry,
  describeEntry,
  END_BYTES,
  EntryDigest,
  HEADER_BYTES,
  paddingBytes,
  signBundle,
  tarHeader,
} from "./bundle-format.ts";
import { type EvidenceRow, evidenceFacts, evidenceOfCase, loadEvidence, openPart } from "./evidence-views.ts";

/** Who vouches: the bridge's authority as a bundle needs it. */
export interface BundleAuthority {
  readonly caPem: string;
  evidenceSigner(nowMs: number): Promise<{ readonly privateKey: KeyObject; readonly certificatePem: string }>;
  /** A certificate for a node's evidence key, under the node's name. */
  certifyEvidenceKey(node: string, publicKeyPem: string, nowMs: number): Promise<string>;
}

export interface BundleOptions {
  readonly db: Db;
  readonly bridge: string;
  readonly files: BlobFiles;
  readonly authority: BundleAuthority;
  readonly nowMs: number;
  /** The case that is exported, as the desk tells it: what was done about it, by whom and when. */
  readonly caseFile?: { readonly case: object; readonly timeline: readonly object[] };
}

export interface PreparedBundle {
  readonly name: string;
  readonly sizeBytes: number;
  readonly bundle: Bundle;
  bytes(): AsyncGenerator<Uint8Array>;
}

interface Entry {
  readonly about: BundleEntry;
  readonly bytes: () => AsyncIterable<Uint8Array>;
}

const EXTENSION: Readonly<Record<string, string>> = {
  "application/json": "json",
  "image/jpeg": "jpg",
  "image/png": "png",
  "image/webp": "webp",
  "video/mp4": "mp4",
};

/** What a case, or one evidence, has to show. @throws BridgeError EVIDENCE_UNKNOWN, EVIDENCE_NONE */
export async function evidenceToExport(db: Db, of: string): Promise<readonly EvidenceRow[]> {
  const rows = await evidenceOfCase(db, of);
  if (rows.length > 0) return rows;
  const found = await db.selectFrom("cases").select("id").where("id", "=", of).executeTakeFirst();
  if (found === undefined) return [await loadEvidence(db, of)];
  throw new BridgeError("EVIDENCE_NONE", `case ${of} has no evidence`, {
    status: 409,
    hint: "Evidence comes with the records of its node; look whether the node has unsent ones.",
  });
}

/** Reads every file once for its hashes; `bytes` reads it once more. @throws BridgeError EVIDENCE_UNKNOWN, EVIDENCE_NONE */
export async function prepareBundle(of: string, options: BundleOptions): Promise<PreparedBundle> {
  const { db, authority, bridge, nowMs } = options;
  const rows = await evidenceToExport(db, of);
  const signer = await authority.evidenceSigner(nowMs);
  const entries: Entry[] = [];
  const add = (name: string, text: string | Uint8Array): string => {
    const bytes = typeof text === "string" ? Buffer.from(text) : text;
    entries.push({ about: describeEntry(name, bytes), bytes: () => only(bytes) });
    return name;
  };
  add("trust/ca.pem", authority.caPem);
  add("trust/bridge.pem", signer.certificatePem);
  if (options.caseFile !== undefined) {
    add("case/case.json", readable(options.caseFile.case));
    add("case/timeline.json", readable(options.caseFile.timeline));
    add("case/alarms.json", readable(await alarmsOf(db, of)));
  }
  const evidence: BundledEvidence[] = [];
  for (const row of rows) evidence.push(await addEvidence(row, options, entries, add));
  const publicKey = createPublicKey(signer.privateKey);
  const bundle: Bundle = {
    ...{ v: 1, kind: "shao-evidence-bundle", bridge, exportedAtMs: nowMs, of },
    signer: {
      keyId: evidenceKeyId(publicKey),
      publicKey: publicKey.export({ type: "spki", format: "der" }).toString("base64"),
    },
    entries: entries.map(({ about }) => about),
    evidence,
  };
  const json = Buffer.from(canonicalJson(bundle));
  const sig = signBundle(json, signer.privateKey);
  const all: readonly Entry[] = [
    { about: describeEntry(BUNDLE_JSON, json), bytes: () => only(json) },
    { about: describeEntry(BUNDLE_SIG, sig), bytes: () => only(sig) },
    ...entries,
  ];
  const sizes = all.map(({ about: { sizeBytes } }) => HEADER_BYTES + sizeBytes + paddingBytes(sizeBytes));
  return {
    name: `shao-evidence-${of}.tar`,
    sizeBytes: sizes.reduce((sum, size) => sum + size, END_BYTES),
    bundle,
    bytes: () => archive(all),
  };
}

async function addEvidence(
  row: EvidenceRow,
  options: BundleOptions,
  entries: Entry[],
  add: (name: string, text: string | Uint8Array) => string,
): Promise<BundledEvidence> {
  const { db, files } = options;
  const folder = `evidence/${row.evidence_id}`;
  const record = add(`${folder}/record.json`, await recordBytes(db, row));
  const isSigned = row.manifest !== null && row.sig !== null;
  const manifest = isSigned ? add(`${folder}/manifest.json`, row.manifest ?? "") : undefined;
  if (isSigned) add(`${folder}/manifest.sig`, canonicalJson({ keyId: row.key_id, sig: row.sig }));
  const certificate = isSigned ? await addCertificate(row, options, entries, add) : undefined;
  const facts = await evidenceFacts(db, row);
  const parts: BundledEvidence["parts"] = [];
  for (const [index, part] of facts.parts.entries()) {
    const { name, state, media, sizeBytes } = part;
    if (state !== "stored") {
      parts.push({ name, state: part.reason === undefined ? state : `${state}: ${part.reason}` });
      continue;
    }
    if (!(await isOpenable(db, files, row, name))) {
      parts.push({ name, state: "missing: it was stored, and is not whole on the bridge's disk" });
      continue;
    }
    const entry = `${folder}/${index}-${part.type}.${EXTENSION[media] ?? "bin"}`;
    const open = async () => (await openPart(db, files, row, name)).bytes;
    const digest = new EntryDigest(entry, sizeBytes);
    for await (const piece of await open()) digest.update(piece);
    entries.push({ about: digest.done(), bytes: () => opened(open) });
    parts.push({ name, entry, state });
  }
  return {
    ...{ evidenceId: row.evidence_id, alarmId: row.alarm_id, node: row.node, signature: row.signature, record, parts },
    ...(manifest === undefined ? {} : { manifest }),
    ...(certificate === undefined ? {} : { certificate }),
  };
}

/** The newest revision of each alarm of the case, as its node sent it. */
async function alarmsOf(db: Db, caseId: string): Promise<readonly object[]> {
  const rows = await db
    .selectFrom("case_alarms")
    .innerJoin("alarms", "alarms.alarm_id", "case_alarms.alarm_id")
    .select(["alarms.node", "alarms.device", "alarms.run", "alarms.seq", "alarms.body"])
    .where("case_alarms.case_id", "=", caseId)
    .orderBy("alarms.raised_at_ms")
    .orderBy("alarms.alarm_id")
    .execute();
  return rows.map(({ body, ...of }) => ({ ...of, body: JSON.parse(body) as unknown }));
}

/** For people who open the archive: its hash stands in the list all the same. */
function readable(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

const ABSENT: readonly string[] = ["EVIDENCE_NOT_HERE", "EVIDENCE_ROTTED"];

/** What is not there must not keep the rest from being exported. */
async function isOpenable(db: Db, files: BlobFiles, row: EvidenceRow, name: string): Promise<boolean> {
  try {
    const { bytes } = await openPart(db, files, row, name);
    if (bytes instanceof Readable) bytes.destroy();
    return true;
  } catch (error) {
    if (error instanceof BridgeError && ABSENT.includes(error.code)) return false;
    throw error;
  }
}

/** Only for a key that the bridge believes: a bundle must not vouch for more. */
async function addCertificate(
  { node, key_id: keyId }: EvidenceRow,
  { db, authority, nowMs }: BundleOptions,
  entries: readonly Entry[],
  add: (name: string, text: string) => string,
): Promise<string | undefined> {
  const name = `trust/${node.slice(0, 63)}-${keyId}.pem`;
  if (entries.some(({ about }) => about.name === name)) return name;
  const row = await db
    .selectFrom("evidence_keys")
    .select("public_key")
    .where("node", "=", node)
    .where("key_id", "=", keyId ?? "")
    .where("state", "=", "pinned")
    .executeTakeFirst();
  const key = row === undefined ? undefined : readEvidenceKey(row.public_key);
  if (key === undefined) return undefined;
  const pem = key.export({ type: "spki", format: "pem" }).toString();
  return add(name, await authority.certifyEvidenceKey(node, pem, nowMs));
}

/**
 * As the node sent it; where retention has taken that, made anew from what the evidence table and the signed manifest still say,
 * and marked so. What nobody knows any more is left out.
 */
async function recordBytes(db: Db, row: EvidenceRow): Promise<Uint8Array> {
  const found = await db
    .selectFrom("inbox")
    .select("bytes")
    .where("node", "=", row.node)
    .where("run", "=", row.run)
    .where("seq", "=", row.seq)
    .executeTakeFirst();
  if (found !== undefined) return found.bytes;
  const body = JSON.parse(row.body) as EvidenceBody;
  const { upMs, atMs, timeQuality, device, subject } = JSON.parse(row.manifest ?? "{}") as Record<string, unknown>;
  const known = { seq: row.seq, upMs, atMs, timeQuality, kind: "evidence", device, subject, body, rebuilt: true };
  return Buffer.from(canonicalJson(JSON.parse(JSON.stringify(known))));
}

async function* archive(entries: readonly Entry[]): AsyncGenerator<Uint8Array> {
  for (const { about, bytes } of entries) {
    yield tarHeader(about.name, about.sizeBytes);
    yield* bytes();
    yield new Uint8Array(paddingBytes(about.sizeBytes));
  }
  yield new Uint8Array(END_BYTES);
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function* opened(open: () => Promise<AsyncIterable<Uint8Array>>): AsyncGenerator<Uint8Array> {
  yield* await open();
}
