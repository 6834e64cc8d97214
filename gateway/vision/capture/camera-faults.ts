import type { AlarmBody } from "../../../protocol/alarm.ts";
import type { Position } from "../../../protocol/ids.ts";
import { SAME_ALARM_MS } from "../../../protocol/limits.ts";
import { newAlarmId } from "../../../protocol/new-ids.ts";
import type { NewRecord } from "../../../protocol/record.ts";
import type { JournalRestore, JournalWrite } from "../../contracts/journal.ts";
import type { PictureFault } from "./picture-watch.ts";

/** Kind of these rules, which are the node's own. */
export const CAMERA_WATCH = "camera-watch";

/** `camera-unjudged`: rules look through it, and their model does not run, or never sees what one of them looks for. */
export type CameraFault = PictureFault | "camera-unjudged";

const FAULTS: readonly CameraFault[] = ["camera-frozen", "camera-covered", "camera-unjudged"];

type Stamp = Pick<NewRecord, "atMs" | "upMs" | "timeQuality">;

/**
 * The fault alarms of cameras that deliver pictures and see nothing. Each stands until a picture, or the model, says
 * otherwise, also over a restart, and keeps its id where it comes back within ten minutes.
 */
export class CameraFaults {
  readonly #limits: Readonly<Record<string, Readonly<Record<CameraFault, number>>>>;
  readonly #open = new Map<string, AlarmBody>();
  readonly #recent = new Map<string, AlarmBody>();
  readonly #gone: { readonly device: string; readonly body: AlarmBody }[] = [];

  /** @param limits seconds, by camera */
  constructor(
    limits: Readonly<Record<string, Readonly<Record<CameraFault, number>>>>,
    restored: Pick<JournalRestore, "openAlarms" | "recentAlarms">,
  ) {
    this.#limits = limits;
    for (const { device, body } of restored.openAlarms) {
      if (body.ruleKind !== CAMERA_WATCH) continue;
      if (limits[device] === undefined) this.#gone.push({ device, body });
      else this.#open.set(key(device, body.rule), body);
    }
    for (const { device, body } of restored.recentAlarms) {
      if (body.ruleKind === CAMERA_WATCH) this.#recent.set(key(device, body.rule), body);
    }
  }

  /** Alarms of cameras that the config no longer has. */
  *start(now: Stamp): Generator<JournalWrite> {
    for (const { device, body } of this.#gone.splice(0)) yield cleared(device, body, now, "rule-removed");
  }

  /** @param stands what is known of each now; ask only after a picture came. What is not known leaves its alarm as it is. */
  *step(
    camera: string,
    stands: (fault: CameraFault) => boolean | undefined,
    now: Stamp,
    position: Position | undefined,
  ): Generator<JournalWrite> {
    for (const rule of FAULTS) {
      const at = key(camera, rule);
      const open = this.#open.get(at);
      const isStanding = stands(rule);
      if (isStanding === undefined || isStanding === (open !== undefined)) continue;
      if (open === undefined) {
        yield this.#raise(camera, rule, now, position);
        continue;
      }
      const write = cleared(camera, open, now, "quiet");
      this.#open.delete(at);
      this.#recent.set(at, bodyOf(write));
      yield write;
    }
  }

  #raise(device: string, rule: CameraFault, now: Stamp, position: Position | undefined): JournalWrite {
    const recent = this.#recent.get(key(device, rule));
    const isSame = recent !== undefined && now.atMs - recent.stateAtMs <= SAME_ALARM_MS;
    const body: AlarmBody = {
      alarmId: isSame ? recent.alarmId : newAlarmId(now.atMs),
      rev: isSame ? recent.rev + 1 : 1,
      phase: "raised",
      family: "fault",
      nature: "condition",
      rule,
      ruleKind: CAMERA_WATCH,
      raisedAtMs: now.atMs,
      stateAtMs: now.atMs,
      limits: { afterS: this.#limits[device]?.[rule] ?? 0 },
      windows: [],
      ...(position === undefined ? {} : { position }),
      evidence: [],
    };
    this.#open.set(key(device, rule), body);
    return { append: [{ kind: "alarm", ...now, device, body }], openAlarms: [{ device, subject: "", body }] };
  }
}

function cleared(device: string, before: AlarmBody, now: Stamp, clearReason: "quiet" | "rule-removed"): JournalWrite {
  const end = { phase: "cleared", stateAtMs: now.atMs, clearedAtMs: now.atMs, clearReason } as const;
  const body: AlarmBody = { ...before, rev: before.rev + 1, ...end };
  return { append: [{ kind: "alarm", ...now, device, body }], closedAlarms: [body.alarmId] };
}

function bodyOf({ append }: JournalWrite): AlarmBody {
  const [record] = append ?? [];
  if (record?.kind !== "alarm") throw new TypeError("no alarm");
  return record.body;
}

function key(device: string, rule: string): string {
  return `${device} ${rule}`;
}
