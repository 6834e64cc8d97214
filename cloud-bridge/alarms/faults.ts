import { sql } from "kysely";
import type { AlarmBody, AlarmNature } from "../../protocol/alarm.ts";
import type { Subject } from "../../protocol/ids.ts";
import { SAME_ALARM_MS } from "../../protocol/limits.ts";
import { newAlarmId } from "../../protocol/new-ids.ts";
import type { Trx } from "../store/database.ts";
import { bodyOf } from "./alarm-rows.ts";
import { applyAlarm } from "./apply-alarm.ts";
import { BRIDGE_RUN } from "./reduce.ts";

/** What the bridge itself finds wrong with a node or a device. A fault never clears or closes a noise case. */
export const FAULT_RULES = [
  "device-silent",
  "node-silent",
  "clock-untrusted",
  "seq-unexplained",
  "quarantine",
  "shed",
  "node-id-shared",
  "unreadable-alarm",
  "version-unreadable",
  /** A file that was announced will not come, or came with another hash twice. */
  "evidence-lost",
  /** A signature does not fit, or nobody confirmed the key. */
  "evidence-untrusted",
  /** The bridge's own, see BRIDGE_ITSELF: its disk or its budget is nearly full. */
  "room-short",
] as const;
export type FaultRule = (typeof FAULT_RULES)[number];

/** Stands where a fault names its node, for what is wrong with the bridge itself; no node can be called so. */
export const BRIDGE_ITSELF = "@bridge";

/** What a node finds wrong with the level of a meter that answers. It raises and clears these itself. */
export const LEVEL_FAULT_RULES = ["level-stuck", "level-implausible", "level-covered"] as const;

/** What a node finds wrong with the picture of a camera that delivers. It raises and clears these itself. */
export const CAMERA_FAULT_RULES = ["camera-frozen", "camera-covered", "camera-unjudged"] as const;

/** Faults that mean that nobody is listening or looking at their site. */
export const UNWATCHED_RULES = ["device-silent", "node-silent", ...LEVEL_FAULT_RULES, ...CAMERA_FAULT_RULES] as const;

/** Literal, so that the index of standing alarms serves it. */
export const isStanding = sql<boolean>`phase <> 'cleared'`;

export interface Fault {
  readonly node: string;
  /** Absent: the node as a whole. */
  readonly device?: string;
  /** Absent: the device itself. */
  readonly subject?: Subject;
  readonly rule: FaultRule;
  /** What exactly, in no language: names and ranges. A change of it is a revision of the fault that stands. */
  readonly detail?: string;
}

/** `event` for what happened and cannot heal: a person closes its case. */
const NATURE: Partial<Record<FaultRule, AlarmNature>> = {
  quarantine: "event",
  shed: "event",
  "node-id-shared": "event",
  "unreadable-alarm": "event",
  "evidence-lost": "event",
  "evidence-untrusted": "event",
};

/**
 * Raises it unless it stands. Raised again within 10 min of its end it keeps its alarmId, as on the edge.
 * @returns whether anything changed
 */
export async function raiseFault(trx: Trx, fault: Fault, nowMs: number): Promise<boolean> {
  const known = await newest(trx, fault);
  const isTold = fault.detail === undefined || fault.detail === known?.body.detail;
  const isFresh = known?.body.nature === "condition" || nowMs - (known?.body.stateAtMs ?? 0) < SAME_ALARM_MS;
  if (known?.isOpen === true && isFresh && isTold) return false;
  const isSame = known !== undefined && (known.isOpen || nowMs - known.body.stateAtMs <= SAME_ALARM_MS);
  const body: AlarmBody = {
    alarmId: isSame ? known.body.alarmId : newAlarmId(nowMs),
    rev: isSame ? known.body.rev + 1 : 1,
    phase: isSame && known.isOpen ? "updated" : "raised",
    family: "fault",
    nature: NATURE[fault.rule] ?? "condition",
    rule: fault.rule,
    ruleKind: "bridge",
    raisedAtMs: isSame ? known.body.raisedAtMs : nowMs,
    stateAtMs: nowMs,
    limits: {},
    windows: [],
    evidence: [],
    ...(fault.detail === undefined ? {} : { detail: fault.detail }),
  };
  await apply(trx, fault, body, nowMs);
  return true;
}

/**
 * Clears it if it stands.
 * @returns whether anything changed
 */
export async function clearFault(trx: Trx, fault: Fault, nowMs: number): Promise<boolean> {
  const known = await newest(trx, fault);
  if (known === undefined || !known.isOpen) return false;
  const { body } = known;
  await apply(
    trx,
    fault,
    { ...body, rev: body.rev + 1, phase: "cleared", stateAtMs: nowMs, clearedAtMs: nowMs, clearReason: "quiet" },
    nowMs,
  );
  return true;
}

async function apply(trx: Trx, fault: Fault, body: AlarmBody, nowMs: number): Promise<void> {
  const { node, device = "", subject } = fault;
  const place = { node, device, ...(subject && { subject }), run: BRIDGE_RUN, seq: body.rev };
  await applyAlarm(trx, { ...place, body, ageMs: 0 }, nowMs);
}

async function newest(trx: Trx, fault: Fault) {
  const row = await trx
    .selectFrom("alarms")
    .select(["body", "phase"])
    .where("node", "=", fault.node)
    .where("device", "=", fault.device ?? "")
    .where("subject_id", "=", fault.subject?.id ?? "")
    .where("rule", "=", fault.rule)
    .where("family", "=", "fault")
    .orderBy("state_at_ms", "desc")
    .executeTakeFirst();
  return row === undefined ? undefined : { body: bodyOf(row), isOpen: row.phase !== "cleared" };
}
