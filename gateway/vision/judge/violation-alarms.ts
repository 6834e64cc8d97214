import type { AlarmBody } from "../../../protocol/alarm.ts";
import type { Position, Subject } from "../../../protocol/ids.ts";
import { SAME_ALARM_MS } from "../../../protocol/limits.ts";
import { newAlarmId } from "../../../protocol/new-ids.ts";
import type { NewRecord } from "../../../protocol/record.ts";
import { subjectKey } from "../../../protocol/subject-key.ts";
import type { JournalRestore, JournalWrite } from "../../contracts/journal.ts";
import type { ViolationSettings } from "../../contracts/violations.ts";
import type { CameraEvidence, JudgedBy, UnitBox } from "../../contracts/vision.ts";
import { overlap } from "./tracker.ts";
import type { Decision } from "./violation-watch.ts";

export const VIOLATION = "violation";

type Stamp = Pick<NewRecord, "atMs" | "upMs" | "timeQuality">;

interface Told {
  body: AlarmBody;
  readonly subject?: Subject;
}

export interface ViolationAlarmsOptions {
  readonly cameraId: string;
  readonly rule: ViolationSettings;
  readonly judgedBy: () => JudgedBy | undefined;
  readonly evidence: CameraEvidence;
  readonly recent: JournalRestore["recentAlarms"];
  readonly position: () => Position | undefined;
}

const SAME_PLACE_IOU = 0.4;

/**
 * Alarms of one rule on one camera. They are events: they happened and do not clear, so the journal never holds one as open.
 * What stood there before a restart and stands there still keeps its alarm.
 */
export class ViolationAlarms {
  readonly #options: ViolationAlarmsOptions;
  readonly #told = new Map<number, Told>();
  readonly #before: { readonly body: AlarmBody; readonly subject: string; readonly box: UnitBox }[] = [];

  constructor(options: ViolationAlarmsOptions) {
    this.#options = options;
    for (const { device, subject, body } of options.recent) {
      const box = boxIn(body.detail);
      const isOurs = device === options.cameraId && body.rule === options.rule.name && body.ruleKind === VIOLATION;
      if (isOurs && box !== undefined) this.#before.push({ body, subject, box });
    }
  }

  /** @returns what must be committed, alone and at once */
  write(decision: Decision, now: Stamp): JournalWrite | undefined {
    const told = decision.phase === "raised" ? this.#raise(decision, now) : this.#update(decision, now);
    if (told === undefined) return undefined;
    const { body, subject } = told;
    if (decision.hasLeft && decision.trackId !== undefined) this.#forget();
    const about = { device: this.#options.cameraId, ...(subject === undefined ? {} : { subject }) };
    return {
      append: [{ kind: "alarm", ...now, ...about, body }],
      openAlarms: [{ device: this.#options.cameraId, subject: subjectKey(subject), body }],
      closedAlarms: [body.alarmId],
    };
  }

  #raise(decision: Decision, now: Stamp): Told {
    const { cameraId, rule, judgedBy, evidence } = this.#options;
    const before = this.#takeBefore(decision, now);
    const alarmId = before?.body.alarmId ?? newAlarmId(now.atMs);
    const subject = before === undefined ? subjectOf(decision, now) : subjectIn(before.subject);
    const position = this.#options.position();
    const by = judgedBy();
    const told: Told = {
      ...(subject === undefined ? {} : { subject }),
      body: {
        alarmId,
        rev: (before?.body.rev ?? 0) + 1,
        phase: before === undefined ? "raised" : "updated",
        family: "vision",
        nature: "event",
        rule: rule.name,
        ruleKind: VIOLATION,
        raisedAtMs: before?.body.raisedAtMs ?? now.atMs,
        stateAtMs: now.atMs,
        limits: { dwellS: rule.dwellS, count: rule.count, minScore: rule.minScore },
        windows: [],
        peak: peakOf(decision, now),
        ...(position === undefined ? {} : { position }),
        evidence: before?.body.evidence ?? [],
        detail: detailOf(decision, by),
      },
    };
    this.#told.set(decision.offence, told);
    if (before !== undefined) return told;
    const ids = evidence.request({
      cameraId,
      alarmId,
      rule: rule.name,
      raisedUpMs: now.upMs,
      best: decision.bestNow,
      ...(subject === undefined ? {} : { subject }),
      ...(position === undefined ? {} : { position }),
      ...(by === undefined ? {} : { judgedBy: by }),
    });
    told.body = { ...told.body, evidence: [...ids] };
    return told;
  }

  #update(decision: Decision, now: Stamp): Told | undefined {
    const told = this.#told.get(decision.offence);
    if (told === undefined) return undefined;
    const peak = peakOf(decision, now);
    told.body = {
      ...told.body,
      rev: told.body.rev + 1,
      phase: "updated",
      stateAtMs: now.atMs,
      peak: told.body.peak !== undefined && told.body.peak.value > peak.value ? told.body.peak : peak,
      detail: detailOf(decision, this.#options.judgedBy()),
    };
    return told;
  }

  #takeBefore({ best }: Decision, now: Stamp) {
    const cause = best.objects.find(({ isCause }) => isCause);
    if (cause === undefined) return undefined;
    const index = this.#before.findIndex(
      ({ body, box }) =>
        Math.abs(now.atMs - body.stateAtMs) <= SAME_ALARM_MS && overlap(box, cause.box) >= SAME_PLACE_IOU,
    );
    return index < 0 ? undefined : this.#before.splice(index, 1)[0];
  }

  /** Objects that left long ago are not held for ever. */
  #forget(): void {
    for (const offence of this.#told.keys()) {
      if (this.#told.size <= 200) return;
      this.#told.delete(offence);
    }
  }
}

function subjectOf({ trackId }: Decision, { atMs }: Stamp): Subject | undefined {
  return trackId === undefined ? undefined : { type: "track", id: `${Math.round(atMs).toString(36)}-${trackId}` };
}

function subjectIn(key: string): Subject | undefined {
  return key.startsWith("track:") ? { type: "track", id: key.slice("track:".length) } : undefined;
}

function peakOf({ score }: Decision, { atMs }: Stamp): NonNullable<AlarmBody["peak"]> {
  return { value: Number(score.toFixed(3)), unit: "score", atMs };
}

/** Label, box and what judged, in no language. `left` is said of what is no longer there. */
function detailOf({ label, best, hasLeft }: Decision, by: JudgedBy | undefined): string {
  const box = best.objects.find(({ isCause }) => isCause)?.box;
  const parts = [label];
  if (box !== undefined) parts.push(`box=${box.map((side) => side.toFixed(4)).join(",")}`);
  if (by !== undefined) parts.push(`model=${by.model.name}@${by.model.sha256.slice(0, 12)}`, `rule=${by.ruleVersion}`);
  if (hasLeft) parts.push("left");
  return parts.join(" ");
}

/** The box of a detail that says nothing of leaving. */
function boxIn(detail: string | undefined): UnitBox | undefined {
  if (detail === undefined || / left$/.test(detail)) return undefined;
  const [, text] = / box=([\d.,]+)/.exec(detail) ?? [];
  const [left, top, width, height] = text?.split(",").map(Number) ?? [];
  if (left === undefined || top === undefined || width === undefined || height === undefined) return undefined;
  return [left, top, width, height];
}
