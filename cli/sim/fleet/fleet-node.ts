import { createHash } from "node:crypto";
import { type CommandOutcome, Commands } from "../../../gateway/commands/commands.ts";
import type { Logger } from "../../../gateway/contracts/logger.ts";
import { commandKeys, type NodeIdentity } from "../../../gateway/identity/identity-files.ts";
import { levelStatistics, roundedStatistics } from "../../../gateway/pipeline/level-statistics.ts";
import { Uplink, type UplinkFacts } from "../../../gateway/uplink/uplink.ts";
import type { DeviceBody, HealthBody } from "../../../protocol/bodies.ts";
import { encodeLevels } from "../../../protocol/level-series.ts";
import type { NewRecord } from "../../../protocol/record.ts";
import type { Command } from "../../../protocol/session.ts";
import { JournalInMemory } from "./journal-in-memory.ts";

const METER = "noise-01";
const GPS = "gps";
const LIVE_EVERY_MS = 1000;
const FAILING: Omit<DeviceBody, "sinceMs"> = {
  state: "offline",
  code: "MODBUS_TIMEOUT",
  message: "unit 1 gave no answer within 300 ms",
  hint: "Look at its power and at the wires A and B; see that unit and baud rate are those of the meter.",
  retryInMs: 60_000,
};

export interface FleetNodeOptions {
  readonly identity: NodeIdentity;
  /** Merely for its name, place and what it says of itself. */
  readonly number: number;
  readonly version: string;
  /** Its meter gives no answer. */
  readonly isFailing: boolean;
  /** Between two minutes of levels, and between two words on its health. */
  readonly everyMs: number;
  readonly random: () => number;
  readonly log: Logger;
}

/**
 * A node whose devices are invented and all else is a gateway's own: enrolment, mTLS, hello, envelopes, receipts, pauses
 * between attempts, and commands with their signature. Only the journal has no disk.
 */
export class FleetNode {
  readonly id: string;
  readonly journal = new JournalInMemory();
  readonly #options: FleetNodeOptions;
  readonly #startedAtMs = Date.now();
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

  async start(): Promise<void> {
    const { identity, version, isFailing } = this.#options;
    const { number } = this.#options;
    const nowMs = Date.now();
    const device: Pick<DeviceBody, "state" | "sinceMs"> = { state: "online", sinceMs: nowMs };
    await this.#write(
      {
        kind: "start",
        body: {
          reason: "first",
          version,
          configSha256: createHash("sha256")
            .update(`fleet ${number % 3}`)
            .digest("hex"),
          site: {
            name: `Fleet site ${number}`,
            timeZone: "Asia/Shanghai",
            latitudeDeg: 39.7 + (number % 40) * 0.01,
            longitudeDeg: 116.1 + Math.floor(number / 40) * 0.02,
          },
          devices: [
            { id: METER, driver: "modbus-noise", quantity: "LAF" },
            { id: GPS, driver: "gps-nmea" },
          ],
        },
      },
      { kind: "time", body: { upMs: this.#stamp().upMs, utcMs: nowMs, quality: "ntp" } },
      { kind: "device", device: METER, body: isFailing ? { ...FAILING, sinceMs: nowMs } : device },
      { kind: "device", device: GPS, body: device },
    );
    await this.#say();
    const commands = await Commands.open({
      node: this.id,
      keys: commandKeys(identity),
      journal: this.journal,
      stamp: () => this.#stamp(),
      log: this.#options.log,
      act: async (command) => this.#act(command),
      onRestart: () => {},
    });
    this.#uplink = await Uplink.start({
      node: this.id,
      version,
      url: identity.mqttUrl,
      topicPrefix: "shao",
      bridge: identity.bridge,
      tls: { ca: identity.caPem, cert: identity.certificatePem, key: identity.keyPem },
      journal: this.journal,
      stamp: () => this.#stamp(),
      upMs: () => this.#stamp().upMs,
      log: this.#options.log,
      onCommand: (bytes) => void commands.take(bytes),
    });
    this.resume();
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
    clearInterval(this.#pulse);
    clearInterval(this.#live);
    await this.#uplink?.close();
  }

  #stamp() {
    return { upMs: Date.now() - this.#startedAtMs, atMs: Date.now(), timeQuality: "ntp" } as const;
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
      devices: { [METER]: isFailing ? "offline" : "online", [GPS]: "online" },
      everyMs,
    };
  }

  #act({ kind, args }: Command): CommandOutcome {
    const { device } = args;
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
