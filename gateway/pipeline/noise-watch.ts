import type { MeasurementReading, NoiseReading } from "../../drivers/driver.ts";
import type { AlarmBody } from "../../protocol/alarm.ts";
import type { Position } from "../../protocol/ids.ts";
import { type LevelFlag, NoiseQuantity } from "../../protocol/noise.ts";
import { subjectKey } from "../../protocol/subject-key.ts";
import type { JournalRestore, WorkingLevel } from "../contracts/journal.ts";
import { Exceedance, exceedanceWindowS } from "./acoustics/exceedance.ts";
import { type LevelFaultDetector, levelFaultDetectors } from "./acoustics/level-faults.ts";
import { LEVEL_WATCH, type LevelFaultWords, LevelWatch } from "./acoustics/level-watch.ts";
import { type WeatherNow, WeatherWatch } from "./acoustics/weather-watch.ts";
import { EvidenceKeeper, type EvidenceSpan } from "./evidence-keeper.ts";
import { LevelTrack, type TrackedLevel } from "./level-track.ts";
import { MinuteRoller, type RolledMinute } from "./minute-roller.ts";
import { NightClock } from "./night-clock.ts";
import { type NoiseRule, type Revision, type RuleSurroundings, ruleRemoved } from "./noise-rule.ts";
import type { OutputBuilder } from "./output.ts";
import type { PipelineSettings, RuleSettings } from "./settings.ts";
import { type Now, type SteadyTime, stampOf } from "./steady-time.ts";
import { type Stream, streamKey, streamOfAlarm, streamOfKey } from "./stream.ts";
import { Trigger } from "./trigger.ts";
import { evidenceNote, readNotes, rolledNote } from "./working-notes.ts";

/** Levels wait this long for company before they go to the journal; with its group commit at most 2 s are at risk. */
const FLUSH_AFTER_MS = 1000;
/** A minute is closed this long after its end where no later level closed it. */
const MINUTE_GRACE_MS = 3000;
/** Levels kept at least, and beyond what the longest look back needs, in seconds. */
const KEEP_S = 180;
const MARGIN_S = 60;
/** A window by whole minutes ends up to a minute before the newest level. */
const MINUTE_S = 60;

interface Watched {
  readonly track: LevelTrack;
  readonly roller: MinuteRoller;
  readonly keepS: number;
  readonly rules: readonly { readonly name: string; readonly rule: NoiseRule }[];
  readonly levelWatches: readonly LevelWatch[];
}

type Restored = Pick<JournalRestore, "openAlarms" | "recentAlarms" | "levels">;

/** All that listens to 1-s levels: tracks, minutes, rules and evidence, stream by stream. */
export class NoiseWatch {
  readonly #settings: PipelineSettings;
  readonly #time: SteadyTime;
  readonly #around: RuleSurroundings;
  readonly #watched = new Map<string, Watched>();
  readonly #open = new Map<string, AlarmBody>();
  readonly #evidence: EvidenceKeeper;
  readonly #detectors: readonly LevelFaultDetector[];
  readonly #weather: WeatherWatch;
  readonly #restored: Restored;
  readonly #rolledToMs: ReadonlyMap<string, number>;
  readonly #pausedMinutes: { readonly watched: Watched; readonly minute: RolledMinute }[] = [];
  #buffer: WorkingLevel[] = [];
  #bufferedSinceMs = 0;

  constructor(
    settings: PipelineSettings,
    restored: Restored,
    time: SteadyTime,
    now: Now,
    newAlarmId: (atMs: number) => string,
    position: () => Position | undefined,
  ) {
    this.#settings = settings;
    this.#time = time;
    this.#restored = restored;
    const newEvidenceId = (alarmId: string, rev: number): string => `${alarmId}-levels-${rev}`;
    const night = new NightClock(settings.timeZone);
    this.#around = { night, permits: settings.permits, position, newAlarmId, newEvidenceId };
    const { levelWatch } = settings;
    this.#detectors = levelWatch?.enabled === true ? levelFaultDetectors(levelWatch) : [];
    this.#weather = new WeatherWatch(settings);
    const notes = readNotes(restored.levels);
    this.#rolledToMs = notes.rolledToMs;
    this.#evidence = new EvidenceKeeper(settings.rules.map(evidenceSpan), notes.evidence);
    for (const { device, body } of restored.openAlarms) this.#open.set(`${device} ${body.alarmId}`, body);
    this.#restoreLevels(now);
  }

  start(now: Now, output: OutputBuilder): void {
    for (const { watched, minute } of this.#pausedMinutes.splice(0)) this.#writeMinute(watched, minute, now, output);
    for (const { device, subject, body } of this.#restored.openAlarms) {
      if (this.#isKept(device, body)) continue;
      const stream = streamOfAlarm(device, subject);
      this.#open.delete(`${device} ${body.alarmId}`);
      const last = ruleRemoved(body, now);
      const record = { kind: "alarm", ...stampOf(now), ...stream, body: last } as const;
      output.add({ append: [record], closedAlarms: [body.alarmId] }, "urgent");
    }
    this.tick(now, output);
  }

  /** Whether an alarm that was open at the start still has its rule, or is none of ours. */
  #isKept(device: string, body: AlarmBody): boolean {
    if (body.family === "noise") {
      return this.#settings.rules.some((rule) => rule.name === body.rule && rule.device === device);
    }
    if (body.ruleKind !== LEVEL_WATCH) return true;
    const isThere = this.#settings.devices?.some(({ id }) => id === device) ?? true;
    return isThere && this.#detectors.some(({ name }) => name === body.rule);
  }

  /** What is wrong with the levels of a stream now; the first of several. */
  levelFault(stream: Stream): LevelFaultWords | undefined {
    const watches = this.#watched.get(streamKey(stream))?.levelWatches ?? [];
    return watches.map(({ words }) => words).find((words) => words !== undefined);
  }

  /** All streams whose level is not to be believed now. */
  levelFaults(): readonly (Stream & LevelFaultWords)[] {
    return [...this.#watched.values()].flatMap(({ track: { stream } }) => {
      const words = this.levelFault(stream);
      return words === undefined ? [] : [{ ...stream, ...words }];
    });
  }

  openAlarms(): readonly AlarmBody[] {
    return [...this.#open.values()];
  }

  accept(stream: Stream, reading: NoiseReading, now: Now, ageMs: number, output: OutputBuilder): void {
    const watched = this.#watch(stream, now);
    const { track, roller } = watched;
    const slot = track.grid.slotOf(this.#time.steadyMs(now) - ageMs);
    if (slot === undefined) return;
    const level = this.#level(slot, reading, this.#weather.at(stream, now.upMs));
    const before = track.newest;
    if (before !== undefined && level.atMs < before.atMs) this.#forgetLater(track, output);
    track.add(level);
    output.live(stream.device, { atMs: level.atMs, levelDb: level.levelDb, flags: [...level.flags] });
    const minute = roller.add(level);
    if (minute !== undefined) this.#writeMinute(watched, minute, now, output);
    if (this.#buffer.length === 0) this.#bufferedSinceMs = now.upMs;
    this.#buffer.push(workingLevel(track.key, level));
    for (const { name, rule } of watched.rules) {
      const revision = rule.observe(level, now);
      if (revision !== undefined) this.#writeRevision(stream, name, revision, level, now, output);
    }
  }

  /** What stands beside levels: wind and rain. */
  acceptMeasurement(stream: Stream, reading: MeasurementReading, now: Now): void {
    this.#weather.take(stream, reading, now);
  }

  tick(now: Now, output: OutputBuilder): void {
    const utcMs = now.atMs - MINUTE_GRACE_MS;
    for (const watched of this.#watched.values()) {
      const minute = watched.roller.closeBefore(utcMs);
      if (minute !== undefined) this.#writeMinute(watched, minute, now, output);
    }
    const slot = Math.floor(this.#time.steadyMs(now) / 1000);
    for (const due of this.#evidence.due(slot)) {
      const track = this.#watch(due.stream, now).track;
      output.evidence(this.#evidence.write(due, track, stampOf(now), this.#around.position()));
    }
    if (now.upMs - this.#bufferedSinceMs >= FLUSH_AFTER_MS) this.flush(output);
  }

  flush(output: OutputBuilder): void {
    if (this.#buffer.length === 0) return;
    output.add({ levels: this.#buffer }, "grouped");
    this.#buffer = [];
  }

  #level(slot: number, reading: NoiseReading, weather: WeatherNow | undefined): TrackedLevel {
    const { quantity } = reading;
    const isThere = reading.levelDb !== null && Math.abs(reading.levelDb) <= 1000;
    const levelDb = isThere ? Math.round((reading.levelDb ?? 0) * 10) / 10 : null;
    // A device that answers that it has nothing is told from one that did not answer.
    const own: readonly LevelFlag[] = isThere || reading.flags.length > 0 ? reading.flags : ["no-data"];
    const isExcluded = weather?.isTooBad === true && !own.includes("weather");
    const flags: readonly LevelFlag[] = isExcluded ? [...own, "weather"] : own;
    const level = { slot, atMs: this.#time.utcOfSlot(slot), levelDb, quantity, flags };
    return weather === undefined ? level : { ...level, weather: weather.sample };
  }

  #writeMinute({ track, keepS }: Watched, minute: RolledMinute, now: Now, output: OutputBuilder): void {
    const newestMs = track.newest?.atMs ?? minute.endMs;
    this.flush(output);
    output.add(
      {
        append: [{ kind: "noise", ...stampOf(now), ...track.stream, body: minute.body }],
        levels: [rolledNote(track.stream, minute.endMs)],
        dropLevelsBefore: [{ device: track.key, atMs: Math.min(newestMs - keepS * 1000, minute.endMs) }],
      },
      "grouped",
    );
  }

  #writeRevision(
    stream: Stream,
    rule: string,
    { body, evidenceId }: Revision,
    level: TrackedLevel,
    now: Now,
    output: OutputBuilder,
  ): void {
    const key = `${stream.device} ${body.alarmId}`;
    const isOpen = body.phase !== "cleared";
    if (isOpen) this.#open.set(key, body);
    else this.#open.delete(key);
    const notes: WorkingLevel[] = [];
    if (evidenceId !== undefined) {
      const { alarmId, ruleSet } = body;
      const about = { evidenceId, alarmId, rule, stream, raisedAtMs: level.atMs };
      const pending = ruleSet === undefined ? about : { ...about, ruleSet };
      this.#evidence.await(pending, level.slot);
      notes.push(evidenceNote(pending));
    }
    // The levels that led to it commit with it: after a kill the same windows are there.
    const levels = [...this.#buffer, ...notes];
    this.#buffer = [];
    output.add(
      {
        append: [{ kind: "alarm", ...stampOf(now), ...stream, body }],
        levels,
        ...(isOpen
          ? { openAlarms: [{ device: stream.device, subject: subjectKey(stream.subject), body }] }
          : { closedAlarms: [body.alarmId] }),
      },
      "urgent",
    );
  }

  /** UTC went backwards: rows of a time that is yet to come would be taken for new ones after a restart. */
  #forgetLater(track: LevelTrack, output: OutputBuilder): void {
    this.flush(output);
    output.add({ dropLevelsBefore: [{ device: track.key, atMs: Number.MAX_SAFE_INTEGER }] }, "grouped");
  }

  #watch(stream: Stream, now: Now): Watched {
    const key = streamKey(stream);
    const known = this.#watched.get(key);
    if (known !== undefined) return known;
    const settings = this.#settings.rules.filter(({ device }) => device === stream.device);
    const watchS = this.#detectors.map((detector) => detector.lookBackS);
    const keepS = Math.max(KEEP_S, ...settings.map(lookBackS), ...watchS) + MARGIN_S;
    const track = new LevelTrack(stream, key, keepS);
    const levelWatches = this.#detectors.map((detector) => new LevelWatch(detector, track, this.#around));
    const rules = [
      ...this.#detectors.map(({ name }, index) => ({ name, rule: levelWatches[index] })),
      ...settings.map((rule) => ({ name: rule.name, rule: this.#ruleOf(rule, track, levelWatches) })),
    ].flatMap(({ name, rule }) => (rule === undefined ? [] : [{ name, rule }]));
    const roller = new MinuteRoller(this.#rolledToMs.get(key));
    const watched: Watched = { track, roller, keepS, rules, levelWatches };
    this.#watched.set(key, watched);
    this.#restoreRows(watched);
    const slot = Math.floor(this.#time.steadyMs(now) / 1000);
    const isMine = (rule: string) => (alarm: { device: string; subject: string; body: AlarmBody }) =>
      alarm.device === stream.device && alarm.subject === subjectKey(stream.subject) && alarm.body.rule === rule;
    for (const { name, rule } of rules) {
      const open = this.#restored.openAlarms.findLast(isMine(name));
      const recent = this.#restored.recentAlarms.findLast(isMine(name));
      rule.restore(open?.body, recent?.body, slot, now);
    }
    return watched;
  }

  #ruleOf(rule: RuleSettings, track: LevelTrack, levelWatches: readonly LevelWatch[]): NoiseRule {
    if (rule.kind === "trigger") return new Trigger(rule, track, this.#around);
    const { site, devices } = this.#settings;
    const meter = devices?.find(({ id }) => id === rule.device)?.meter;
    return new Exceedance(rule, track, this.#around, {
      ...(site === undefined ? {} : { site }),
      ...(meter === undefined ? {} : { meter }),
      hasLevelFault: (slot) => levelWatches.some((watch) => watch.stoodSince(slot)),
    });
  }

  #restoreLevels(now: Now): void {
    for (const { device } of this.#restored.levels) {
      const stream = streamOfKey(device);
      if (stream !== undefined) this.#watch(stream, now);
    }
    for (const { body, device, subject } of this.#restored.openAlarms) {
      if (body.family === "noise" || body.ruleKind === LEVEL_WATCH) this.#watch(streamOfAlarm(device, subject), now);
    }
  }

  #restoreRows(watched: Watched): void {
    const { track, roller } = watched;
    const rolledToMs = this.#rolledToMs.get(track.key) ?? 0;
    for (const row of this.#restored.levels) {
      const quantity = NoiseQuantity.anyOf.find((literal) => literal.const === row.quantity)?.const;
      if (row.device !== track.key || quantity === undefined) continue;
      const slot = Math.floor(row.atMs / 1000);
      const level = { slot, atMs: row.atMs, levelDb: row.levelDb, quantity, flags: row.flags as readonly LevelFlag[] };
      track.add(level);
      track.grid.continueAfter(slot);
      const minute = row.atMs < rolledToMs ? undefined : roller.add(level);
      if (minute !== undefined) this.#pausedMinutes.push({ watched, minute });
    }
  }
}

function workingLevel(device: string, { atMs, levelDb, quantity, flags }: TrackedLevel): WorkingLevel {
  return { device, atMs, levelDb, quantity, flags };
}

/** How far back a rule or its evidence reads, in seconds. */
function lookBackS(rule: RuleSettings): number {
  const { beforeS, afterS } = evidenceSpan(rule);
  const evidenceS = beforeS + afterS + 10;
  if (rule.kind === "exceedance") return exceedanceWindowS(rule) + MINUTE_S + evidenceS - beforeS;
  return Math.max(rule.raiseWindowS, rule.clearWindowS, evidenceS);
}

/** Evidence of an exceedance is its whole window, which is over when it raises. */
function evidenceSpan(rule: RuleSettings): EvidenceSpan {
  const { name } = rule;
  if (rule.kind === "exceedance") return { name, beforeS: exceedanceWindowS(rule), afterS: 0 };
  return { name, beforeS: rule.evidenceBeforeS, afterS: rule.evidenceAfterS };
}
