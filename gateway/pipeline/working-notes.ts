import type { WorkingLevel } from "../contracts/journal.ts";
import { type Stream, streamKey, streamOfKey } from "./stream.ts";

/**
 * Small facts that must commit in one transaction with what they tell about, and come back after a kill. They lie in the
 * working table beside the levels, under names that no device can have (`#…`).
 */
const ROLLED = "#rolled/";
const EVIDENCE = "#evidence/";

/** Levels around a raise that are still to be written as evidence. */
export interface PendingEvidence {
  readonly evidenceId: string;
  readonly alarmId: string;
  readonly rule: string;
  /** The dated rule-set that gave the limits. */
  readonly ruleSet?: string;
  readonly stream: Stream;
  /** UTC of the second that raised. */
  readonly raisedAtMs: number;
}

/** Notes that a stream's minutes are rolled up to a time; it takes the place of the note before. */
export function rolledNote(stream: Stream, endMs: number): WorkingLevel {
  return { device: `${ROLLED}${streamKey(stream)}`, atMs: 0, levelDb: null, quantity: String(endMs), flags: [] };
}

export function evidenceNote(pending: PendingEvidence): WorkingLevel {
  const { evidenceId, alarmId, rule, ruleSet, stream, raisedAtMs } = pending;
  const flags = [streamKey(stream), alarmId, rule, ...(ruleSet === undefined ? [] : [ruleSet])];
  return { device: `${EVIDENCE}${evidenceId}`, atMs: raisedAtMs, levelDb: null, quantity: "note", flags };
}

/** What removes the note once the evidence record commits. */
export function evidenceNoteDone(evidenceId: string): { readonly device: string; readonly atMs: number } {
  return { device: `${EVIDENCE}${evidenceId}`, atMs: Number.MAX_SAFE_INTEGER };
}

export interface RestoredNotes {
  /** By stream key: end of the newest minute that is rolled. */
  readonly rolledToMs: ReadonlyMap<string, number>;
  readonly evidence: readonly PendingEvidence[];
}

export function readNotes(rows: readonly WorkingLevel[]): RestoredNotes {
  const rolledToMs = new Map<string, number>();
  const evidence: PendingEvidence[] = [];
  for (const { device, atMs, quantity, flags } of rows) {
    if (device.startsWith(ROLLED)) {
      rolledToMs.set(device.slice(ROLLED.length), Number(quantity));
    } else if (device.startsWith(EVIDENCE)) {
      const [key = "", alarmId = "", rule = "", ruleSet] = flags;
      const stream = streamOfKey(key);
      const evidenceId = device.slice(EVIDENCE.length);
      if (stream === undefined) continue;
      const about = { evidenceId, alarmId, rule, stream, raisedAtMs: atMs };
      evidence.push(ruleSet === undefined ? about : { ...about, ruleSet });
    }
  }
  return { rolledToMs, evidence };
}
