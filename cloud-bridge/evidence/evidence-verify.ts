import type { X509Certificate } from "node:crypto";
import { Type } from "typebox";
import { Value } from "typebox/value";
import { canonicalJson } from "../../protocol/canonical-json.ts";
import { EvidenceBody, type EvidencePart } from "../../protocol/evidence.ts";
import { evidenceKeyId, isManifestSigned, manifestOf } from "../../protocol/evidence-manifest.ts";
import { decodeLevels } from "../../protocol/level-series.ts";
import { RecordHead } from "../../protocol/record.ts";
import { DOCUMENT_SIGNING } from "../fleet/certificates.ts";
import type { BundleFault } from "./bundle-faults.ts";
import { type Bundle, type BundledEvidence, certificateOf, ManifestSignature } from "./bundle-format.ts";
import { PEOPLE } from "./people.ts";

export interface EvidenceVerdict {
  readonly evidenceId: string;
  readonly node: string;
  /** Signed by the node's key, which the CA vouches for. */
  readonly isSigned: boolean;
  readonly parts: readonly { readonly name: string; readonly ok: boolean; readonly state: string }[];
  readonly missing: readonly { readonly name: string; readonly reason: string }[];
}

interface Around {
  /** An entry that is what was exported. */
  readonly read: (name: string) => Uint8Array | undefined;
  readonly bad: ReadonlySet<string>;
  readonly ca: X509Certificate | undefined;
}

/** One evidence against itself: record, manifest, signature, key, parts, levels. */
export function verifyEvidence(
  about: BundledEvidence,
  bundle: Bundle,
  around: Around,
  faults: BundleFault[],
): EvidenceVerdict {
  const { evidenceId, node } = about;
  const verdict = { evidenceId, node, isSigned: false, parts: [], missing: [] };
  const wrong = (entry: string, field: string, message: string): void => {
    faults.push({ code: "EVIDENCE_CONTENT", entry, field, message });
  };
  const bytes = around.read(about.record);
  const record = bytes === undefined ? undefined : recordOf(bytes);
  if (bytes !== undefined && record === undefined) wrong(about.record, "record", "this is no evidence record");
  if (record === undefined) return verdict;
  const { body } = record;
  if (body.evidenceId !== evidenceId) wrong(about.record, "evidenceId", "the record is of another evidence");
  const isSigned = isSignedByNode(about, record, around, wrong);
  const parts = body.parts.map((part) => {
    const listed = about.parts.find(({ name }) => name === part.name);
    const ok = listed !== undefined && isPartRight(part, listed, bundle, around, wrong);
    return { name: part.name, ok, state: listed?.state ?? "unlisted" };
  });
  for (const part of body.parts) checkSeries(part, about.record, wrong);
  return { ...verdict, isSigned, parts, missing: body.missing };
}

type Wrong = (entry: string, field: string, message: string) => void;

function isSignedByNode(
  about: BundledEvidence,
  { head, body }: ReadRecord,
  { read, bad, ca }: Around,
  wrong: Wrong,
): boolean {
  const { manifest, certificate, node } = about;
  // A person has no key: the bridge's own signature over the bundle, and the hash in the timeline, are all there is.
  if (node === PEOPLE) return false;
  if (manifest === undefined || certificate === undefined || body.signature === undefined) {
    wrong(about.record, "signature", `no key that ${node} was known by signed this (${about.signature})`);
    return false;
  }
  if (head === undefined) {
    wrong(about.record, "record", "the record was made anew and does not say when it was written");
    return false;
  }
  const manifestBytes = read(manifest);
  const sigBytes = read(manifest.replace(/json$/, "sig"));
  const pem = read(certificate);
  if (manifestBytes === undefined || sigBytes === undefined || pem === undefined) return false;
  const text = Buffer.from(manifestBytes).toString("utf8");
  if (text !== canonicalJson(manifestOf(head, body, body.signature))) {
    wrong(manifest, "manifest", "the manifest does not say what the record says");
    return false;
  }
  const signature = signatureOf(sigBytes);
  if (signature === undefined || signature.sig !== body.signature.sig || signature.keyId !== body.signature.keyId) {
    wrong(manifest.replace(/json$/, "sig"), "sig", "this is not the signature that the record carries");
    return false;
  }
  const found = certificateOf(pem);
  if (found === undefined || evidenceKeyId(found.publicKey) !== signature.keyId) {
    wrong(certificate, "public key", "this is not the key that signed");
    return false;
  }
  const isVouched =
    ca !== undefined &&
    found.verify(ca.publicKey) &&
    found.subject === `CN=${node}` &&
    found.keyUsage?.includes(DOCUMENT_SIGNING) === true;
  if (!isVouched && !bad.has("trust/ca.pem"))
    wrong(certificate, "issuer", `the CA does not vouch for this key of ${node}`);
  if (body.signature.node !== node) wrong(about.record, "node", "it was signed as another node's");
  if (!isManifestSigned(text, signature.sig, found.publicKey)) {
    wrong(manifest, "sig", "the node's signature does not fit");
    return false;
  }
  return isVouched && body.signature.node === node;
}

function isPartRight(
  part: EvidencePart,
  listed: BundledEvidence["parts"][number],
  bundle: Bundle,
  { bad }: Around,
  wrong: Wrong,
): boolean {
  if (listed.entry === undefined) return false;
  const entry = bundle.entries.find(({ name }) => name === listed.entry);
  if (entry === undefined || bad.has(entry.name)) return false;
  if (entry.sizeBytes !== part.sizeBytes) wrong(entry.name, "sizeBytes", `it is not ${part.sizeBytes} bytes long`);
  if (entry.sha256 !== part.sha256) wrong(entry.name, "sha256", "it is not the file that the node signed for");
  return entry.sizeBytes === part.sizeBytes && entry.sha256 === part.sha256;
}

/** A series must be whole, and be of the time that its part says. */
function checkSeries({ name, series, fromMs, toMs }: EvidencePart, entry: string, wrong: Wrong): void {
  if (series === undefined) return;
  if (decodeLevels(series) === undefined) wrong(entry, `parts ${name}`, "the levels contradict themselves");
  if (series.fromMs !== fromMs || series.fromMs + series.seconds * 1000 !== toMs) {
    wrong(entry, `parts ${name}`, "the levels are of another time than the part says");
  }
}

interface ReadRecord {
  /** Absent where retention had taken the record before the export, and nothing signed says when it was written. */
  readonly head: RecordHead | undefined;
  readonly body: EvidenceBody;
}

const Rebuilt = Type.Object({ kind: Type.Literal("evidence"), rebuilt: Type.Literal(true), body: EvidenceBody });

function recordOf(bytes: Uint8Array): ReadRecord | undefined {
  try {
    const head: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    if (!Value.Check(RecordHead, head))
      return Value.Check(Rebuilt, head) ? { head: undefined, body: head.body } : undefined;
    if (head.kind !== "evidence") return undefined;
    return Value.Check(EvidenceBody, head.body) ? { head, body: head.body } : undefined;
  } catch {
    return undefined;
  }
}

function signatureOf(bytes: Uint8Array) {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    return Value.Check(ManifestSignature, value) ? value : undefined;
  } catch {
    return undefined;
  }
}
