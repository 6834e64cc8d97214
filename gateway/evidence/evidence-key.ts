import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { evidenceKeyId } from "../../protocol/evidence-manifest.ts";
import { codeOf } from "../contracts/gateway-error.ts";
import type { Logger } from "../contracts/logger.ts";
import { writePrivateFile } from "../contracts/private-file.ts";

const FILE = "evidence.key";

/** Signs this node's evidence. It outlives enrolments: the certificate says who speaks, this key who took the evidence. */
export interface EvidenceKey {
  readonly privateKey: KeyObject;
  readonly keyId: string;
  /** Base64 of the SPKI DER, as the `start` record carries it. */
  readonly publicKeyText: string;
}

/**
 * Reads the key, or makes it at the first start. One that cannot be read is set aside and replaced: the bridge then shows
 * that the evidence bears a key that nobody has confirmed.
 * @returns undefined while the disk takes none
 */
export function openEvidenceKey(folder: string, log: Logger): EvidenceKey | undefined {
  const path = join(folder, FILE);
  try {
    return keyOf(createPrivateKey(readFileSync(path)));
  } catch (error) {
    if (codeOf(error) !== "ENOENT") {
      const hint = "The bridge will ask whether the new key is to be believed. Look at the node's memory card.";
      log.error({ code: "EVIDENCE_KEY_BROKEN", file: path, error: String(error), hint }, "evidence key set aside");
      if (!tried(() => renameSync(path, `${path}.broken-${Date.now()}`))) return undefined;
    }
  }
  const { privateKey } = generateKeyPairSync("ed25519");
  const text = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const isKept = tried(() => writePrivateFile(path, text));
  if (isKept) return keyOf(privateKey);
  const hint = "Free space on the disk of the state folder. Until then evidence is taken and not signed.";
  log.error({ code: "EVIDENCE_KEY_UNWRITTEN", file: path, hint }, "evidence key cannot be kept");
  return undefined;
}

function keyOf(privateKey: KeyObject): EvidenceKey {
  if (privateKey.asymmetricKeyType !== "ed25519") throw new Error(`key is ${privateKey.asymmetricKeyType}`);
  const publicKey = createPublicKey(privateKey);
  const publicKeyText = publicKey.export({ type: "spki", format: "der" }).toString("base64");
  return { privateKey, keyId: evidenceKeyId(publicKey), publicKeyText };
}

function tried(act: () => void): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}
