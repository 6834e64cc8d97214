import { setTimeout as wait } from "node:timers/promises";
import type { Clock } from "../../../drivers/driver.ts";
import { DRIVERS } from "../../../drivers/registry.ts";
import { type CommandOutcome, Commands } from "../../../gateway/commands/commands.ts";
import { ConfigTwin } from "../../../gateway/config/config-twin.ts";
import { ConfigTrial } from "../../../gateway/config-trial.ts";
import type { Logger } from "../../../gateway/contracts/logger.ts";
import type { DeviceHealth } from "../../../gateway/contracts/readings.ts";
import { commandKeys, type NodeIdentity } from "../../../gateway/identity/identity-files.ts";
import { levelStatistics, roundedStatistics } from "../../../gateway/pipeline/level-statistics.ts";
import {
  forgetCommandedRestart,
  noteCommandedRestart,
  startBody,
  wasRestartCommanded,
} from "../../../gateway/start-record.ts";
import { Uplink, type UplinkFacts } from "../../../gateway/uplink/uplink.ts";
import type { DeviceBody, HealthBody } from "../../../protocol/bodies.ts";
import { encodeLevels } from "../../../protocol/level-series.ts";
import type { NewRecord } from "../../../protocol/record.ts";
import type { Command } from "../../../protocol/session.ts";
import type { ReportedConfig } from "../../../protocol/twin.ts";
import { fleetSite, TwinInMemory } from "./fleet-twin.ts";
import { JournalInMemory } from "./journal-in-memory.ts";

const METER = "noise-01";
const GPS = "gps";
const LIVE_EVERY_MS = 1000;
/** As a gateway pauses before it starts again. */
const RESTART_MS = 1000;
const TIMEOUT = {
  code: "MODBUS_TIMEOUT",
  message: "unit 1 gave no answer within 300 ms",
  hint: "Look at its power and at the wires A and B; see that unit and baud rate are those of the meter.",
};
const FAILING: Omit<DeviceBody, "sinceMs"> = { state: "offline", ...TIMEOUT, retryInMs: 60_000 };
const SILENT: Omit<DeviceBody, "sinceMs"> = { state: "silent", ...TIMEOUT };

export interface FleetNodeOptions {
  readonly identity: NodeIdentity;
  /** Merely for its name, place and what it says of itself. */
  readonly number: number;
  readonly version: string;
  /** Its meter gives no answer. */
  readonly isFailing: boolean;
  /** Its meter gives no answer while a config is tried. */
  readonly failsConfig: boolean;
  /** Between two minutes of levels, and between two words on its health. */
  readonly everyMs: number;
  readonly random: () => number;
  readonly log: Logger;
}

/**
 * A node whose devices are invented and all else is a gateway's own: enrolment, mTLS, hello, envelopes, receipts, pauses
 * between attempts, commands with their signature, and the config twin with its self-test. Only journal and twin have no disk.
 */
export class FleetNode {
  readonly id: string;
  readonly journal = new JournalInMemory();
  readonly #options: FleetNodeOptions;
  #startedAtMs = Date.now();
  #twin: ConfigTwin | undefined;
  #trial: ConfigTrial | undefined;
  #end = new AbortController();
  #isStopped = false;
  #configOrders = 0;
  #uplink: Uplink | undefined;
  #pulse: NodeJS.Timeout | undefined;
  #live: NodeJS.Timeout | undefined;
  #liveUntilMs = 0;
  #levelDb: number;

  constructor(options: FleetNodeOptions) {
    this.id = options.identity.node;
    this.#options = options;
    this.#levelDb = 48 + options.random() * 14;
  }

  get facts(): UplinkFacts | undefined {
    return this.#uplink?.facts;
  }

  /** Connected, and the bridge has answered all of its hello. */
  get isPresent(): boolean {
    return this.#uplink?.facts.isAnswered === true;
  }

  /** What the node says of its config. */
  get reported(): ReportedConfig | undefined {
    return this.#twin?.reported;
  }

  /** Configs that it was ordered to take, whatever became of them. */
  get configOrders(): number {
    return this.#configOrders;
  }

  get failsConfig(): boolean {
    return this.#options.failsConfig;
  }

  async start(): Promise<void> {
    const { identity, number, log } = this.#options;
    const site = await fleetSite(identity, number);
    this.#twin = await ConfigTwin.open({ folder: this.id, memory: new TwinInMemory(), site, drivers: DRIVERS, log });
    await this.#begin(this.#twin);
    this.resume();
  }

  /** One run of the gateway, with the config that is in force now. */
  async #begin(twin: ConfigTwin): Promise<void> {
    const { identity, version, log } = this.#options;
    const { journal } = this;
    this.#startedAtMs = Date.now();
    this.#end = new AbortController();
    const nowMs = Date.now();
    const wasCommanded = await wasRestartCommanded(journal);
    await forgetCommandedRestart(journal);
    await this.#write(
      {
        kind: "start",
        body: startBody(twin.config, journal.restored, version, wasCommanded, undefined, twin.reported),
      },
      { kind: "time", body: { upMs: this.#stamp().upMs, utcMs: nowMs, quality: "ntp" } },
      ...this.#devices().map(({ device, body }) => ({ kind: "device", device, body }) as const),
    );
    await this.#say();
    this.#trial = ConfigTrial.of(twin, {
      ...{ journal, log },
      clock: this.#clock(),
      signal: this.#end.signal,
      devices: () => this.#devices(),
      uplink: () => this.facts,
      onRestart: () => void this.#restart(twin),
    });
    const commands = await Commands.open({
      node: this.id,
      keys: commandKeys(identity),
      journal,
      stamp: () => this.#stamp(),
      log,
      act: async (command) => this.#act(command),
      isBegun: (id) => twin.isTrying(id),
      onRestart: () => void noteCommandedRestart(journal, log).then(() => this.#restart(twin)),
    });
    void twin.answerBy((command, outcome) => commands.settle(command, outcome));
    this.#uplink = await Uplink.start({
      node: this.id,
      version,
      url: identity.mqttUrl,
      topicPrefix: "shao",
      bridge: identity.bridge,
      tls: { ca: identity.caPem, cert: identity.certificatePem, key: identity.keyPem },
      journal,
      stamp: () => this.#stamp(),
      upMs: () => this.#stamp().upMs,
      log,
      onCommand: (bytes) => void commands.take(bytes),
    });
    this.#trial?.begin();
  }

  /** Ends this run and begins the next, as a gateway that was asked to, or has another config. */
  async #restart(twin: ConfigTwin): Promise<void> {
    if (this.#end.signal.aborted) return;
    this.#end.abort();
    await this.#uplink?.close();
    twin.stopped();
    await wait(RESTART_MS);
    if (this.#isStopped) return;
    this.journal.beginRun();
    await this.#begin(twin);
  }

  get isFailing(): boolean {
    return this.#options.isFailing;
  }

  /** Nothing new is measured; what is connected stays so. */
  pause(): void {
    clearInterval(this.#pulse);
  }

  /** Each at its own moment of the minute, as boxes that were switched on at different times. */
  resume(): void {
    const { random, everyMs } = this.#options;
    this.#pulse = setTimeout(() => {
      this.#pulse = setInterval(() => void this.#say(), everyMs);
      void this.#say();
    }, random() * everyMs);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#end.abort();
    clearInterval(this.#pulse);
    clearInterval(this.#live);
    await this.#uplink?.close();
  }

  #stamp() {
    return { upMs: Date.now() - this.#startedAtMs, atMs: Date.now(), timeQuality: "ntp" } as const;
  }

  #clock(): Clock {
    return {
      nowMs: () => Date.now(),
      upMs: () => this.#stamp().upMs,
      // The end of a run ends what waits in it.
      sleep: (ms, signal) => wait(ms, undefined, { ...(signal && { signal }) }).catch(() => {}),
    };
  }

  #devices(): readonly DeviceHealth[] {
    const { isFailing, failsConfig } = this.#options;
    const sinceMs = this.#startedAtMs;
    const online: DeviceBody = { state: "online", sinceMs };
    const isSilent = failsConfig && this.#twin?.reported.isTrial === true;
    const meter = isFailing ? { ...FAILING, sinceMs } : isSilent ? { ...SILENT, sinceMs } : online;
    return [
      { device: METER, body: meter },
      { device: GPS, body: online },
    ];
  }

  #write(...records: readonly Omit<NewRecord, "upMs" | "atMs" | "timeQuality">[]): Promise<unknown> {
    const stamp = this.#stamp();
    return this.journal.write({ append: records.map((record) => ({ ...stamp, ...record }) as NewRecord) });
  }

  /** The minute of its meter, if that answers, and its health. */
  async #say(): Promise<void> {
    const { isFailing } = this.#options;
    if (!isFailing) await this.#write({ kind: "noise", device: METER, body: this.#minute() });
    await this.#write({ kind: "health", body: await this.#health() });
  }

  #minute() {
    const fromMs = Math.floor(Date.now() / 60_000 - 1) * 60_000;
    const levels = Array.from({ length: 60 }, (_, second) => ({
      atMs: fromMs + second * 1000,
      levelDb: this.#nextDb(),
      flags: [],
    }));
    const statistics = roundedStatistics(levelStatistics(levels.map((level) => ({ ...level, quantity: "LAF" }))));
    return { quantity: "LAF" as const, series: encodeLevels(fromMs, levels), statistics };
  }

  #nextDb(): number {
    this.#levelDb = Math.min(68, Math.max(38, this.#levelDb + (this.#options.random() - 0.5) * 4));
    return Math.round(this.#levelDb * 10) / 10;
  }

  async #health(): Promise<HealthBody> {
    const { isFailing, random, everyMs } = this.#options;
    const { laneDepth, unreceipted } = await this.journal.statistics();
    return {
      rssBytes: Math.round(1.1e8 + random() * 1e7),
      cpuPct: Math.round(10 + random() * 15) / 10,
      journalBytes: Math.round(4e6 + random() * 3e7),
      freeDiskBytes: Math.round(6e9 + random() * 1e9),
      unsentRecords: unreceipted,
      laneDepth: [...laneDepth],
      hoursToFull: Math.round(200 + random() * 1800),
      reserveHeld: true,
      journalFull: false,
      alarmStoreFull: false,
      rttMs: Math.round(this.#uplink?.facts.rttMs ?? 0),
      missedPolls: isFailing ? Math.round(random() * 1000) : 0,
      eventLoopDelayP99Ms: Math.round(20 + random() * 20) / 10,
      devices: Object.fromEntries(this.#devices().map(({ device, body }) => [device, body.state])),
      everyMs,
    };
  }

  #act(command: Command): CommandOutcome | Promise<CommandOutcome | "later"> {
    const { kind, args } = command;
    const { device } = args;
    if (kind === "config" && this.#trial !== undefined) {
      if (args["read"] !== true) this.#configOrders += 1;
      return this.#trial.take(command);
    }
    if (kind === "live" && device === METER && !this.#options.isFailing) {
      this.#liveUntilMs = Date.now() + 60_000;
      this.#live ??= setInterval(() => this.#publishLive(), LIVE_EVERY_MS);
      return { ok: true };
    }
    if (kind === "restart" || kind === "log-level") return { ok: true };
    return { ok: false, code: "COMMAND_UNSUPPORTED", message: `a simulated node has nothing for "${kind}"` };
  }

  #publishLive(): void {
    const atMs = Date.now();
    if (atMs < this.#liveUntilMs) {
      this.#uplink?.live.publish(METER, { atMs, levelDb: this.#nextDb(), flags: [] });
      return;
    }
    clearInterval(this.#live);
    this.#live = undefined;
  }
}
