import type { EvidenceLostBody, EvidencePart } from "../../protocol/evidence.ts";
import type { Sha256 } from "../../protocol/ids.ts";
import type { NewRecord } from "../../protocol/record.ts";
import type { JournalWrite } from "./journal.ts";

export type EvidenceRecord = Extract<NewRecord, { kind: "evidence" }>;

/** A file that proves something, as a stage hands it in; it may vanish from where it is as soon as `take` has resolved. */
export interface MediaFile extends Pick<EvidencePart, "name" | "type" | "media" | "fromMs" | "toMs"> {
  readonly from: { readonly path: string } | { readonly bytes: Uint8Array };
}

export interface EvidenceToTake {
  /** Parts with their series inside are kept as files too; what is missing from the start is stated in its body. */
  readonly record: EvidenceRecord;
  readonly media?: readonly MediaFile[];
  /** Commits in one transaction with the record. */
  readonly write?: Omit<JournalWrite, "append">;
}

/** Takes evidence into custody: what a stage that has levels, pictures or clips hands them to. */
export interface EvidenceTaker {
  /**
   * Copies and fsyncs the files, signs what the record says of them, and then commits the record. A file that cannot be
   * kept becomes a stated reason in the record; nothing but the journal's own trouble keeps the record back.
   * @returns the parts of the record as it was written
   */
  take(evidence: EvidenceToTake): Promise<readonly EvidencePart[]>;
  /** Ids of evidence whose record this node holds: what a start asks before it says of a promise that it was not kept. */
  recorded(): Promise<ReadonlySet<string>>;
}

/** A file in the node's custody that the bridge is to have. */
export interface KeptFile {
  /** SHA-256 of its bytes: its name everywhere. */
  readonly blob: Sha256;
  readonly sizeBytes: number;
  readonly type: EvidencePart["type"];
  readonly takenAtMs: number;
  /** The epoch of the bridge under which it said `stored`. */
  readonly storedEpoch?: string;
}

/** What the uplink asks of the store. */
export interface BlobFiles {
  /** All that are not given up, also those that were stored: another epoch of the bridge is offered each again. */
  kept(): Promise<readonly KeptFile[]>;
  /** One more, whose record is on its way. */
  onKept(listener: (file: KeptFile) => void): void;
  /** One that is no longer here and was declared, where that was due. */
  onGone(listener: (blob: Sha256) => void): void;
  /** @returns undefined when the file is gone or ends before `offset`; rejects on trouble that may pass */
  read(blob: Sha256, offset: number, maxBytes: number): Promise<Uint8Array | undefined>;
  /** Reads all of it: does it still have its hash? Rejects on trouble that may pass. */
  isWhole(blob: Sha256): Promise<boolean>;
  /** From now on it may go. */
  markStored(blob: Sha256, epoch: string): Promise<void>;
  /** Declares by a record that its upload is over, for ever. */
  giveUp(blob: Sha256, reason: EvidenceLostBody["reason"], code?: string): Promise<void>;
}

/** For whoever watches the disk: what evidence takes of it, and how to get some back, in the order of shedding. */
export interface EvidenceRoom {
  facts(): EvidenceFacts;
  /** Lets stored files go, oldest first. @returns bytes that came free */
  freeStored(bytes: number): Promise<number>;
  /** Then unsent clips, oldest first, each declared by a record. Snapshots stay. @returns bytes that came free */
  freeUnsentClips(bytes: number): Promise<number>;
}

export interface EvidenceFacts {
  readonly files: number;
  readonly sizeBytes: number;
  readonly storedBytes: number;
  readonly unsentFiles: number;
  readonly unsentBytes: number;
  readonly oldestUnsentAtMs?: number;
}
