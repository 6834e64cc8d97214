import { createHash, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { type Static, Type } from "typebox";
import { canonicalJson } from "./canonical-json.ts";
import {
  type EvidenceBody,
  EvidenceCapture,
  EvidenceId,
  EvidenceJudge,
  EvidencePart,
  type EvidenceSignature,
  MissingPart,
} from "./evidence.ts";
import { AlarmId, AtMs, DeviceId, NodeId, Position, RunId, Subject, TimeQuality, UpMs } from "./ids.ts";
import type { RecordHead } from "./record.ts";

/** So that a signature over a manifest can never be one over anything else. */
const PURPOSE = "shao-evidence-manifest-1\n";

/**
 * What the node signs: everything that its evidence record says, but for the levels themselves, for which their hash
 * stands. Its bytes are its canonical JSON.
 */
export const EvidenceManifest = Type.Object(
  {
    v: Type.Literal(1),
    evidenceId: EvidenceId,
    alarmId: AlarmId,
    node: NodeId,
    run: RunId,
    upMs: UpMs,
    atMs: AtMs,
    timeQuality: TimeQuality,
    device: Type.Optional(DeviceId),
    subject: Type.Optional(Subject),
    rule: Type.Optional(Type.String({ maxLength: 64 })),
    ruleSet: Type.Optional(Type.String({ maxLength: 64 })),
    position: Type.Optional(Position),
    judgedBy: Type.Optional(EvidenceJudge),
    capture: Type.Optional(EvidenceCapture),
    parts: Type.Array(Type.Omit(EvidencePart, ["series"]), { maxItems: 8 }),
    missing: Type.Array(MissingPart, { maxItems: 8 }),
    keyId: Type.String({ pattern: "^[0-9a-f]{16}$" }),
  },
  { additionalProperties: false },
);
export type EvidenceManifest = Static<typeof EvidenceManifest>;

type EvidenceHead = Pick<RecordHead, "upMs" | "atMs" | "timeQuality" | "device" | "subject">;
type Signer = Pick<EvidenceSignature, "node" | "run" | "keyId">;

/** The manifest that an evidence record stands for. */
export function manifestOf(head: EvidenceHead, body: EvidenceBody, { node, run, keyId }: Signer): EvidenceManifest {
  const { upMs, atMs, timeQuality, device, subject } = head;
  const { evidenceId, alarmId, missing, rule, ruleSet, position, judgedBy, capture } = body;
  return {
    v: 1,
    evidenceId,
    alarmId,
    node,
    run,
    upMs,
    atMs,
    timeQuality,
    ...(device === undefined ? {} : { device }),
    ...(subject === undefined ? {} : { subject: { type: subject.type, id: subject.id } }),
    ...(rule === undefined ? {} : { rule }),
    ...(ruleSet === undefined ? {} : { ruleSet }),
    ...(position === undefined ? {} : { position: known(position, ["latitudeDeg", "longitudeDeg", "accuracyM"]) }),
    ...(judgedBy === undefined ? {} : { judgedBy: judgeOf(judgedBy) }),
    ...(capture === undefined ? {} : { capture: known(capture, ["video", "sound"]) }),
    parts: body.parts.map((part) =>
      known(part, ["name", "type", "sizeBytes", "sha256", "fromMs", "toMs", "quantity", "media"]),
    ),
    missing: missing.map((part) => known(part, ["name", "reason"])),
    keyId,
  };
}

/** Signs what the record says. @param signer whose private key this is, and of which node and run */
export function signEvidence(
  head: EvidenceHead,
  body: EvidenceBody,
  signer: Signer,
  privateKey: KeyObject,
): EvidenceSignature {
  const text = canonicalJson(manifestOf(head, body, signer));
  const { node, run, keyId } = signer;
  return { node, run, keyId, sig: sign(null, Buffer.from(PURPOSE + text), privateKey).toString("base64") };
}

/** @param text canonical JSON of the manifest */
export function isManifestSigned(text: string, sig: string, publicKey: KeyObject): boolean {
  const bytes = Buffer.from(sig, "base64");
  // Base64 leaves bits over that mean nothing; a signature has one form only.
  if (bytes.toString("base64") !== sig) return false;
  return verify(null, Buffer.from(PURPOSE + text), publicKey, bytes);
}

/** How a signature names its key: the first 16 hex of the SHA-256 of the SPKI DER. */
export function evidenceKeyId(publicKey: KeyObject): string {
  return createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest("hex")
    .slice(0, 16);
}

/** @param text base64 of the SPKI DER, as `start` carries it @returns undefined for anything that is no Ed25519 key */
export function readEvidenceKey(text: string): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: Buffer.from(text, "base64"), format: "der", type: "spki" });
    return key.asymmetricKeyType === "ed25519" ? key : undefined;
  } catch {
    return undefined;
  }
}

function judgeOf({ ruleVersion, model, classifier }: EvidenceJudge): EvidenceJudge {
  const named = (one: EvidenceJudge["model"]) => known(one, ["name", "sha256", "licence"]);
  return { ruleVersion, model: named(model), ...(classifier === undefined ? {} : { classifier: named(classifier) }) };
}

/** The named members that are there: what a later version adds is not signed by this one. */
function known<T extends object, K extends keyof T>(value: T, names: readonly K[]): Pick<T, K> {
  const found: Partial<Pick<T, K>> = {};
  for (const name of names) if (value[name] !== undefined) found[name] = value[name];
  return found as Pick<T, K>;
}
