import type { KeyObject } from "node:crypto";

/** The node's own Ed25519 key: of its evidence, and of what is done at its local page. */
export interface SigningKey {
  readonly privateKey: KeyObject;
  /** First 16 hex of the SHA-256 of the SPKI DER. */
  readonly keyId: string;
}
