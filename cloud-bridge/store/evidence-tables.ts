import type { ColumnType } from "kysely";

type Defaulted<T> = ColumnType<T, T | undefined, T>;

/** Evidence as its record said it. `signature`: what the bridge found, see evidence/evidence-keys.ts. */
export interface EvidenceTable {
  evidence_id: string;
  alarm_id: string;
  node: string;
  device: string;
  run: string;
  seq: number;
  received_at_ms: number;
  body: string;
  /** Canonical JSON that the node signed. */
  manifest: Defaulted<string | null>;
  key_id: Defaulted<string | null>;
  sig: Defaulted<string | null>;
  signature: Defaulted<string>;
}

/** One row a part: which blob holds it. */
export interface EvidencePartsTable {
  evidence_id: string;
  name: string;
  node: string;
  sha256: string;
  size_bytes: number;
  /** The record itself holds the bytes, and they have this hash. */
  inline: number;
  /** The node said that it will not come, and why. */
  lost: Defaulted<string | null>;
}

/** One row a file of a node, also of one whose record has not come. */
export interface BlobsTable {
  node: string;
  sha256: string;
  size_bytes: number;
  /** Bytes that are certain to be on the disk. */
  received_bytes: number;
  state: string;
  restarts: number;
  code: string | null;
  first_at_ms: number;
  updated_at_ms: number;
}

/** Keys that nodes said they sign evidence with. `pinned`: believed; `unconfirmed`: another one was, and nobody enrolled the node anew. */
export interface EvidenceKeysTable {
  node: string;
  key_id: string;
  public_key: string;
  state: string;
  /** When the node said it first; of a pinned one, first since the node was last enrolled. */
  first_seen_ms: number;
}

/** Evidence that people sent of a case, beside what nodes recorded of its alarms. */
export interface CaseEvidenceTable {
  evidence_id: string;
  case_id: string;
  assignment_id: string | null;
  crew_id: string | null;
  author: string;
  at_ms: number;
  device_time_ms: number | null;
}
