import "reflect-metadata";
import { createPublicKey, generateKeyPairSync, verify, webcrypto, X509Certificate } from "node:crypto";
import { mkdtempSync, readdirSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as x509 from "@peculiar/x509";
import { beforeAll, expect, test } from "vitest";
import { type Authority, commandKeyId, initAuthority, openAuthority } from "../../../cloud-bridge/fleet/authority.ts";
import { fingerprintOf } from "../../../cloud-bridge/fleet/certificates.ts";
import { canonicalJson } from "../../../protocol/canonical-json.ts";

const NOW_MS = Date.UTC(2026, 10, 21);
const DAY_MS = 24 * 3600_000;
const state = mkdtempSync(join(tmpdir(), "shao-authority-"));
let authority: Authority;

beforeAll(async () => {
  await initAuthority(state, NOW_MS);
  authority = openAuthority(state);
});

async function request(commonName: string): Promise<string> {
  const keys = await webcrypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  const csr = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [commonName] }],
    keys,
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
  });
  return csr.toString("pem");
}

test("a second init keeps the keys of the first", async () => {
  expect(await initAuthority(state, NOW_MS)).toEqual({ made: false });
  expect(openAuthority(state).fingerprint).toBe(authority.fingerprint);
});

test("every key is readable by its owner only", async () => {
  await authority.serverTls([], NOW_MS);
  const folder = join(state, "trust");
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777, name).toBe(0o600);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
});

test("a bridge without its CA says how to make one", () => {
  expect(() => openAuthority(mkdtempSync(join(tmpdir(), "shao-authority-")))).toThrow(
    expect.objectContaining({ code: "BRIDGE_NOT_INITIALISED" }),
  );
});

test("the server's certificate stands under the CA and names every host, and the chain ends with the CA", async () => {
  const { cert, ca } = await authority.serverTls(["bridge.example", "192.0.2.7"], NOW_MS);
  const [leafPem, caPem] = cert.split(/(?<=-----END CERTIFICATE-----)\n/u);
  const leaf = new X509Certificate(leafPem ?? "");
  expect(leaf.verify(new X509Certificate(ca).publicKey)).toBe(true);
  expect(leaf.checkIssued(new X509Certificate(caPem ?? ""))).toBe(true);
  for (const host of ["bridge.example", "localhost"]) expect(leaf.checkHost(host)).toBe(host);
  for (const address of ["192.0.2.7", "127.0.0.1"]) expect(leaf.checkIP(address)).toBe(address);
  expect(fingerprintOf(caPem ?? "")).toBe(authority.fingerprint);
});

test("the server's certificate is kept until 30 days before its end, then made anew", async () => {
  const first = await authority.serverTls([], NOW_MS);
  expect((await authority.serverTls([], NOW_MS + 300 * DAY_MS)).cert).toBe(first.cert);
  expect((await authority.serverTls([], NOW_MS + 380 * DAY_MS)).cert).not.toBe(first.cert);
});

test("a node's certificate carries the id of its token, not the name in its request", async () => {
  const issued = await authority.issueNode("site-042", await request("site-001"), NOW_MS);
  const certificate = new X509Certificate(issued.certificatePem);
  expect(certificate.subject).toBe("CN=site-042");
  expect(certificate.ca).toBe(false);
  expect(certificate.verify(new X509Certificate(authority.caPem).publicKey)).toBe(true);
  expect(issued.fingerprint).toBe(certificate.fingerprint256.replaceAll(":", "").toLowerCase());
});

test("a node whose clock stands in 1970 accepts the server's certificate", async () => {
  const { cert } = await authority.serverTls([], NOW_MS);
  expect(new X509Certificate(cert).validFromDate.getTime()).toBe(0);
});

test("a request that is not one, or whose signature was made by another key, is refused", async () => {
  const good = await request("site-042");
  const der = Buffer.from(good.replace(/-----[A-Z ]+-----|\n/gu, ""), "base64");
  der[der.length - 1] = (der.at(-1) ?? 0) ^ 1;
  const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString("base64")}\n-----END CERTIFICATE REQUEST-----`;
  for (const csr of ["", "rubbish", forged]) {
    await expect(authority.issueNode("site-042", csr, NOW_MS)).rejects.toMatchObject({ code: "CSR_INVALID" });
  }
});

test("a request over a weak kind of key is refused", async () => {
  const rsa = {
    name: "RSASSA-PKCS1-v1_5",
    modulusLength: 1024,
    publicExponent: new Uint8Array([1, 0, 1]),
    hash: "SHA-256",
  };
  const keys = await webcrypto.subtle.generateKey(rsa, true, ["sign", "verify"]);
  const csr = await x509.Pkcs10CertificateRequestGenerator.create({
    keys,
    signingAlgorithm: { name: "RSASSA-PKCS1-v1_5" },
  });
  await expect(authority.issueNode("site-042", csr.toString("pem"), NOW_MS)).rejects.toMatchObject({
    code: "CSR_INVALID",
  });
});

test("a command is signed with the key that nodes got when they enrolled", () => {
  const command = authority.signCommand({
    v: 1,
    id: "c1",
    kind: "live",
    args: { device: "noise-01" },
    issuedAtMs: NOW_MS,
    expiresAtMs: NOW_MS + 1000,
  });
  const { sig, ...unsigned } = command;
  const key = createPublicKey(authority.commandKeyPem);
  expect(verify(null, Buffer.from(canonicalJson(unsigned)), key, Buffer.from(sig, "base64"))).toBe(true);
  const other = generateKeyPairSync("ed25519").publicKey;
  expect(verify(null, Buffer.from(canonicalJson(unsigned)), other, Buffer.from(sig, "base64"))).toBe(false);
  expect(command.keyId).toBe(commandKeyId(authority.commandKeyPem));
});
