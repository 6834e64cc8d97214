import type { NoiseReading, PositionReading, Reading } from "../../drivers/driver.ts";
import type { AlarmBody } from "../../protocol/alarm.ts";
import type { DeviceBody } from "../../protocol/bodies.ts";
import type { Position } from "../../protocol/ids.ts";
import { newAlarmId } from "../../protocol/new-ids.ts";
import type { NewRecord } from "../../protocol/record.ts";
import type { JournalRestore } from "../contracts/journal.ts";
import type { DeviceHealth, DeviceReading } from "../contracts/readings.ts";
import { EmergencyWatch } from "./emergency-watch.ts";
import { noisePeriodBody } from "./noise-period.ts";
import { NoiseWatch } from "./noise-watch.ts";
import { OutputBuilder, type PipelineOutput } from "./output.ts";
import { OwnPlace } from "./own-place.ts";
import { PositionThinning } from "./position-thinning.ts";
import type { PipelineSettings } from "./settings.ts";
import { type Now, SteadyTime, stampOf } from "./steady-time.ts";
import { type Stream, streamKey } from "./stream.ts";

export type PipelineRestore = Pick<JournalRestore, "openAlarms" | "recentAlarms" | "levels">;

/** A reading this old is history: it is recorded and moves no rule. */
const LIVE_WITHIN_MS = 5_000;
/** Tracks that are thinned; of more, the one that was heard longest ago begins anew. */
const MAX_TRACKS = 40_000;
const TIME_RECORD_EVERY_MS = 10 * 60_000;

/**
 * From readings to records: 1-s levels to minutes, rules to alarms, fixes to thinned positions. Pure: every call says what
 * time it is, and all effects are in what it returns. The caller commits each write in order and tells nobody of an alarm
 * before its write has committed. Call `start` once, then `tick` at least twice a second.
 */
export class Pipeline {
  readonly #time: SteadyTime;
  readonly #noise: NoiseWatch;
  readonly #emergencies: EmergencyWatch;
  readonly #settings: PipelineSettings;
  /** The supervisor's last word on each device or subject. */
  readonly #health = new Map<string, DeviceBody>();
  readonly #thinning = new Map<string, PositionThinning>();
  readonly #place: OwnPlace;
  #upMs = 0;
  #slowBy = 1;
  #lastTimeRecordUpMs = Number.NEGATIVE_INFINITY;

  constructor(settings: PipelineSettings, restored: PipelineRestore, now: Now, makeAlarmId = newAlarmId) {
    this.#settings = settings;
    const newest = restored.levels.reduce((latest, { atMs }) => Math.max(latest, atMs), -1);
    this.#time = new SteadyTime(now, newest < 0 ? undefined : newest);
    this.#place = new OwnPlace(settings.position);
    const position = (): Position | undefined => this.position;
    this.#noise = new NoiseWatch(settings, restored, this.#time, now, makeAlarmId, position);
    this.#emergencies = new EmergencyWatch(restored.recentAlarms, this.#time, now, makeAlarmId, position);
  }

  /** What the earlier run left to be finished: minutes to close, evidence to write, alarms of rules that are gone. */
  start(now: Now): PipelineOutput {
    const output = new OutputBuilder();
    this.#noise.start(now, output);
    return output.done();
  }

  accept({ device, subject, reading }: DeviceReading, now: Now): PipelineOutput {
    this.#follow(now);
    const output = new OutputBuilder();
    const stream: Stream = subject === undefined ? { device } : { device, subject };
    const ageMs = Math.max(0, now.atMs - reading.atMs);
    const stamp = { atMs: reading.atMs, upMs: Math.max(0, now.upMs - ageMs), timeQuality: now.timeQuality };
    if (reading.kind === "noise" && ageMs <= LIVE_WITHIN_MS) {
      const before = this.#noise.levelFault(stream)?.code;
      this.#noise.accept(stream, reading, now, ageMs, output);
      if (this.#noise.levelFault(stream)?.code !== before) this.#sayHealth(stream, now, output);
    } else if (reading.kind === "position") {
      this.#acceptPosition(stream, reading, now, ageMs, stamp, output);
    } else if (reading.kind === "message" && reading.type === "emergency") {
      this.#emergencies.accept(stream, reading, now, stamp, output);
    } else {
      if (reading.kind === "measurement") this.#noise.acceptMeasurement(stream, reading, now);
      const record = this.#recordOf(reading, now, ageMs);
      if (record !== undefined) output.add({ append: [{ ...stamp, ...stream, ...record }] }, "grouped");
    }
    this.#noise.tick(now, output);
    return output.done();
  }

  health({ device, subject, body }: DeviceHealth, now: Now): PipelineOutput {
    const output = new OutputBuilder();
    const stream: Stream = subject === undefined ? { device } : { device, subject };
    this.#health.set(streamKey(stream), body);
    this.#sayHealth(stream, now, output);
    return output.done();
  }

  /** A device that is online and not to be believed says so; any other trouble goes before that. */
  #sayHealth(stream: Stream, now: Now, output: OutputBuilder): void {
    const told = this.#health.get(streamKey(stream));
    if (told === undefined) return;
    const isWell = told.state === "online" && told.code === undefined;
    const body = isWell ? { ...told, ...this.#noise.levelFault(stream) } : told;
    output.add({ append: [{ kind: "device", ...stampOf(now), ...stream, body }] }, "grouped");
  }

  tick(now: Now): PipelineOutput {
    this.#follow(now);
    const output = new OutputBuilder();
    this.#noise.tick(now, output);
    return output.done();
  }

  /** Before a clean stop: what has not been handed over yet. */
  stop(): PipelineOutput {
    const output = new OutputBuilder();
    this.#noise.flush(output);
    return output.done();
  }

  /** Meters that answer and are not to be believed, with what to do about it. */
  levelFaults(): ReturnType<NoiseWatch["levelFaults"]> {
    return this.#noise.levelFaults();
  }

  /** A parked vehicle stays where it is, and says so `slowBy` times more rarely; 1 while it drives. */
  park(isParked: boolean, slowBy: number): void {
    this.#slowBy = slowBy;
    this.#place.park(isParked, this.#upMs);
  }

  /** The alarms that are raised now. */
  openAlarms(): readonly AlarmBody[] {
    return this.#noise.openAlarms();
  }

  #acceptPosition(
    stream: Stream,
    reading: PositionReading,
    now: Now,
    ageMs: number,
    stamp: Pick<NewRecord, "atMs" | "upMs" | "timeQuality">,
    output: OutputBuilder,
  ): void {
    const { latitudeDeg, longitudeDeg, accuracyM } = reading;
    const position = { latitudeDeg, longitudeDeg, ...(accuracyM === undefined ? {} : { accuracyM }) };
    if (stream.subject === undefined) this.#place.heard(reading, stamp.upMs);
    this.#emergencies.seen(stream, position, ageMs, now, output);
    // What a vehicle kept while it had no network comes between its live positions: a track of its own, by its own time.
    const isKept = ageMs > LIVE_WITHIN_MS;
    const key = `${streamKey(stream)}${isKept ? "#kept" : ""}`;
    const thinning = this.#thinning.get(key) ?? new PositionThinning(this.#settings.position);
    this.#thinning.delete(key);
    this.#thinning.set(key, thinning);
    thinning.slowBy = this.#slowBy;
    const [longestUnheard] = this.#thinning.size > MAX_TRACKS ? this.#thinning.keys() : [];
    if (longestUnheard !== undefined) this.#thinning.delete(longestUnheard);
    const body = thinning.take(reading, isKept ? reading.atMs : this.#time.steadyMs(now));
    if (body !== undefined) output.add({ append: [{ kind: "position", ...stamp, ...stream, body }] }, "grouped");
  }

  /** Readings that pass through as they are. */
  #recordOf(reading: Exclude<Reading, PositionReading>, now: Now, ageMs: number): PassedRecord | undefined {
    if (reading.kind === "noise") return { kind: "measurement", body: lateLevel(reading) };
    if (reading.kind === "noise-period") return { kind: "noise", body: noisePeriodBody(reading) };
    if (reading.kind === "switch") {
      return {
        kind: "measurement",
        body: { quantity: `switch:${reading.name}`, unit: "", value: reading.isOn ? 1 : 0 },
      };
    }
    if (reading.kind === "time") {
      if (now.upMs - this.#lastTimeRecordUpMs < TIME_RECORD_EVERY_MS) return undefined;
      this.#lastTimeRecordUpMs = now.upMs;
      const upMs = Math.max(0, Math.round(now.upMs - Math.min(ageMs, LIVE_WITHIN_MS)));
      return { kind: "time", body: { upMs, utcMs: reading.utcMs, quality: reading.source } };
    }
    const { kind, atMs: _, ...body } = reading;
    return { kind, body } as PassedRecord;
  }

  #follow(now: Now): void {
    this.#time.follow(now);
    this.#upMs = now.upMs;
  }

  /** A site stands where its config says; a vehicle where its receiver says, as of the newest tick. */
  get position(): Position | undefined {
    const { latitudeDeg, longitudeDeg } = this.#settings.site ?? {};
    if (latitudeDeg !== undefined && longitudeDeg !== undefined) return { latitudeDeg, longitudeDeg };
    return this.#place.at(this.#upMs);
  }
}

type PassedRecord = {
  [K in "measurement" | "message" | "time" | "noise"]: Pick<Extract<NewRecord, { kind: K }>, "kind" | "body">;
}["measurement" | "message" | "time" | "noise"];

function lateLevel({
  levelDb,
  quantity,
  flags,
  atMs,
}: NoiseReading): Extract<PassedRecord, { kind: "measurement" }>["body"] {
  const [flag] = flags;
  return {
    quantity,
    unit: "dB(A)",
    value: levelDb,
    fromMs: atMs,
    toMs: atMs + 1000,
    ...(flag === undefined ? {} : { flag }),
  };
}
