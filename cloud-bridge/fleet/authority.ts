import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { isIP } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import { join } from "node:path";
import { signCommand, type UnsignedCommand } from "../../protocol/command-signature.ts";
import type { Command } from "../../protocol/session.ts";
import { BridgeError } from "../store/errors.ts";
import {
  describeCertificate,
  EVIDENCE_SIGNER,
  fingerprintOf,
  type IssuedCertificate,
  issueBrokerClientCertificate,
  issueEvidenceCertificate,
  issueNodeCertificate,
  issueRevocationList,
  issueServerCertificate,
  type KeyedCertificate,
  makeAuthority,
} from "./certificates.ts";
import { makePrivateFolder, readIfThere, writePrivateFile } from "./private-files.ts";

const RENEW_BEFORE_MS = 30 * 24 * 3600_000;

/** What the listeners need: the server's chain ends with the CA, so that `shao enroll` can compare the fingerprint. */
export interface ServerTls {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** The bridge's root of trust: its CA, its server certificate and the key that signs commands, under `<state>/trust/`. */
export interface Authority {
  readonly caPem: string;
  /** Lower-case hex SHA-256 of the CA certificate's DER. */
  readonly fingerprint: string;
  /** Ed25519, SPKI PEM. */
  readonly commandKeyPem: string;
  /** The server's certificate for these hosts and for loopback; made anew within 30 days of its end or for another host. */
  serverTls(hosts: readonly string[], nowMs: number): Promise<ServerTls>;
  issueNode(node: string, csrPem: string, nowMs: number): Promise<IssuedCertificate>;
  signCommand(command: UnsignedCommand): Command;
  /** The Ed25519 key that signs bundles of evidence, made when it is first asked for, and the CA's word for it. */
  evidenceSigner(nowMs: number): Promise<{ readonly privateKey: KeyObject; readonly certificatePem: string }>;
  /** What this bridge shows to a broker outside; made when it is first asked for. All its processes share it. */
  brokerClient(nowMs: number): Promise<KeyedCertificate>;
  /** PEM of the CA's list of certificates that count no more. */
  revocationList(
    revoked: readonly { readonly serial: string; readonly atMs: number }[],
    nowMs: number,
  ): Promise<string>;
  /** The CA's word for the key that a node signs its evidence with. */
  certifyEvidenceKey(node: string, publicKeyPem: string, nowMs: number): Promise<string>;
}

/** Makes CA and command key where there are none; keeps those that are there. */
export async function initAuthority(stateFolder: string, nowMs: number): Promise<{ made: boolean }> {
  const folder = join(stateFolder, "trust");
  makePrivateFolder(folder);
  let made = false;
  if (readIfThere(join(folder, "ca.pem")) === undefined) {
    const authority = await makeAuthority(nowMs);
    // The certificate last: while it is missing, the next init starts over.
    writePrivateFile(join(folder, "ca.key"), authority.keyPem);
    writePrivateFile(join(folder, "ca.pem"), authority.certificatePem);
    made = true;
  }
  if (readIfThere(join(folder, "command.key")) === undefined) {
    const { privateKey } = generateKeyPairSync("ed25519");
    writePrivateFile(join(folder, "command.key"), privateKey.export({ type: "pkcs8", format: "pem" }).toString());
    made = true;
  }
  return { made };
}

/** @throws BridgeError BRIDGE_NOT_INITIALISED */
export function openAuthority(stateFolder: string): Authority {
  const folder = join(stateFolder, "trust");
  const ca: KeyedCertificate = {
    certificatePem: demand(folder, "ca.pem"),
    keyPem: demand(folder, "ca.key"),
  };
  const commandKey = createPrivateKey(demand(folder, "command.key"));
  const commandKeyPem = createPublicKey(commandKey).export({ type: "spki", format: "pem" }).toString();
  const fingerprint = fingerprintOf(ca.certificatePem);
  return {
    caPem: ca.certificatePem,
    fingerprint,
    commandKeyPem,
    async serverTls(hosts, nowMs) {
      const server = await serverCertificate(folder, ca, reachableNames(hosts), nowMs);
      return {
        cert: server.certificatePem + ensureNewline(ca.certificatePem),
        key: server.keyPem,
        ca: ca.certificatePem,
      };
    },
    issueNode: (node, csrPem, nowMs) => issueNodeCertificate(ca, node, csrPem, nowMs),
    signCommand: (command) => signCommand(command, commandKeyId(commandKeyPem), commandKey),
    async evidenceSigner(nowMs) {
      const privateKey = evidenceKey(folder);
      const pem = createPublicKey(privateKey).export({ type: "spki", format: "pem" }).toString();
      return { privateKey, certificatePem: await issueEvidenceCertificate(ca, EVIDENCE_SIGNER, pem, nowMs) };
    },
    brokerClient: (nowMs) => brokerClient(folder, nowMs),
    revocationList: (revoked, nowMs) => issueRevocationList(ca, revoked, nowMs),
    certifyEvidenceKey: (node, publicKeyPem, nowMs) => issueEvidenceCertificate(ca, node, publicKeyPem, nowMs),
  };
}

async function brokerClient(folder: string, nowMs: number): Promise<KeyedCertificate> {
  const certificatePem = readIfThere(join(folder, "broker-client.pem"));
  const keyPem = readIfThere(join(folder, "broker-client.key"));
  if (certificatePem !== undefined && keyPem !== undefined) return { certificatePem, keyPem };
  const made = await issueBrokerClientCertificate(nowMs);
  // The certificate last, as with the CA.
  writePrivateFile(join(folder, "broker-client.key"), made.keyPem);
  writePrivateFile(join(folder, "broker-client.pem"), made.certificatePem);
  return made;
}

function evidenceKey(folder: string): KeyObject {
  const path = join(folder, "evidence.key");
  const known = readIfThere(path);
  if (known !== undefined) return createPrivateKey(known);
  const { privateKey } = generateKeyPairSync("ed25519");
  writePrivateFile(path, privateKey.export({ type: "pkcs8", format: "pem" }).toString());
  return privateKey;
}

/** How a command names the key that signed it: the first 16 hex of the SHA-256 of its SPKI DER. */
export function commandKeyId(publicKeyPem: string): string {
  const der = createPublicKey(publicKeyPem).export({ type: "spki", format: "der" });
  return createHash("sha256").update(der).digest("hex").slice(0, 16);
}

async function serverCertificate(
  folder: string,
  ca: KeyedCertificate,
  hosts: readonly string[],
  nowMs: number,
): Promise<KeyedCertificate> {
  const certificatePem = readIfThere(join(folder, "server.pem"));
  const keyPem = readIfThere(join(folder, "server.key"));
  if (certificatePem !== undefined && keyPem !== undefined) {
    const { notAfterMs, hosts: served } = describeCertificate(certificatePem);
    const known = new Set(served);
    if (notAfterMs - nowMs > RENEW_BEFORE_MS && hosts.every((host) => known.has(host)))
      return { certificatePem, keyPem };
  }
  const issued = await issueServerCertificate(ca, hosts, nowMs);
  writePrivateFile(join(folder, "server.key"), issued.keyPem);
  const renewed = { certificatePem: ensureNewline(issued.certificatePem), keyPem: issued.keyPem };
  writePrivateFile(join(folder, "server.pem"), renewed.certificatePem);
  return renewed;
}

/** Loopback always; for a listener on all addresses, every address and the name of this machine. */
function reachableNames(hosts: readonly string[]): readonly string[] {
  const names = new Set(["localhost", "127.0.0.1"]);
  for (const host of hosts) {
    if (host !== "0.0.0.0" && host !== "::") {
      names.add(host);
      continue;
    }
    names.add(hostname().toLowerCase());
    for (const addresses of Object.values(networkInterfaces())) {
      for (const { address } of addresses ?? []) if (isIP(address) === 4) names.add(address);
    }
  }
  return [...names];
}

function demand(folder: string, name: string): string {
  const text = readIfThere(join(folder, name));
  if (text !== undefined) return text;
  throw new BridgeError("BRIDGE_NOT_INITIALISED", `there is no ${name} in ${folder}`, {
    status: 503,
    hint: "Run `shao bridge init --config F` once; it makes the bridge's CA and prints its fingerprint.",
  });
}

function ensureNewline(pem: string): string {
  return pem.endsWith("\n") ? pem : `${pem}\n`;
}
