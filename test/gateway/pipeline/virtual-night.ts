import type { PipelineOutput } from "../../../gateway/pipeline/output.ts";
import { Pipeline } from "../../../gateway/pipeline/pipeline.ts";
import type { PipelineSettings, TriggerSettings } from "../../../gateway/pipeline/settings.ts";
import type { TimeQuality } from "../../../protocol/ids.ts";
import type { LevelFlag, NoiseQuantity } from "../../../protocol/noise.ts";
import { MemoryJournal } from "../../fakes/memory-journal.ts";

export const NIGHT_NOISE: TriggerSettings = {
  name: "night-noise",
  kind: "trigger",
  device: "noise-01",
  limitDb: 70,
  clearDb: 67,
  raiseWindowS: 10,
  raiseMinValidS: 8,
  clearWindowS: 60,
  clearMinValidS: 54,
  roundToDb: 0.1,
  armedFrom: "22:00",
  armedTo: "06:00",
  byDay: false,
  updateEveryS: 30,
  sameAlarmS: 600,
  evidenceBeforeS: 60,
  evidenceAfterS: 60,
};

export const SETTINGS: PipelineSettings = {
  timeZone: "Asia/Shanghai",
  site: { latitudeDeg: 39.912, longitudeDeg: 116.456 },
  rules: [NIGHT_NOISE],
  permits: [],
  position: {
    minMoveM: 20,
    minTurnDeg: 30,
    movingEveryMs: 10_000,
    standingEveryMs: 30_000,
    standstillMps: 1,
    holdRadiusM: 15,
    holdS: 60,
  },
};

/** 2026-11-21 23:00:00 in Beijing. */
export const ELEVEN_AT_NIGHT = Date.UTC(2026, 10, 21, 15);

export interface Second {
  readonly levelDb?: number | null;
  readonly flags?: readonly LevelFlag[];
}

/** A node in virtual time: a meter read once a second, a journal in memory, kills and restarts at will. */
export class VirtualNight {
  readonly journal = new MemoryJournal();
  readonly live: PipelineOutput["live"][number][] = [];
  readonly settings: PipelineSettings;
  utcMs: number;
  timeQuality: TimeQuality = "ntp";
  quantity: NoiseQuantity = "LAeq1s";
  #upMs = 0;
  #pipeline: Pipeline;
  #ids = 0;

  constructor(settings: PipelineSettings = SETTINGS, startMs = ELEVEN_AT_NIGHT) {
    this.settings = settings;
    this.utcMs = startMs;
    this.#pipeline = this.#begin();
  }

  /** One second passes; at 300 ms of it the meter answers, if it does. */
  second(second: Second | undefined, device = "noise-01"): void {
    this.pass(300);
    if (second !== undefined) {
      const { levelDb = null, flags = [] } = second;
      const reading = { kind: "noise", levelDb, flags, quantity: this.quantity, atMs: this.utcMs } as const;
      this.#take(this.#pipeline.accept({ device, reading }, this.now()));
    }
    this.pass(200);
    this.tick();
    this.pass(500);
    this.tick();
  }

  seconds(count: number, levelDb: number | undefined): void {
    for (let index = 0; index < count; index++) this.second(levelDb === undefined ? undefined : { levelDb });
  }

  pass(ms: number): void {
    this.utcMs += ms;
    this.#upMs += ms;
  }

  tick(): void {
    this.#take(this.#pipeline.tick(this.now()));
  }

  /** Hands over what waits, so that a kill loses nothing. */
  flush(): void {
    this.#take(this.#pipeline.stop());
  }

  /** kill -9 and a start after a while; UTC may be lost. */
  restart(pauseMs = 0, settings = this.settings): void {
    this.utcMs += pauseMs;
    this.#upMs = 0;
    this.#pipeline = this.#begin(settings);
  }

  now() {
    return { atMs: this.utcMs, upMs: this.#upMs, timeQuality: this.timeQuality };
  }

  get pipeline(): Pipeline {
    return this.#pipeline;
  }

  take(output: PipelineOutput): void {
    this.#take(output);
  }

  alarms() {
    return this.journal.of("alarm").map(({ body }) => body);
  }

  phases(): string[] {
    return this.alarms().map(({ phase, rev }) => `${phase} ${rev}`);
  }

  #begin(settings = this.settings): Pipeline {
    const newId = (): string => `00000000-0000-7000-8000-${String(++this.#ids).padStart(12, "0")}`;
    const pipeline = new Pipeline(settings, this.journal.restore(), this.now(), newId);
    this.#take(pipeline.start(this.now()));
    return pipeline;
  }

  #take(output: PipelineOutput): void {
    for (const { write } of output.writes) this.journal.apply(write);
    this.live.push(...output.live);
  }
}
