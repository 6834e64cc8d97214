import { haveEntry } from "../../protocol/hello.ts";
import {
  addRange,
  complementWithin,
  contains,
  countOf,
  intersect,
  lastOf,
  NO_RANGES,
  type Ranges,
  subtract,
  union,
} from "../../protocol/ranges.ts";
import type { Have } from "../../protocol/session.ts";

/**
 * What the bridge knows of one run of one node: one row, never dropped by retention. `stored` (quarantine included) and
 * `declared` never overlap; `head` is the newest seq that anyone ever named. Whatever is in neither is outstanding while
 * the node's hello lists the run, and unexplained once it does not: that is derived, never written.
 */
export interface LedgerRun {
  readonly head: number;
  readonly stored: Ranges;
  readonly declared: Ranges;
}

export const EMPTY_LEDGER_RUN: LedgerRun = { head: 0, stored: NO_RANGES, declared: NO_RANGES };

export interface RunAccount {
  readonly expected: number;
  readonly stored: number;
  readonly declared: number;
  readonly outstanding: number;
  readonly unexplained: number;
}

/** Notes that the run had this seq. A head never falls: a card that lost its tail is asked for it all the same. */
export function withHead(ledger: LedgerRun, head: number): LedgerRun {
  return head > ledger.head ? { ...ledger, head } : ledger;
}

/** Only stored is a repeat; a late arrival withdraws a declaration. */
export function withStored(ledger: LedgerRun, seqs: Ranges): LedgerRun {
  if (seqs.length === 0) return ledger;
  return {
    head: Math.max(ledger.head, lastOf(seqs)),
    stored: union(ledger.stored, seqs),
    declared: subtract(ledger.declared, seqs),
  };
}

/** The node says that these will not come. What is stored stays stored. */
export function withDeclared(ledger: LedgerRun, seqs: Ranges): LedgerRun {
  if (seqs.length === 0) return ledger;
  return {
    head: Math.max(ledger.head, lastOf(seqs)),
    stored: ledger.stored,
    declared: union(ledger.declared, subtract(seqs, ledger.stored)),
  };
}

export function isStored(ledger: LedgerRun, seq: number): boolean {
  return contains(ledger.stored, seq);
}

/** Seqs up to `through` that are neither stored nor declared. */
export function gapsOf(ledger: LedgerRun, through: number = ledger.head): Ranges {
  return complementWithin(union(ledger.stored, ledger.declared), 1, through);
}

/** @param isListed whether the node's current hello lists the run */
export function accountOf(ledger: LedgerRun, isListed: boolean): RunAccount {
  const stored = countOf(ledger.stored);
  const declared = countOf(ledger.declared);
  const gaps = ledger.head - stored - declared;
  return {
    expected: ledger.head,
    stored,
    declared,
    outstanding: isListed ? gaps : 0,
    unexplained: isListed ? 0 : gaps,
  };
}

/** Whether nothing up to `head` is outstanding. What came after a hello says nothing about it. */
export function isAccounted(ledger: LedgerRun, head: number): boolean {
  return gapsOf(ledger, head).length === 0;
}

/**
 * The answer to one run of a hello: every seq that the node or anyone before it named. What does not fit `budget` ranges
 * is asked for again, see haveEntry.
 */
export function haveOf(run: string, ledger: LedgerRun, helloHead: number, budget: number): Have["runs"][number] {
  const head = Math.max(helloHead, ledger.head);
  return haveEntry(run, head, gapsOf(ledger, head), intersect(ledger.declared, addRange(NO_RANGES, 1, head)), budget);
}
