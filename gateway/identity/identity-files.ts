import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { GatewayError } from "../contracts/gateway-error.ts";
import { writeSynced } from "../contracts/private-file.ts";

const FOLDER = "identity";
/** Of what is no secret. */
const OPEN_MODE = 0o644;

/** Who this node is, and whom it trusts: what enrolment left under `<state>/identity/`. */
export interface NodeIdentity {
  readonly node: string;
  /** Id of the bridge's database; receipts of another one do not count. */
  readonly bridge: string;
  readonly mqttUrl: string;
  readonly keyPem: string;
  readonly certificatePem: string;
  readonly caPem: string;
  /** Ed25519, SPKI PEM: signs commands. */
  readonly commandKeyPem: string;
}

/** @returns undefined when this node was never enrolled @throws GatewayError IDENTITY_BROKEN */
export function readIdentity(stateDirectory: string): NodeIdentity | undefined {
  const folder = join(stateDirectory, FOLDER);
  let facts: string;
  try {
    facts = readFileSync(join(folder, "identity.json"), "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw broken(folder, error);
  }
  try {
    const { node, bridge, mqttUrl } = JSON.parse(facts) as Record<string, unknown>;
    if (typeof node !== "string" || typeof bridge !== "string" || typeof mqttUrl !== "string") {
      throw new Error("identity.json lacks node, bridge or mqttUrl");
    }
    const file = (name: string) => readFileSync(join(folder, name), "utf8");
    return {
      node,
      bridge,
      mqttUrl,
      keyPem: file("node.key"),
      certificatePem: file("node.pem"),
      caPem: file("ca.pem"),
      commandKeyPem: file("command-key.pem"),
    };
  } catch (error) {
    throw broken(folder, error);
  }
}

/** Replaces the identity as a whole: after a crash there is the old one or the new one, never a mixture. */
export function writeIdentity(stateDirectory: string, identity: NodeIdentity): string {
  const folder = join(stateDirectory, FOLDER);
  const fresh = `${folder}.new`;
  const old = `${folder}.old`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true, mode: 0o700 });
  const { node, bridge, mqttUrl } = identity;
  writeSynced(join(fresh, "node.key"), identity.keyPem, 0o600);
  writeSynced(join(fresh, "node.pem"), identity.certificatePem, OPEN_MODE);
  writeSynced(join(fresh, "ca.pem"), identity.caPem, OPEN_MODE);
  writeSynced(join(fresh, "command-key.pem"), identity.commandKeyPem, OPEN_MODE);
  writeSynced(join(fresh, "identity.json"), `${JSON.stringify({ node, bridge, mqttUrl }, null, 2)}\n`, OPEN_MODE);
  rmSync(old, { recursive: true, force: true });
  try {
    renameSync(folder, old);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
  renameSync(fresh, folder);
  rmSync(old, { recursive: true, force: true });
  return folder;
}

/** The keys that may sign commands, by the name that a command gives them: the first 16 hex of the SHA-256 of the SPKI DER. */
export function commandKeys(identity: NodeIdentity | undefined): ReadonlyMap<string, KeyObject> {
  if (identity === undefined) return new Map();
  const key = createPublicKey(identity.commandKeyPem);
  const keyId = createHash("sha256")
    .update(key.export({ type: "spki", format: "der" }))
    .digest("hex")
    .slice(0, 16);
  return new Map([[keyId, key]]);
}

function broken(folder: string, cause: unknown): GatewayError {
  return new GatewayError("IDENTITY_BROKEN", `the node's identity in ${folder} cannot be read`, {
    hint: "Enrol the node again: `shao node add ID` at the bridge, then `shao enroll URL TOKEN` here.",
    cause,
  });
}
