import type { ShedBody } from "../../protocol/bodies.ts";
import type { EnvelopeHeader, EnvelopeItem } from "../../protocol/envelope.ts";
import type { Sha256 } from "../../protocol/ids.ts";
import { contains, type Ranges, rangesOfSeqs } from "../../protocol/ranges.ts";
import { type DecodedRecord, decodeRecord, isKind } from "../../protocol/record-codec.ts";
import { isStored, type LedgerRun, withHead, withStored } from "../store/ledger.ts";

/** An item that was read: a record, or why it is none. */
export interface ReadItem {
  readonly bytes: Uint8Array;
  readonly sha256: Sha256;
  readonly decoded: ReturnType<typeof decodeRecord>;
}

export interface Accepted {
  readonly bytes: Uint8Array;
  readonly sha256: Sha256;
  readonly decoded: DecodedRecord;
}

/** Kept in quarantine: an item that is no record, or one whose key another record already has. */
export interface Quarantined {
  readonly seq: number;
  readonly bytes: Uint8Array;
  readonly sha256: Sha256;
  readonly code: string;
  /** As far as it can still be read. */
  readonly kind: string | undefined;
}

export interface TakenEnvelope {
  /** The run's ledger with everything that is stored now. */
  readonly ledger: LedgerRun;
  readonly accepted: readonly Accepted[];
  /** Not records: stored in quarantine, answered by seq, not to be sent again. */
  readonly refused: readonly Quarantined[];
  /** Same key, another hash. The first stays; the second is quarantined, shown, and heard if it is an alarm. */
  readonly clashes: readonly (Quarantined & { readonly decoded: DecodedRecord })[];
  /** Seqs that are in the database once this commits, repeats included. */
  readonly receipted: Ranges;
  /** An item could not even be numbered: the envelope is answered `undecodable`, so that the rest goes singly. */
  readonly hasNameless: boolean;
  readonly sheds: readonly ShedBody[];
}

export function readItems(items: readonly EnvelopeItem[]): readonly ReadItem[] {
  return items.map(({ bytes, sha256 }) => ({ bytes, sha256, decoded: decodeRecord(bytes) }));
}

/** Seqs of an envelope that the ledger has already: their stored hashes must be at hand before it is taken. */
export function repeatsIn(ledger: LedgerRun, items: readonly ReadItem[]): readonly number[] {
  return items.map(seqOf).filter((seq) => seq !== undefined && isStored(ledger, seq)) as number[];
}

/**
 * Decides on every item of one envelope. Pure: the caller writes what it says in one transaction.
 * @param hashes SHA-256 of stored items by seq, as far as they are kept
 */
export function takeEnvelope(
  before: LedgerRun,
  header: Pick<EnvelopeHeader, "head">,
  items: readonly ReadItem[],
  hashes: ReadonlyMap<number, Sha256>,
): TakenEnvelope {
  const seen = new Map(hashes);
  const fresh = new Set<number>();
  const receipted: number[] = [];
  const accepted: Accepted[] = [];
  const refused: Quarantined[] = [];
  const clashes: (Quarantined & { readonly decoded: DecodedRecord })[] = [];
  let hasNameless = false;
  for (const item of items) {
    const seq = seqOf(item);
    if (seq === undefined) {
      hasNameless = true;
      continue;
    }
    receipted.push(seq);
    const isRepeat = isStored(before, seq) || fresh.has(seq);
    const known = seen.get(seq);
    if (isRepeat && (known === undefined || known === item.sha256)) continue;
    const { bytes, sha256, decoded } = item;
    if (!decoded.ok) refused.push({ seq, bytes, sha256, code: decoded.code, kind: salvagedKind(bytes) });
    else if (isRepeat) {
      clashes.push({ seq, bytes, sha256, code: "RECORD_CLASH", kind: decoded.record.kind, decoded });
    } else accepted.push({ bytes, sha256, decoded });
    fresh.add(seq);
    if (!isRepeat) seen.set(seq, sha256);
  }
  return {
    ledger: withStored(withHead(before, header.head), rangesOfSeqs(fresh)),
    accepted,
    refused,
    clashes,
    receipted: rangesOfSeqs(receipted),
    hasNameless,
    sheds: accepted.flatMap(({ decoded }) => (isKind(decoded.known, "shed") ? [decoded.known.body] : [])),
  };
}

/** Kinds of lane 0: what a refused record of them may have been must be looked at by a person. */
export function mayBeUrgent(kind: string | undefined): boolean {
  return kind === undefined || ["alarm", "message", "result", "act"].includes(kind);
}

/** The refusals that an answer names: what is receipted all the same. */
export function refusalsOf(taken: TakenEnvelope): readonly { readonly seq: number; readonly code: string }[] {
  return taken.refused.filter(({ seq }) => contains(taken.receipted, seq)).map(({ seq, code }) => ({ seq, code }));
}

function seqOf({ decoded }: ReadItem): number | undefined {
  return decoded.ok ? decoded.record.seq : decoded.seq;
}

function salvagedKind(bytes: Uint8Array): string | undefined {
  return /"kind":"([a-z][a-z0-9-]{0,31})"/.exec(Buffer.from(bytes.subarray(0, 512)).toString("latin1"))?.[1];
}
