import "reflect-metadata";
import { createPrivateKey, webcrypto } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as x509 from "@peculiar/x509";
import { type Authority, initAuthority, openAuthority } from "../../cloud-bridge/fleet/authority.ts";

/** A CA of its own under a temporary folder. */
export async function makeTestAuthority(): Promise<Authority> {
  const state = mkdtempSync(join(tmpdir(), "shao-trust-"));
  await initAuthority(state, Date.now());
  return openAuthority(state);
}

/** A key and a certificate request as `shao enroll` makes them. */
export async function makeRequest(commonName = "anything"): Promise<{ keyPem: string; csrPem: string }> {
  const keys = await webcrypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  const csr = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [commonName] }],
    keys,
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
  });
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey));
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  return { keyPem: key.export({ type: "pkcs8", format: "pem" }).toString(), csrPem: csr.toString("pem") };
}

/** What a paired node holds. */
export interface NodeIdentity {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
  readonly fingerprint: string;
}

export async function makeNodeIdentity(authority: Authority, node: string): Promise<NodeIdentity> {
  const { keyPem, csrPem } = await makeRequest();
  const issued = await authority.issueNode(node, csrPem, Date.now());
  return { key: keyPem, cert: issued.certificatePem, ca: authority.caPem, fingerprint: issued.fingerprint };
}
