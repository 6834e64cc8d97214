import "reflect-metadata";
import { createHash, createPrivateKey, webcrypto } from "node:crypto";
import { request } from "node:http";
import { connect, type DetailedPeerCertificate, type TLSSocket } from "node:tls";
import * as x509 from "@peculiar/x509";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { NodeId } from "../../protocol/ids.ts";
import { GatewayError } from "../contracts/gateway-error.ts";
import type { NodeIdentity } from "./identity-files.ts";

const TIMEOUT_MS = 15_000;
const MAX_ANSWER_BYTES = 64 * 1024;
const TOKEN = /^([A-Za-z0-9_-]{16,128})\.([0-9a-f]{32})$/;
const CURVE = { name: "ECDSA", namedCurve: "P-256" } as const;

/** The bridge's answer as far as a node needs it (`Enrolled` of the bridge's API). */
const Enrolled = Type.Object({
  node: NodeId,
  bridge: Type.String({ minLength: 1, maxLength: 64 }),
  certificatePem: Type.String(),
  caPem: Type.String(),
  mqttUrl: Type.String(),
  commandKeyPem: Type.String(),
});

type SpeakFrom = Pick<EnrolFrom, "localAddress">;

export interface EnrolFrom {
  /** The address of this machine to speak from, where it has several. */
  readonly localAddress?: string;
  /** Made before, for this very token; else one is made. With it a box that missed the answer gets the same once more. */
  readonly key?: EnrolmentKey;
}

/** A private key that never leaves this box, and the request that proves it. */
export interface EnrolmentKey {
  readonly keyPem: string;
  readonly csrPem: string;
}

/**
 * Pairs this box with a bridge. The private key is made here and never leaves. The token's second half is the fingerprint
 * of the bridge's CA: it is compared before the token is shown to anyone.
 * @throws GatewayError ENROL_TOKEN_FORM, ENROL_URL, ENROL_UNREACHABLE, ENROL_CA_MISMATCH, ENROL_REFUSED, ENROL_ANSWER
 */
export async function enroll(url: string, token: string, { key, ...from }: EnrolFrom = {}): Promise<NodeIdentity> {
  const fingerprint = TOKEN.exec(token)?.[2];
  if (fingerprint === undefined) {
    throw new GatewayError("ENROL_TOKEN_FORM", "this is no enrolment token", {
      hint: "Copy the whole command that `shao node add ID` printed: the token is SECRET.FINGERPRINT.",
    });
  }
  const { host, port } = bridgeAddress(url);
  const caPem = await authorityOf(host, port, fingerprint, from);
  const { keyPem, csrPem } = key ?? (await newEnrolmentKey());
  const socket = await secured(host, port, caPem, from);
  try {
    const enrolled = await post(socket, host, { token, csrPem });
    if (createHash("sha256").update(derOf(enrolled.caPem)).digest("hex").slice(0, 32) !== fingerprint) {
      throw mismatch("the bridge answered with another CA than the token names");
    }
    const { node, bridge, mqttUrl, certificatePem, commandKeyPem } = enrolled;
    return { node, bridge, mqttUrl, keyPem, certificatePem, caPem: enrolled.caPem, commandKeyPem };
  } finally {
    socket.destroy();
  }
}

function bridgeAddress(text: string): { readonly host: string; readonly port: number } {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "https:") {
    throw new GatewayError("ENROL_URL", `${text} is no https address`, {
      hint: "Give the address of the bridge's pages, for example https://bridge.example:8443.",
    });
  }
  return { host: url.hostname.replace(/^\[(.*)\]$/, "$1"), port: url.port === "" ? 443 : Number(url.port) };
}

/** First contact: shakes hands, says nothing, and looks whether the chain holds the CA that the token names. */
async function authorityOf(host: string, port: number, fingerprint: string, from: SpeakFrom): Promise<string> {
  const socket = await handshake(host, port, { ...from, rejectUnauthorized: false });
  try {
    for (const raw of chainOf(socket.getPeerCertificate(true))) {
      if (createHash("sha256").update(raw).digest("hex").slice(0, 32) !== fingerprint) continue;
      return `-----BEGIN CERTIFICATE-----\n${raw.toString("base64").replace(/(.{64})(?=.)/g, "$1\n")}\n-----END CERTIFICATE-----\n`;
    }
  } finally {
    socket.destroy();
  }
  throw mismatch(`${host}:${port} does not show the CA that the token names`);
}

async function secured(host: string, port: number, caPem: string, from: SpeakFrom): Promise<TLSSocket> {
  try {
    return await handshake(host, port, { ...from, ca: caPem });
  } catch (error) {
    throw error instanceof GatewayError && error.cause instanceof Error && "code" in error.cause
      ? new GatewayError("ENROL_CA_MISMATCH", `the bridge's certificate does not hold: ${error.cause.message}`, {
          hint: "Use a name or address of the bridge that its certificate carries (`listen.host` in its config).",
          cause: error.cause,
        })
      : error;
  }
}

function handshake(host: string, port: number, options: SpeakFrom & { ca?: string; rejectUnauthorized?: boolean }) {
  return new Promise<TLSSocket>((resolve, reject) => {
    const unreachable = (cause: Error) =>
      reject(
        new GatewayError("ENROL_UNREACHABLE", `cannot reach ${host}:${port}: ${cause.message}`, {
          hint: "Check the address, that the bridge runs, and that no firewall stands between.",
          cause,
        }),
      );
    const socket = connect({ host, port, ...options, minVersion: "TLSv1.2" }, () => {
      socket.off("error", unreachable);
      socket.on("error", () => {});
      resolve(socket);
    });
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error("no answer in 15 s")));
    socket.once("error", unreachable);
  });
}

function chainOf(leaf: DetailedPeerCertificate): Buffer[] {
  const chain: Buffer[] = [];
  let next: DetailedPeerCertificate | undefined = leaf;
  while (next?.raw !== undefined && !chain.some((raw) => next !== undefined && raw.equals(next.raw))) {
    chain.push(next.raw);
    next = next.issuerCertificate;
  }
  return chain;
}

export async function newEnrolmentKey(): Promise<EnrolmentKey> {
  x509.cryptoProvider.set(webcrypto);
  const keys = await webcrypto.subtle.generateKey(CURVE, true, ["sign", "verify"]);
  const csr = await x509.Pkcs10CertificateRequestGenerator.create({
    // The bridge names the certificate after the token's node, whatever stands here.
    name: [{ CN: ["shao node"] }],
    keys,
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
  });
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey));
  const keyPem = createPrivateKey({ key: der, format: "der", type: "pkcs8" }).export({ type: "pkcs8", format: "pem" });
  return { keyPem: keyPem.toString(), csrPem: csr.toString("pem") };
}

function post(socket: TLSSocket, host: string, body: object): Promise<Static<typeof Enrolled>> {
  return new Promise((resolve, reject) => {
    const text = JSON.stringify(body);
    const headers = { host, "content-type": "application/json", "content-length": Buffer.byteLength(text) };
    const call = request({ method: "POST", path: "/api/v1/enroll", headers, createConnection: () => socket });
    call.once("error", (cause) =>
      reject(
        new GatewayError("ENROL_UNREACHABLE", `the bridge hung up: ${cause.message}`, {
          hint: "Run the same command again: with the same key the token is good for its hour, whatever became of the answer.",
          cause,
        }),
      ),
    );
    call.once("response", (response) => {
      const parts: Buffer[] = [];
      let size = 0;
      response.on("data", (part: Buffer) => {
        size += part.length;
        if (size > MAX_ANSWER_BYTES) response.destroy(new Error("answer is too large"));
        else parts.push(part);
      });
      response.once("error", reject);
      response.once("end", () => {
        try {
          resolve(answered(response.statusCode ?? 0, Buffer.concat(parts).toString("utf8")));
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
    });
    call.end(text);
  });
}

function answered(status: number, text: string): Static<typeof Enrolled> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (status >= 200 && status < 300 && Value.Check(Enrolled, value)) return value;
  if (status >= 400 && typeof value === "object" && value !== null && "code" in value) {
    const detail = "detail" in value ? value.detail : "title" in value ? value.title : "";
    const hint = "hint" in value ? String(value.hint) : "Make a new token with `shao node add ID` at the bridge.";
    throw new GatewayError("ENROL_REFUSED", `the bridge refused (${String(value.code)}): ${String(detail)}`, { hint });
  }
  throw new GatewayError("ENROL_ANSWER", `status ${status} with an answer that is no enrolment`, {
    hint: "The address is not that of a Shao bridge, or the two halves are of different versions.",
  });
}

function derOf(pem: string): Buffer {
  return Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ""), "base64");
}

function mismatch(message: string): GatewayError {
  return new GatewayError("ENROL_CA_MISMATCH", message, {
    hint: "Somebody may stand between, or the bridge was set up anew: compare with the fingerprint it printed, and make a new token.",
  });
}
