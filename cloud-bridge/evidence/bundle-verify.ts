import { createHash, createPublicKey, type KeyObject, type X509Certificate } from "node:crypto";
import { Type } from "typebox";
import { Value } from "typebox/value";
import { canonicalJson } from "../../protocol/canonical-json.ts";
import { evidenceKeyId } from "../../protocol/evidence-manifest.ts";
import { DOCUMENT_SIGNING, EVIDENCE_SIGNER } from "../fleet/certificates.ts";
import { type BundleFault, type ByteSource, FlipSearch } from "./bundle-faults.ts";
import {
  BUNDLE_JSON,
  BUNDLE_SIG,
  Bundle,
  type BundleEntry,
  BundleSignature,
  certificateOf,
  END_BYTES,
  EntryDigest,
  HEADER_BYTES,
  hashed,
  headerField,
  isBundleSigned,
  paddingBytes,
  pieceBytes,
  readTarHeader,
  tarHeader,
} from "./bundle-format.ts";
import { type EvidenceVerdict, verifyEvidence } from "./evidence-verify.ts";
import { brokenAt, type ChainedEntry } from "./timeline-chain.ts";

export interface BundleVerdict {
  readonly ok: boolean;
  readonly of?: string;
  readonly bridge?: string;
  readonly exportedAtMs?: number;
  /** SHA-256 of the CA that everything rests on: compare it with what `shao bridge init` printed. */
  readonly caFingerprint?: string;
  /** Entries of the case's timeline, each of which follows from those before it; absent where no case is inside. */
  readonly timelineEntries?: number;
  readonly evidence: readonly EvidenceVerdict[];
  readonly faults: readonly BundleFault[];
}

const TIMELINE = "case/timeline.json";
const Timeline = Type.Array(Type.Object({ seq: Type.Integer(), hash: Type.String() }));

interface Found {
  readonly name: string;
  /** Of its bytes, behind the header. */
  readonly at: number;
  readonly sizeBytes: number;
}

/**
 * Looks at every bit of a bundle, without anything but the bundle. What is wrong is named: entry, byte region, field.
 * @param caFingerprint of the bridge's CA, where it is known from elsewhere
 */
export function verifyBundle(source: ByteSource, caFingerprint?: string): BundleVerdict {
  const faults: BundleFault[] = [];
  const search = new FlipSearch();
  const failed = (): BundleVerdict => ({ ok: false, evidence: [], faults });
  const [json, sig] = leadingEntries(source, faults);
  if (json === undefined || sig === undefined) return failed();
  const bundle = readBundle(source, json, sig, search, faults);
  if (bundle === undefined) return failed();
  const bad = checkLayout(source, bundle, sig, search, faults);
  const entries = new Map<string, Uint8Array>();
  let at = sig.at + sig.sizeBytes + paddingBytes(sig.sizeBytes);
  const places = new Map<string, Found>();
  for (const { name, sizeBytes } of bundle.entries) {
    places.set(name, { name, at: at + HEADER_BYTES, sizeBytes });
    at += HEADER_BYTES + sizeBytes + paddingBytes(sizeBytes);
  }
  const read = (name: string): Uint8Array | undefined => {
    const place = places.get(name);
    if (place === undefined || bad.has(name)) return undefined;
    const known = entries.get(name) ?? source.read(place.at, place.sizeBytes);
    entries.set(name, known);
    return known;
  };
  const ca = checkTrust(bundle, read, caFingerprint, faults);
  const evidence = bundle.evidence.map((one) =>
    verifyEvidence(one, bundle, { read, bad, ca: ca?.certificate }, faults),
  );
  const timelineEntries = checkTimeline(bundle, read, faults);
  const { of, bridge, exportedAtMs } = bundle;
  return {
    ...{ ok: faults.length === 0, of, bridge, exportedAtMs },
    ...(ca === undefined ? {} : { caFingerprint: ca.fingerprint }),
    ...(timelineEntries === undefined ? {} : { timelineEntries }),
    ...{ evidence, faults },
  };
}

/** The two entries that everything else is found by. */
function leadingEntries(source: ByteSource, faults: BundleFault[]): [Found?, Found?] {
  const json = entryAt(source, 0, BUNDLE_JSON, faults);
  if (json === undefined) return [];
  const sig = entryAt(source, json.at + json.sizeBytes + paddingBytes(json.sizeBytes), BUNDLE_SIG, faults);
  return sig === undefined ? [] : [json, sig];
}

function entryAt(source: ByteSource, at: number, name: string, faults: BundleFault[]): Found | undefined {
  const header = source.read(at, HEADER_BYTES);
  const { sizeBytes } = readTarHeader(header);
  const isWhole = Number.isSafeInteger(sizeBytes) && equal(header, tarHeader(name, sizeBytes));
  if (isWhole && at + HEADER_BYTES + sizeBytes <= source.sizeBytes) {
    const end = at + HEADER_BYTES + sizeBytes;
    checkZeros(source, end, paddingBytes(sizeBytes), name, faults);
    return { name, at: at + HEADER_BYTES, sizeBytes };
  }
  // The name, or anything else that does not depend on the size, says at once where it is wrong.
  const expected = tarHeader(name, Number.isSafeInteger(sizeBytes) && sizeBytes >= 0 ? sizeBytes : 0);
  const isOfSize = (place: number) => headerField(place) === "size" || headerField(place) === "checksum";
  const place = header.findIndex((byte, index) => byte !== expected[index] && !isOfSize(index));
  const field = place >= 0 ? headerField(place) : "size or checksum";
  const region = place >= 0 ? { from: at + place, to: at + place + 1 } : { from: at + 124, to: at + 156 };
  const what = header.length < HEADER_BYTES ? "the file ends in it" : "is not as it was written";
  faults.push({
    code: "BUNDLE_HEADER",
    entry: name,
    field: `header: ${field}`,
    region,
    message: `header of ${name} ${what}`,
  });
  return undefined;
}

/** `bundle.json`, once its signature says that it is what was written. */
function readBundle(
  source: ByteSource,
  json: Found,
  sig: Found,
  search: FlipSearch,
  faults: BundleFault[],
): Bundle | undefined {
  const bytes = source.read(json.at, json.sizeBytes);
  const bundle = parsed(bytes, Bundle);
  const signature = parsed(source.read(sig.at, sig.sizeBytes), BundleSignature);
  const wrongSig = (field: string, message: string): undefined => {
    const region = { from: sig.at, to: sig.at + sig.sizeBytes };
    faults.push({ code: "BUNDLE_SIGNATURE", entry: BUNDLE_SIG, field, region, message });
    return undefined;
  };
  if (signature === undefined) return wrongSig("form", `${BUNDLE_SIG} is not the canonical JSON that it was`);
  const found = hashed(bytes);
  const keys = [keyOf(bundle?.signer.publicKey), certifiedKey(source, sig)].filter((key) => key !== undefined);
  const isSigned = (sha256: string) => keys.some((key) => isBundleSigned(sha256, signature.sig, key));
  if (bundle !== undefined && isSigned(found)) {
    const signer = keyOf(bundle.signer.publicKey);
    if (signature.sha256 !== found) return wrongSig("sha256", `${BUNDLE_SIG} names another hash than it signs`);
    if (signer !== undefined && evidenceKeyId(signer) === bundle.signer.keyId) return bundle;
  } else if (signature.sha256 === found) {
    return wrongSig("sig", `the signature in ${BUNDLE_SIG} does not fit`);
  } else if (!isSigned(signature.sha256)) {
    wrongSig("sig", `the signature in ${BUNDLE_SIG} does not fit`);
  }
  const flip = search.find(bytes, (candidate) => hashed(candidate) === signature.sha256);
  const region = flip === undefined ? { from: json.at, to: json.at + json.sizeBytes } : byteAt(json.at + flip);
  const message = `${BUNDLE_JSON} is not what was signed`;
  faults.push({ code: "BUNDLE_CHANGED", entry: BUNDLE_JSON, region, message });
  return undefined;
}

/** The key in the bridge's certificate, found without `bundle.json`: it follows the CA's. */
function certifiedKey(source: ByteSource, sig: Found): KeyObject | undefined {
  let at = sig.at + sig.sizeBytes + paddingBytes(sig.sizeBytes);
  for (let entries = 0; entries < 2; entries += 1) {
    const { name, sizeBytes } = readTarHeader(source.read(at, HEADER_BYTES));
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes > source.sizeBytes) return undefined;
    if (name === "trust/bridge.pem") {
      return certificateOf(source.read(at + HEADER_BYTES, sizeBytes))?.publicKey;
    }
    at += HEADER_BYTES + sizeBytes + paddingBytes(sizeBytes);
  }
  return undefined;
}

/** Every byte of every other entry. @returns the names of those that are wrong */
function checkLayout(
  source: ByteSource,
  bundle: Bundle,
  sig: Found,
  search: FlipSearch,
  faults: BundleFault[],
): ReadonlySet<string> {
  const bad = new Set<string>();
  let at = sig.at + sig.sizeBytes + paddingBytes(sig.sizeBytes);
  for (const entry of bundle.entries) {
    const { name, sizeBytes } = entry;
    const header = source.read(at, HEADER_BYTES);
    const expected = tarHeader(name, sizeBytes);
    const place = expected.findIndex((byte, index) => byte !== header[index]);
    if (place >= 0) {
      const field = `header: ${headerField(place)}`;
      const message = `header of ${name} is not as it was written`;
      faults.push({ code: "BUNDLE_HEADER", entry: name, field, region: byteAt(at + place), message });
    }
    at += HEADER_BYTES;
    if (!checkContent(source, at, entry, search, faults)) bad.add(name);
    at += sizeBytes;
    checkZeros(source, at, paddingBytes(sizeBytes), name, faults);
    at += paddingBytes(sizeBytes);
  }
  checkZeros(source, at, END_BYTES, "end of the archive", faults);
  if (source.sizeBytes !== at + END_BYTES) {
    const region = { from: Math.min(at + END_BYTES, source.sizeBytes), to: Math.max(at + END_BYTES, source.sizeBytes) };
    const message = source.sizeBytes < at + END_BYTES ? "the bundle is cut off" : "there is more than the bundle";
    faults.push({ code: "BUNDLE_LENGTH", entry: "end of the archive", region, message });
  }
  return bad;
}

function checkContent(
  source: ByteSource,
  at: number,
  entry: BundleEntry,
  search: FlipSearch,
  faults: BundleFault[],
): boolean {
  const { name, sizeBytes, sha256 } = entry;
  const piece = pieceBytes(sizeBytes);
  const digest = new EntryDigest(name, sizeBytes);
  for (let from = 0; from < sizeBytes; from += piece) {
    digest.update(source.read(at + from, Math.min(piece, sizeBytes - from)));
  }
  const found = digest.done();
  if (found.sha256 === sha256) return true;
  const wrong = entry.pieces.flatMap((hash, index) => (found.pieces[index] === hash ? [] : [index]));
  for (const index of wrong) {
    const from = index * piece;
    const bytes = source.read(at + from, Math.min(piece, sizeBytes - from));
    const flip = search.find(bytes, (candidate) => hashed(candidate).slice(0, 16) === entry.pieces[index]);
    const region = flip === undefined ? { from: at + from, to: at + from + bytes.length } : byteAt(at + from + flip);
    const within = { from: region.from - at, to: region.to - at };
    const message = `${name} is not what was exported, at its byte ${within.from}`;
    faults.push({ code: "BUNDLE_CONTENT", entry: name, region, within, message });
  }
  if (wrong.length === 0) {
    const region = { from: at, to: at + sizeBytes };
    faults.push({ code: "BUNDLE_CONTENT", entry: name, region, message: `${name} has another hash than it should` });
  }
  return false;
}

function checkZeros(source: ByteSource, at: number, count: number, entry: string, faults: BundleFault[]): void {
  const bytes = source.read(at, count);
  const place = bytes.findIndex((byte) => byte !== 0);
  if (place < 0) return;
  const message = `behind ${entry} stands something where nothing should`;
  faults.push({ code: "BUNDLE_PADDING", entry, field: "padding", region: byteAt(at + place), message });
}

/**
 * What was done about a case, entry by entry: whoever took one out, put one in or changed one before the export is found here,
 * though the bundle's own signature fits. @returns how many there are
 */
function checkTimeline(
  { of, entries }: Bundle,
  read: (name: string) => Uint8Array | undefined,
  faults: BundleFault[],
): number | undefined {
  if (entries.every(({ name }) => name !== TIMELINE)) return undefined;
  const bytes = read(TIMELINE);
  if (bytes === undefined) return undefined;
  const timeline = timelineOf(bytes);
  if (timeline === undefined) {
    faults.push({ code: "CASE_TIMELINE", entry: TIMELINE, message: "this is no timeline of a case" });
    return undefined;
  }
  const broken = brokenAt(of, timeline);
  if (broken !== undefined) {
    const message = `entry ${broken} does not follow from those before it: one was changed, taken out or put in`;
    faults.push({ code: "CASE_TIMELINE", entry: TIMELINE, field: `seq ${broken}`, message });
  }
  return timeline.length;
}

function timelineOf(bytes: Uint8Array): readonly ChainedEntry[] | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    return Value.Check(Timeline, value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The CA, and that it vouches for the bridge that signed. */
function checkTrust(
  bundle: Bundle,
  read: (name: string) => Uint8Array | undefined,
  expected: string | undefined,
  faults: BundleFault[],
): { readonly certificate: X509Certificate; readonly fingerprint: string } | undefined {
  const caBytes = read("trust/ca.pem");
  const bridgeBytes = read("trust/bridge.pem");
  if (caBytes === undefined || bridgeBytes === undefined) return undefined;
  const certificate = certificateOf(caBytes);
  const bridge = certificateOf(bridgeBytes);
  const untrusted = (entry: string, message: string) => faults.push({ code: "BUNDLE_TRUST", entry, message });
  if (certificate === undefined || !certificate.ca || !certificate.verify(certificate.publicKey)) {
    untrusted("trust/ca.pem", "this is no authority's certificate");
    return undefined;
  }
  const fingerprint = createHash("sha256").update(certificate.raw).digest("hex");
  if (expected !== undefined && !fingerprint.startsWith(expected.toLowerCase())) {
    untrusted("trust/ca.pem", `this CA has the fingerprint ${fingerprint}, not the one that was given`);
  }
  // The CA also vouches for nodes and their connections: none of these is the bridge.
  const isVouched =
    bridge?.verify(certificate.publicKey) === true &&
    bridge.subject === `CN=${EVIDENCE_SIGNER}` &&
    bridge.keyUsage?.includes(DOCUMENT_SIGNING) === true;
  if (!isVouched || evidenceKeyId(bridge.publicKey) !== bundle.signer.keyId) {
    untrusted("trust/bridge.pem", "the CA does not vouch for the key that signed the bundle");
  }
  return { certificate, fingerprint };
}

/** @returns undefined for anything that is not the canonical JSON of its schema */
function parsed<T extends typeof Bundle | typeof BundleSignature>(bytes: Uint8Array, schema: T) {
  try {
    const text = new TextDecoder("utf8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const value: unknown = JSON.parse(text);
    return Value.Check(schema, value) && canonicalJson(value) === text ? value : undefined;
  } catch {
    return undefined;
  }
}

function keyOf(text: string | undefined): KeyObject | undefined {
  try {
    return text === undefined
      ? undefined
      : createPublicKey({ key: Buffer.from(text, "base64"), format: "der", type: "spki" });
  } catch {
    return undefined;
  }
}

function byteAt(at: number): { readonly from: number; readonly to: number } {
  return { from: at, to: at + 1 };
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
