import type { AlarmBody } from "../../../protocol/alarm.ts";
import type { JournalWrite, OpenAlarm } from "../../contracts/journal.ts";
import type { DeviceReading } from "../../contracts/readings.ts";

const LEVELS_KEPT = 120;
const MOST_SERIES = 64;
const ENDED_KEPT = 20;

export interface RecentLevels {
  readonly device: string;
  readonly subject?: string;
  readonly levels: readonly { readonly atMs: number; readonly levelDb: number | null }[];
}

/** What has just happened, in memory, for whoever looks at the page: levels of the last two minutes, alarms. */
export class Recent {
  readonly #levels = new Map<
    string,
    { device: string; subject?: string; levels: { atMs: number; levelDb: number | null }[] }
  >();
  readonly #open: Map<string, OpenAlarm>;
  readonly #ended: OpenAlarm[] = [];

  constructor(openAlarms: readonly OpenAlarm[]) {
    this.#open = new Map(openAlarms.map((alarm) => [alarm.body.alarmId, alarm]));
  }

  heard({ device, subject, reading }: DeviceReading): void {
    if (reading.kind !== "noise") return;
    const key = `${device} ${subject?.id ?? ""}`;
    let series = this.#levels.get(key);
    if (series === undefined) {
      if (this.#levels.size >= MOST_SERIES) return;
      series = { device, ...(subject === undefined ? {} : { subject: subject.id }), levels: [] };
      this.#levels.set(key, series);
    }
    series.levels.push({ atMs: reading.atMs, levelDb: reading.levelDb });
    if (series.levels.length > LEVELS_KEPT) series.levels.shift();
  }

  /** Every write that a stage asks for. */
  wrote({ append = [], openAlarms = [], closedAlarms = [] }: JournalWrite): void {
    for (const alarm of openAlarms) this.#open.set(alarm.body.alarmId, alarm);
    for (const alarmId of closedAlarms) this.#open.delete(alarmId);
    for (const record of append) {
      if (record.kind !== "alarm" || this.#open.has(record.body.alarmId)) continue;
      const at = this.#ended.findIndex(({ body }) => body.alarmId === record.body.alarmId);
      if (at >= 0) this.#ended.splice(at, 1);
      this.#ended.unshift({ device: record.device ?? "", subject: record.subject?.id ?? "", body: record.body });
      if (this.#ended.length > ENDED_KEPT) this.#ended.pop();
    }
  }

  get levels(): readonly RecentLevels[] {
    return [...this.#levels.values()];
  }

  /** Open ones first, newest first. */
  get alarms(): readonly (Pick<AlarmBody, "alarmId" | "rule" | "family" | "phase" | "raisedAtMs" | "stateAtMs"> &
    object)[] {
    const open = [...this.#open.values()].sort((a, b) => b.body.raisedAtMs - a.body.raisedAtMs);
    return [...open.map((alarm) => alarmFacts(alarm, true)), ...this.#ended.map((alarm) => alarmFacts(alarm, false))];
  }
}

function alarmFacts({ device, subject, body }: OpenAlarm, isOpen: boolean) {
  const { alarmId, rule, ruleKind, family, phase, raisedAtMs, stateAtMs, peak, limits, permit } = body;
  return {
    device,
    subject,
    isOpen,
    alarmId,
    rule,
    ruleKind,
    family,
    phase,
    raisedAtMs,
    stateAtMs,
    peak,
    limits,
    permit,
  };
}
