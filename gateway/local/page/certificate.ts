import "reflect-metadata";
import { createHash, createPrivateKey, webcrypto, X509Certificate } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname, networkInterfaces } from "node:os";
import { join } from "node:path";
import * as x509 from "@peculiar/x509";

const CURVE = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const YEARS = 10;
const YEAR_MS = 365 * 86_400_000;

export interface PageCertificate {
  readonly cert: string;
  readonly key: string;
  /** SHA-256 of the certificate, as a browser shows it. */
  readonly fingerprint: string;
}

/**
 * The box's own certificate for its page: nobody vouches for it, so a phone asks once, and its fingerprint is printed with
 * the PIN. Kept, so that it asks once only.
 */
export async function pageCertificate(state: string, nowMs: number): Promise<PageCertificate> {
  const folder = join(state, "local");
  const known = readBoth(folder);
  if (known !== undefined) return known;
  x509.cryptoProvider.set(webcrypto);
  const keys = await webcrypto.subtle.generateKey(CURVE, true, ["sign", "verify"]);
  const name = hostname().toLowerCase();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    notBefore: new Date(nowMs - YEAR_MS),
    notAfter: new Date(nowMs + YEARS * YEAR_MS),
    keys,
    signingAlgorithm: CURVE,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.SubjectAlternativeNameExtension([
        { type: "dns", value: name },
        { type: "dns", value: "localhost" },
        ...addresses().map((value) => ({ type: "ip" as const, value })),
      ]),
    ],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey));
  const key = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" })
    .export({ format: "pem", type: "pkcs8" })
    .toString();
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, "page.key"), key, { mode: 0o600 });
  writeFileSync(join(folder, "page.pem"), certificate.toString("pem"));
  return facts(certificate.toString("pem"), key);
}

function readBoth(folder: string): PageCertificate | undefined {
  try {
    return facts(readFileSync(join(folder, "page.pem"), "utf8"), readFileSync(join(folder, "page.key"), "utf8"));
  } catch {
    return undefined;
  }
}

function facts(cert: string, key: string): PageCertificate {
  const { raw } = new X509Certificate(cert);
  return { cert, key, fingerprint: createHash("sha256").update(raw).digest("hex") };
}

function addresses(): string[] {
  const found = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  return [...new Set(["127.0.0.1", ...found.filter(({ family }) => family === "IPv4").map(({ address }) => address)])];
}
