import type { ShedBody } from "../../protocol/bodies.ts";
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
  rangesFrom,
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
  /** The declared ones, by the reason that the node gave first. */
  readonly reasons?: ShedRanges;
}

export type ShedReason = ShedBody["reason"];
export const SHED_REASONS = ["quota", "expired", "corrupt", "undecodable"] as const satisfies readonly ShedReason[];
export type ShedRanges = { readonly [R in ShedReason]?: Ranges };

export const EMPTY_LEDGER_RUN: LedgerRun = { head: 0, stored: NO_RANGES, declared: NO_RANGES };

export interface RunAccount {
  readonly expected: number;
  readonly stored: number;
  readonly declared: number;
  readonly outstanding: number;
  readonly unexplained: number;
  /** Of `declared`, by reason. */
  readonly shed: Readonly<Record<ShedReason, number>>;
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
    ...(ledger.reasons && { reasons: withoutSeqs(ledger.reasons, seqs) }),
  };
}

/** The node says that these will not come, and why. What is stored stays stored, and the first reason stands. */
export function withDeclared(ledger: LedgerRun, seqs: Ranges, reason: ShedReason): LedgerRun {
  if (seqs.length === 0) return ledger;
  const declared = subtract(seqs, ledger.stored);
  const added = subtract(declared, ledger.declared);
  return {
    head: Math.max(ledger.head, lastOf(seqs)),
    stored: ledger.stored,
    declared: union(ledger.declared, declared),
    ...(ledger.reasons && { reasons: ledger.reasons }),
    ...(added.length > 0 && {
      reasons: { ...ledger.reasons, [reason]: union(ledger.reasons?.[reason] ?? NO_RANGES, added) },
    }),
  };
}

/** Declares what these records say of one run. */
export function withSheds(ledger: LedgerRun, run: string, sheds: readonly ShedBody[]): LedgerRun {
  return sheds
    .filter((shed) => shed.run === run)
    .reduce((all, shed) => withDeclared(all, rangesFrom(shed.ranges), shed.reason), ledger);
}

function withoutSeqs(reasons: ShedRanges, seqs: Ranges): ShedRanges {
  const left = Object.entries(reasons).map(([reason, ranges]) => [reason, subtract(ranges, seqs)] as const);
  return Object.fromEntries(left.filter(([, ranges]) => ranges.length > 0));
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
    shed: shedOf(ledger),
  };
}

function shedOf({ reasons }: LedgerRun): Record<ShedReason, number> {
  const count = (reason: ShedReason): number => countOf(reasons?.[reason] ?? NO_RANGES);
  return {
    quota: count("quota"),
    expired: count("expired"),
    corrupt: count("corrupt"),
    undecodable: count("undecodable"),
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
