import "reflect-metadata";
import { createHash, createPrivateKey, createPublicKey, type KeyObject, randomBytes, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import * as x509 from "@peculiar/x509";
import { BridgeError } from "../store/errors.ts";

const CURVE = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNING = { name: "ECDSA", hash: "SHA-256" } as const;
const DAY_MS = 24 * 3600_000;
const CA_DAYS = 20 * 365;
const SERVER_DAYS = 397;
/** The bridge asks its own list at every connect; an early expiry would only strand a box on a roof. */
const NODE_DAYS = 10 * 365;

/** @source RFC 9336, id-kp-documentSigning */
export const DOCUMENT_SIGNING = "1.3.6.1.5.5.7.3.36";
/** Name of the bridge as a signer of bundles: no node can bear it. */
export const EVIDENCE_SIGNER = "Shao bridge evidence";

/** Name of the bridge as a client of a broker outside: no node can bear it. */
export const BROKER_CLIENT = "Shao-bridge";

/**
 * A node whose clock stands in 1970 must still be able to connect and be told the time, so what nodes verify has been
 * valid for ever. The end dates hold.
 */
const SINCE_EVER = new Date(0);

x509.cryptoProvider.set(webcrypto);

/** A certificate and what its holder proves with. */
export interface KeyedCertificate {
  readonly certificatePem: string;
  readonly keyPem: string;
}

export interface IssuedCertificate {
  readonly certificatePem: string;
  /** Lower-case hex SHA-256 of its DER. */
  readonly fingerprint: string;
  readonly notAfterMs: number;
}

/** @returns lower-case hex SHA-256 of the certificate's DER */
export function fingerprintOf(certificatePem: string): string {
  const der = new Uint8Array(new x509.X509Certificate(certificatePem).rawData);
  return createHash("sha256").update(der).digest("hex");
}

/** A certificate authority of its own: ECDSA P-256, signs leaves only. */
export async function makeAuthority(nowMs: number): Promise<KeyedCertificate> {
  const keys = await webcrypto.subtle.generateKey(CURVE, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [`Shao bridge ${randomBytes(4).toString("hex")}`] }],
    notBefore: SINCE_EVER,
    notAfter: new Date(nowMs + CA_DAYS * DAY_MS),
    keys,
    signingAlgorithm: SIGNING,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificatePem: certificate.toString("pem"), keyPem: await privatePem(keys.privateKey) };
}

/** For the MQTT and HTTPS listeners; `hosts` are names and addresses that clients may use. */
export async function issueServerCertificate(
  authority: KeyedCertificate,
  hosts: readonly string[],
  nowMs: number,
): Promise<KeyedCertificate> {
  const keys = await webcrypto.subtle.generateKey(CURVE, true, ["sign", "verify"]);
  const names = hosts.map((host) => ({ type: isIP(host) === 0 ? ("dns" as const) : ("ip" as const), value: host }));
  const certificate = await signLeaf(authority, {
    commonName: "Shao bridge",
    publicKey: await x509.PublicKey.create(keys.publicKey),
    notAfter: new Date(nowMs + SERVER_DAYS * DAY_MS),
    usage: x509.ExtendedKeyUsage.serverAuth,
    more: [new x509.SubjectAlternativeNameExtension(names)],
  });
  return { certificatePem: certificate.toString("pem"), keyPem: await privatePem(keys.privateKey) };
}

/**
 * Signs a node's own key under the node's name; whatever subject the request carries is ignored.
 * @throws BridgeError CSR_INVALID
 */
export async function issueNodeCertificate(
  authority: KeyedCertificate,
  node: string,
  csrPem: string,
  nowMs: number,
): Promise<IssuedCertificate> {
  const certificate = await signLeaf(authority, {
    commonName: node,
    publicKey: await publicKeyOfRequest(csrPem),
    notAfter: new Date(nowMs + NODE_DAYS * DAY_MS),
    usage: x509.ExtendedKeyUsage.clientAuth,
    more: [],
  });
  const certificatePem = certificate.toString("pem");
  return { certificatePem, fingerprint: fingerprintOf(certificatePem), notAfterMs: certificate.notAfter.getTime() };
}

/** For a key that signs evidence and nothing else: it opens no connection. */
export async function issueEvidenceCertificate(
  authority: KeyedCertificate,
  commonName: string,
  publicKeyPem: string,
  nowMs: number,
): Promise<string> {
  const der = createPublicKey(publicKeyPem).export({ type: "spki", format: "der" });
  const certificate = await signLeaf(authority, {
    commonName,
    publicKey: new x509.PublicKey(new Uint8Array(der)),
    notAfter: new Date(nowMs + CA_DAYS * DAY_MS),
    usage: DOCUMENT_SIGNING,
    more: [],
  });
  return `${certificate.toString("pem")}\n`;
}

/**
 * For the bridge as a client of a broker outside. Signed by itself, so that the broker's listener for bridges can trust this
 * one certificate and lets no node in.
 */
export async function issueBrokerClientCertificate(nowMs: number): Promise<KeyedCertificate> {
  const keys = await webcrypto.subtle.generateKey(CURVE, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [BROKER_CLIENT] }],
    notBefore: SINCE_EVER,
    notAfter: new Date(nowMs + CA_DAYS * DAY_MS),
    keys,
    signingAlgorithm: SIGNING,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
    ],
  });
  return { certificatePem: `${certificate.toString("pem")}\n`, keyPem: await privatePem(keys.privateKey) };
}

/** The list of certificates that count no more, for a broker that asks nobody at a connect. It never expires by itself. */
export async function issueRevocationList(
  authority: KeyedCertificate,
  revoked: readonly { readonly serial: string; readonly atMs: number }[],
  nowMs: number,
): Promise<string> {
  const issuer = new x509.X509Certificate(authority.certificatePem);
  const list = await x509.X509CrlGenerator.create({
    issuer: issuer.subjectName,
    thisUpdate: new Date(nowMs),
    nextUpdate: issuer.notAfter,
    entries: revoked.map(({ serial, atMs }) => ({ serialNumber: serial, revocationDate: new Date(atMs) })),
    signingKey: await signingKey(authority.keyPem),
    signingAlgorithm: SIGNING,
  });
  // The label that OpenSSL reads; the library writes another one.
  const base64 = Buffer.from(list.rawData).toString("base64").replaceAll(/.{64}/gu, "$&\n").trimEnd();
  return `-----BEGIN X509 CRL-----\n${base64}\n-----END X509 CRL-----\n`;
}

/** What a certificate says, as far as the listeners ask. */
export function describeCertificate(certificatePem: string): { notAfterMs: number; hosts: readonly string[] } {
  const certificate = new x509.X509Certificate(certificatePem);
  const names = certificate.getExtension(x509.SubjectAlternativeNameExtension);
  return {
    notAfterMs: certificate.notAfter.getTime(),
    hosts: names?.names.items.map((name) => name.value) ?? [],
  };
}

interface Leaf {
  readonly commonName: string;
  readonly publicKey: x509.PublicKey;
  readonly notAfter: Date;
  readonly usage: string;
  readonly more: readonly x509.Extension[];
}

async function signLeaf(authority: KeyedCertificate, leaf: Leaf): Promise<x509.X509Certificate> {
  const issuer = new x509.X509Certificate(authority.certificatePem);
  return x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [{ CN: [leaf.commonName] }],
    issuer: issuer.subjectName,
    notBefore: SINCE_EVER,
    notAfter: leaf.notAfter < issuer.notAfter ? leaf.notAfter : issuer.notAfter,
    publicKey: leaf.publicKey,
    signingKey: await signingKey(authority.keyPem),
    signingAlgorithm: SIGNING,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([leaf.usage]),
      await x509.SubjectKeyIdentifierExtension.create(leaf.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      ...leaf.more,
    ],
  });
}

async function publicKeyOfRequest(csrPem: string): Promise<x509.PublicKey> {
  try {
    const request = new x509.Pkcs10CertificateRequest(csrPem);
    if (!isAcceptedKey(createPublicKey(request.publicKey.toString("pem")))) throw new Error("key is of another kind");
    if (!(await request.verify())) throw new Error("signature does not match its key");
    return request.publicKey;
  } catch (cause) {
    throw new BridgeError("CSR_INVALID", "certificate request is not usable", {
      status: 400,
      hint: "Send a PEM PKCS#10 request, signed with its own ECDSA P-256 or Ed25519 key; `shao enroll` makes one.",
      cause,
    });
  }
}

function isAcceptedKey(key: KeyObject): boolean {
  if (key.asymmetricKeyType === "ed25519") return true;
  return key.asymmetricKeyType === "ec" && key.asymmetricKeyDetails?.namedCurve === "prime256v1";
}

async function signingKey(keyPem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(keyPem).export({ type: "pkcs8", format: "der" });
  return webcrypto.subtle.importKey("pkcs8", new Uint8Array(der), CURVE, false, ["sign"]);
}

async function privatePem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key));
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" })
    .export({ type: "pkcs8", format: "pem" })
    .toString();
}

/** Positive, 127 random bits. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString("hex");
}
