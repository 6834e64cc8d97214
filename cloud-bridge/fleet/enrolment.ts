import { createHash, type KeyObject, randomBytes, X509Certificate } from "node:crypto";
import type { Db } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import type { Authority } from "./authority.ts";
import { fingerprintOf } from "./certificates.ts";

export const TOKEN_LIFE_MS = 3600_000;
const FINGERPRINT_CHARACTERS = 32;

export interface NewToken {
  readonly node: string;
  /** `<secret>.<first 32 hex of the CA's SHA-256>`: what is pasted on the box, shown once. */
  readonly token: string;
  readonly expiresAtMs: number;
}

export interface PairedNode {
  readonly node: string;
  readonly certificatePem: string;
  /** Its answer had been given before, and perhaps never came. */
  readonly isRepeated: boolean;
}

/** It is pasted behind a command, which would take one that begins with a hyphen for an option. */
function newSecret(): string {
  for (;;) {
    const secret = randomBytes(24).toString("base64url");
    if (!secret.startsWith("-")) return secret;
  }
}

/**
 * Lets one box in under this id, once, within the hour. An id that is in use keeps its certificate until the new box has
 * enrolled; a revoked id may enrol anew. Only the token's hash is kept.
 */
export async function offerToken(
  db: Db,
  { node, createdBy, fingerprint, nowMs }: { node: string; createdBy: string; fingerprint: string; nowMs: number },
): Promise<NewToken> {
  const secret = newSecret();
  const expiresAtMs = nowMs + TOKEN_LIFE_MS;
  await db.transaction().execute(async (trx) => {
    // A new offer withdraws the older ones for the same id.
    await trx.deleteFrom("enrol_tokens").where("node", "=", node).where("used_at_ms", "is", null).execute();
    await trx
      .deleteFrom("enrol_tokens")
      .where("expires_at_ms", "<", nowMs - 24 * TOKEN_LIFE_MS)
      .execute();
    await trx
      .insertInto("enrol_tokens")
      .values({
        sha256: hashed(secret),
        node,
        created_by: createdBy,
        created_at_ms: nowMs,
        expires_at_ms: expiresAtMs,
        used_at_ms: null,
      })
      .execute();
    await trx
      .insertInto("nodes")
      .values({ id: node, created_at_ms: nowMs })
      .onConflict((conflict) => conflict.column("id").doNothing())
      .execute();
  });
  return { node, token: `${secret}.${fingerprint.slice(0, FINGERPRINT_CHARACTERS)}`, expiresAtMs };
}

/**
 * Redeems a token for a certificate over the node's own key. Whatever certificate the id had before counts no more. The same
 * token with the same key is given the same certificate again, within the token's life and while that certificate counts.
 * @throws BridgeError ENROL_TOKEN_REFUSED, CSR_INVALID
 */
export async function redeemToken(
  db: Db,
  authority: Authority,
  { token, csrPem, nowMs }: { token: string; csrPem: string; nowMs: number },
): Promise<PairedNode> {
  const sha256 = hashed(token.split(".")[0] ?? "");
  const offer = await db.selectFrom("enrol_tokens").selectAll().where("sha256", "=", sha256).executeTakeFirst();
  if (offer === undefined || offer.expires_at_ms < nowMs) throw refusedToken();
  // Signed before the token is used up, so that a bad request may be repeated with the same token.
  const issued = await authority.issueNode(offer.node, csrPem, nowMs);
  const certificate = new X509Certificate(issued.certificatePem);
  if (offer.used_at_ms !== null) return answeredBefore(db, sha256, certificate.publicKey);
  const identity = {
    certificate_serial: certificate.serialNumber,
    public_key_pem: certificate.publicKey.export({ type: "spki", format: "pem" }).toString(),
  };
  const isFirst = await db.transaction().execute(async (trx) => {
    const taken = await trx
      .updateTable("enrol_tokens")
      .set({ used_at_ms: nowMs, certificate_pem: issued.certificatePem })
      .where("sha256", "=", sha256)
      .where("used_at_ms", "is", null)
      .executeTakeFirst();
    if (taken.numUpdatedRows !== 1n) return false;
    await noteRevoked(trx, offer.node, nowMs);
    await trx
      .updateTable("nodes")
      .set({ ...identity, certificate_sha256: issued.fingerprint, paired_at_ms: nowMs, revoked_at_ms: null })
      .where("id", "=", offer.node)
      .execute();
    return true;
  });
  if (!isFirst) return answeredBefore(db, sha256, certificate.publicKey);
  return { node: offer.node, certificatePem: issued.certificatePem, isRepeated: false };
}

/** @param publicKey of who asks again, who has proven to hold its private half */
async function answeredBefore(db: Db, sha256: string, publicKey: KeyObject): Promise<PairedNode> {
  const row = await db
    .selectFrom("enrol_tokens as t")
    .innerJoin("nodes as n", "n.id", "t.node")
    .select(["t.node", "t.certificate_pem", "n.certificate_sha256"])
    .where("t.sha256", "=", sha256)
    .executeTakeFirst();
  const certificatePem = row?.certificate_pem;
  if (row === undefined || certificatePem == null) throw refusedToken();
  const isSameKey = new X509Certificate(certificatePem).publicKey.equals(publicKey);
  // One that was replaced or revoked since must not be had again.
  if (!isSameKey || row.certificate_sha256 !== fingerprintOf(certificatePem)) throw refusedToken();
  return { node: row.node, certificatePem, isRepeated: true };
}

/** From now on the node is refused, whatever certificate it shows. @throws BridgeError NODE_UNKNOWN */
export async function revokeNode(db: Db, node: string, nowMs: number): Promise<void> {
  await noteRevoked(db, node, nowMs);
  const done = await db
    .updateTable("nodes")
    .set({ revoked_at_ms: nowMs, certificate_sha256: null })
    .where("id", "=", node)
    .executeTakeFirst();
  await db.deleteFrom("enrol_tokens").where("node", "=", node).where("used_at_ms", "is", null).execute();
  if (done.numUpdatedRows !== 1n) throw unknownNode(node);
}

/** The certificate that the node has now is to count no more, also before a broker that asks nobody. */
async function noteRevoked(db: Db, node: string, nowMs: number): Promise<void> {
  const row = await db.selectFrom("nodes").select("certificate_serial").where("id", "=", node).executeTakeFirst();
  if (row?.certificate_serial == null) return;
  await db
    .insertInto("revoked_certificates")
    .values({ serial: row.certificate_serial, node, at_ms: nowMs })
    .onConflict((conflict) => conflict.column("serial").doNothing())
    .execute();
}

export type Admission = "admitted" | "node-unknown" | "node-revoked" | "certificate-replaced";

/** May the holder of this certificate connect as this node? Asked at every connect. */
export async function admit(db: Db, node: string, certificateSha256: string): Promise<Admission> {
  const row = await db
    .selectFrom("nodes")
    .select(["certificate_sha256", "revoked_at_ms"])
    .where("id", "=", node)
    .executeTakeFirst();
  if (row === undefined) return "node-unknown";
  if (row.revoked_at_ms !== null) return "node-revoked";
  return row.certificate_sha256 === certificateSha256 ? "admitted" : "certificate-replaced";
}

export function unknownNode(node: string): BridgeError {
  return new BridgeError("NODE_UNKNOWN", `there is no node ${node}`, {
    status: 404,
    hint: "`shao node ls` lists the nodes; `shao node add ID` lets a new one in.",
  });
}

function hashed(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

function refusedToken(): BridgeError {
  return new BridgeError("ENROL_TOKEN_REFUSED", "the token is unknown, used or expired", {
    status: 403,
    hint: "A token works for one box and for one hour: make a new one with `shao node add ID`.",
  });
}
