import type { AlarmPhase } from "../../protocol/alarm.ts";
import { LATE_MS } from "../../protocol/limits.ts";
import type { KnownRecord } from "../../protocol/record.ts";
import type { DecodedRecord } from "../../protocol/record-codec.ts";
import { traceOf } from "../../protocol/trace.ts";
import { applyAlarm } from "../alarms/apply-alarm.ts";
import { clearFault, raiseFault } from "../alarms/faults.ts";
import { ageMs } from "../alarms/lateness.ts";
import type { RevisionOutcome } from "../alarms/reduce.ts";
import { keepSignal } from "../dispatch/channels/crew-signals.ts";
import { applyResult } from "../dispatch/command-rows.ts";
import { applyEvidence, applyEvidenceLost } from "../evidence/apply-evidence.ts";
import { learnEvidenceKey } from "../evidence/evidence-keys.ts";
import type { Trx } from "../store/database.ts";
import { withMark } from "../store/time-marks.ts";
import type { FleetFacts } from "./fleet-facts.ts";
import { correctedOf } from "./inbox-rows.ts";
import type { LedgerRow } from "./ledger-rows.ts";
import { applyStart } from "./start-record.ts";
import { mayBeUrgent } from "./take-envelope.ts";

/** A revision of an alarm that is committed. */
export interface TakenAlarm {
  readonly trace: string;
  readonly node: string;
  readonly run: string;
  readonly seq: number;
  readonly rev: number;
  readonly phase: AlarmPhase;
  /** What it was to the bridge, see reduce.ts. */
  readonly outcome: RevisionOutcome;
  /** Absent: unknown. */
  readonly ageMs?: number;
}

/** What a record means beyond being stored, in the transaction that stores it. */
export interface EffectContext {
  readonly trx: Trx;
  readonly row: LedgerRow;
  /** Monotonic time of the running run when the envelope left; absent for an ended run. */
  readonly envelopeUpMs: number | undefined;
  readonly isCurrentRun: boolean;
  readonly facts: FleetFacts;
  /** For so long after its start a node may still look for the time. */
  readonly clockSettleMs: number;
  readonly nowMs: number;
  /** Alarms that were taken, for the log; a replay tells only that it was one. */
  readonly alarms?: TakenAlarm[];
  /** When it came, if that was before now: it is at least as old. */
  readonly receivedAtMs?: number;
}

/** Ties the run to UTC from this seq on. Rows whose corrected time it changes are dated anew; nothing is re-stamped. */
export async function noteTime(context: EffectContext, decoded: DecodedRecord): Promise<void> {
  if (decoded.known?.kind !== "time") return;
  const { row, trx, nowMs } = context;
  const { upMs, utcMs, quality } = decoded.known.body;
  if (quality === "none") return;
  const isFirst = row.marks.length === 0;
  const { marks, redated } = withMark(row.marks, { seq: decoded.record.seq, upMs, utcMs, quality });
  row.marks = marks;
  for (const { from, to, offsetMs } of redated) {
    await trx
      .updateTable("inbox")
      .set(({ eb }) => ({ corrected_at_ms: eb("up_ms", "+", offsetMs) }))
      .where("node", "=", row.node)
      .where("run", "=", row.run)
      .where("seq", ">=", from)
      .where("seq", "<=", to)
      .execute();
  }
  if (!isFirst) return;
  // An ended run's time says nothing of the clock that runs now.
  if (context.isCurrentRun) await clearFault(trx, { node: row.node, rule: "clock-untrusted" }, nowMs);
}

/** @returns whether alarms changed; at once for what most records are, since a thousand promises cost more than they do */
export function applyRecord(context: EffectContext, decoded: DecodedRecord): boolean | Promise<boolean> {
  const { row, facts, nowMs, isCurrentRun } = context;
  const { node } = row;
  const { known } = decoded;
  if (known === undefined) return false;
  const age = ageOf(context, decoded);
  const seenAtMs = age === undefined ? nowMs : nowMs - age;
  switch (known.kind) {
    case "noise":
      // What was given up long ago and told now says nothing of the meter's present.
      if (known.body.standsFor !== undefined) return false;
      if (known.device !== undefined) facts.reading(node, known.device, seenAtMs);
      return false;
    case "measurement":
      if (known.device !== undefined) facts.reading(node, known.device, seenAtMs);
      return false;
    case "position":
      if (known.subject === undefined) facts.position(node, known.body, seenAtMs);
      if (known.subject?.type === "issi") facts.handset(known.subject.id, known.body, seenAtMs);
      if (known.device !== undefined) facts.reading(node, known.device, seenAtMs);
      return false;
    case "health": {
      const isLive = isCurrentRun && age !== undefined && age <= LATE_MS;
      const isSettling = known.upMs < context.clockSettleMs;
      facts.health(node, { body: known.body, quality: known.timeQuality, atMs: seenAtMs, isLive, isSettling });
      return false;
    }
    case "device":
      if (known.device !== undefined) {
        facts.device({ node, device: known.device, subject: known.subject, body: known.body, atMs: seenAtMs });
      }
      return false;
    case "time":
      return false;
    default:
      return writeEffect(context, decoded.record, known, { age, seenAtMs });
  }
}

type Written = Exclude<KnownRecord, { kind: "noise" | "measurement" | "position" | "health" | "device" | "time" }>;

async function writeEffect(
  { trx, row, nowMs, isCurrentRun, alarms }: EffectContext,
  record: DecodedRecord["record"],
  known: Written,
  { age, seenAtMs }: { readonly age: number | undefined; readonly seenAtMs: number },
): Promise<boolean> {
  const { node, run } = row;
  switch (known.kind) {
    case "start":
      await applyStart(trx, { node, run, body: known.body, atMs: seenAtMs, isCurrent: isCurrentRun }, nowMs);
      if (known.body.evidenceKey === undefined) return false;
      return learnEvidenceKey(trx, node, known.body.evidenceKey, nowMs);
    case "alarm": {
      const outcome = await applyAlarm(
        trx,
        {
          node,
          device: known.device ?? "",
          ...(known.subject === undefined ? {} : { subject: known.subject }),
          run,
          seq: record.seq,
          body: known.body,
          ageMs: age,
          ...shiftOf(correctedOf(row, record) ?? seenAtMs, record.atMs),
        },
        nowMs,
      );
      const { alarmId, rev, phase } = known.body;
      const taken = { trace: traceOf(alarmId), node, run, seq: record.seq, rev, phase, outcome };
      alarms?.push({ ...taken, ...(age === undefined ? {} : { ageMs: Math.round(age) }) });
      if (outcome === "foreign") await raiseFault(trx, { node, rule: "node-id-shared" }, nowMs);
      if (age === undefined) await raiseFault(trx, { node, rule: "clock-untrusted" }, nowMs);
      return true;
    }
    case "evidence":
      return applyEvidence(trx, { node, run, record, body: known.body }, nowMs);
    case "evidence-lost":
      return applyEvidenceLost(trx, node, known.body, nowMs);
    case "result":
      await applyResult(trx, node, known.body, nowMs);
      return false;
    case "act": {
      const said = { kind: "act", body: known.body } as const;
      await keepSignal(trx, { node, run, seq: record.seq, atMs: seenAtMs, stampedAtMs: record.atMs, said }, nowMs);
      return false;
    }
    case "message": {
      const { statusCode: code } = known.body;
      const { subject } = known;
      if (known.body.type !== "status" || code === undefined || subject?.type !== "issi") return false;
      const said = { kind: "status", issi: subject.id, code } as const;
      await keepSignal(trx, { node, run, seq: record.seq, atMs: seenAtMs, stampedAtMs: record.atMs, said }, nowMs);
      return false;
    }
    case "shed": {
      await raiseFault(trx, { node, rule: "shed" }, nowMs);
      const { reason, kind } = known.body;
      const isUnreadable = reason === "undecodable" ? mayBeUrgent(kind) : reason === "corrupt" && kind === "alarm";
      if (isUnreadable) await raiseFault(trx, { node, rule: "unreadable-alarm" }, nowMs);
      return true;
    }
  }
}

/** What lies within a second is how long the stamp, the clock and the line take, and no fault of the clock. */
const SAME_MOMENT_MS = 1000;

function shiftOf(correctedAtMs: number, atMs: number): { readonly shiftMs?: number } {
  const shiftMs = correctedAtMs - atMs;
  return Math.abs(shiftMs) <= SAME_MOMENT_MS ? {} : { shiftMs };
}

function ageOf(context: EffectContext, { record }: DecodedRecord): number | undefined {
  const { row, envelopeUpMs, nowMs, receivedAtMs } = context;
  const corrected = correctedOf(row, record);
  const age = ageMs({
    upMs: record.upMs,
    nowMs,
    ...(envelopeUpMs === undefined ? {} : { envelopeUpMs }),
    ...(corrected === null ? {} : { correctedAtMs: corrected }),
  });
  return receivedAtMs === undefined ? age : Math.max(age ?? 0, nowMs - receivedAtMs);
}
