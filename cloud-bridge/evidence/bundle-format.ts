import { createHash, type KeyObject, sign, verify, X509Certificate } from "node:crypto";
import { type Static, Type } from "typebox";
import { canonicalJson } from "../../protocol/canonical-json.ts";
import { Sha256 } from "../../protocol/ids.ts";

/**
 * A bundle is a ustar archive in which no bit is free: the headers follow from the names and sizes, the padding is zero,
 * `bundle.json` lists every entry with its hash, and `bundle.sig` signs that. Any tar opens it.
 */
export const BUNDLE_JSON = "bundle.json";
export const BUNDLE_SIG = "bundle.sig";
const BLOCK = 512;
export const END_BYTES = 2 * BLOCK;
const MAX_PIECES = 1024;
const SMALLEST_PIECE_BYTES = 1024;

export const BundleEntry = Type.Object({
  name: Type.String({ maxLength: 100 }),
  sizeBytes: Type.Integer({ minimum: 0 }),
  sha256: Sha256,
  /** First 16 hex of the SHA-256 of each piece, so that a fault has a place. */
  pieces: Type.Array(Type.String()),
});
export type BundleEntry = Static<typeof BundleEntry>;

const BundledPart = Type.Object({
  name: Type.String(),
  /** Where its bytes are; absent: not in the bundle, and `state` says why. */
  entry: Type.Optional(Type.String()),
  state: Type.String(),
});

export const BundledEvidence = Type.Object({
  evidenceId: Type.String(),
  alarmId: Type.String(),
  node: Type.String(),
  /** What the bridge found of its signature when it came. */
  signature: Type.String(),
  /** Name of the entry of the certificate for the key that signed it. */
  certificate: Type.Optional(Type.String()),
  record: Type.String(),
  manifest: Type.Optional(Type.String()),
  parts: Type.Array(BundledPart),
});
export type BundledEvidence = Static<typeof BundledEvidence>;

export const Bundle = Type.Object({
  v: Type.Literal(1),
  kind: Type.Literal("shao-evidence-bundle"),
  bridge: Type.String(),
  exportedAtMs: Type.Integer(),
  /** Id of the case or of the evidence. */
  of: Type.String(),
  /** Base64 of the SPKI DER. */
  signer: Type.Object({ keyId: Type.String(), publicKey: Type.String() }),
  entries: Type.Array(BundleEntry),
  evidence: Type.Array(BundledEvidence),
});
export type Bundle = Static<typeof Bundle>;

export const BundleSignature = Type.Object(
  { sha256: Sha256, sig: Type.String({ maxLength: 128 }) },
  { additionalProperties: false },
);

/** The manifest's signature, beside it. */
export const ManifestSignature = Type.Object(
  { keyId: Type.String(), sig: Type.String({ maxLength: 128 }) },
  { additionalProperties: false },
);

const PURPOSE = "shao-evidence-bundle-1\n";

/** @returns the bytes of `bundle.sig` */
export function signBundle(json: Uint8Array, key: KeyObject): Uint8Array {
  const sha256 = hashed(json);
  const sig = sign(null, Buffer.from(PURPOSE + sha256), key).toString("base64");
  return Buffer.from(canonicalJson({ sha256, sig }));
}

export function isBundleSigned(sha256: string, sig: string, key: KeyObject): boolean {
  const bytes = Buffer.from(sig, "base64");
  return bytes.toString("base64") === sig && verify(null, Buffer.from(PURPOSE + sha256), key, bytes);
}

export function certificateOf(pem: Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(Buffer.from(pem));
  } catch {
    return undefined;
  }
}

export function hashed(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Length of the pieces in which an entry's faults are placed. */
export function pieceBytes(sizeBytes: number): number {
  let piece = SMALLEST_PIECE_BYTES;
  while (sizeBytes / piece > MAX_PIECES) piece *= 2;
  return piece;
}

/** Describes an entry piece by piece as its bytes go by. */
export class EntryDigest {
  readonly #name: string;
  readonly #sizeBytes: number;
  readonly #pieceBytes: number;
  readonly #whole = createHash("sha256");
  readonly #pieces: string[] = [];
  #piece = createHash("sha256");
  #inPiece = 0;

  constructor(name: string, sizeBytes: number) {
    this.#name = name;
    this.#sizeBytes = sizeBytes;
    this.#pieceBytes = pieceBytes(sizeBytes);
  }

  update(bytes: Uint8Array): void {
    this.#whole.update(bytes);
    for (let at = 0; at < bytes.length; ) {
      const take = Math.min(bytes.length - at, this.#pieceBytes - this.#inPiece);
      this.#piece.update(bytes.subarray(at, at + take));
      this.#inPiece += take;
      at += take;
      if (this.#inPiece === this.#pieceBytes) this.#endPiece();
    }
  }

  done(): BundleEntry {
    if (this.#inPiece > 0) this.#endPiece();
    const sha256 = this.#whole.digest("hex");
    return { name: this.#name, sizeBytes: this.#sizeBytes, sha256, pieces: this.#pieces };
  }

  #endPiece(): void {
    this.#pieces.push(this.#piece.digest("hex").slice(0, 16));
    this.#piece = createHash("sha256");
    this.#inPiece = 0;
  }
}

export function describeEntry(name: string, bytes: Uint8Array): BundleEntry {
  const digest = new EntryDigest(name, bytes.length);
  digest.update(bytes);
  return digest.done();
}

/** The one header that an entry of this name and size has. @source POSIX.1-1988 ustar */
export function tarHeader(name: string, sizeBytes: number): Uint8Array {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, digits: number) =>
    header.write(`${value.toString(8).padStart(digits, "0")}\0`, at, "latin1");
  if (Buffer.byteLength(name) > 100) throw new RangeError(`name too long for an archive: ${name}`);
  header.write(name, 0);
  octal(0o644, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(sizeBytes, 124, 11);
  octal(0, 136, 11);
  header.write("        0", 148, "latin1");
  header.write("ustar\u000000", 257, "latin1");
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return header;
}

/** What a header claims, whether or not it is as it should be. */
export function readTarHeader(header: Uint8Array): { readonly name: string; readonly sizeBytes: number } {
  const text = Buffer.from(header.buffer, header.byteOffset, header.length);
  const end = text.indexOf(0);
  const name = text.subarray(0, end < 0 || end > 100 ? 100 : end).toString("utf8");
  return { name, sizeBytes: Number.parseInt(text.subarray(124, 135).toString("latin1"), 8) };
}

export function paddingBytes(sizeBytes: number): number {
  return (BLOCK - (sizeBytes % BLOCK)) % BLOCK;
}

export const HEADER_BYTES = BLOCK;

/** Name of the header's field that holds this byte. */
export function headerField(at: number): string {
  return FIELDS.findLast(([from]) => at >= from)?.[1] ?? "name";
}

const FIELDS: readonly (readonly [number, string])[] = [
  [0, "name"],
  [100, "mode"],
  [108, "uid"],
  [116, "gid"],
  [124, "size"],
  [136, "mtime"],
  [148, "checksum"],
  [156, "type"],
  [157, "link name"],
  [257, "magic"],
  [265, "user"],
  [297, "group"],
  [329, "device"],
  [345, "prefix"],
];
