import { deviceLinks } from "../drivers/device-links.ts";
import type { Clock, TimeReading } from "../drivers/driver.ts";
import { loadDriver } from "../drivers/registry.ts";
import type { TimeBody } from "../protocol/bodies.ts";
import type { Command } from "../protocol/session.ts";
import type { CommandOutcome } from "./commands/commands.ts";
import { LiveLeases } from "./commands/live-leases.ts";
import type { GatewayConfig } from "./config/gateway-config.ts";
import type { EvidenceTaker } from "./contracts/evidence.ts";
import { type GatewayFaultSpec, type GatewayNegativeControl, killAtFaultPoint } from "./contracts/fault-points.ts";
import { codeOf, GatewayError } from "./contracts/gateway-error.ts";
import type { CustodyJournal } from "./contracts/journal.ts";
import type { Logger } from "./contracts/logger.ts";
import type { DeviceReading } from "./contracts/readings.ts";
import { forgetStart, START_OVER_MS } from "./contracts/start-memory.ts";
import type { EvidenceStore } from "./evidence/evidence-store.ts";
import { openEvidence, takeEvidence } from "./evidence-custody.ts";
import { type TakenUp, takeUp } from "./hand-over.ts";
import { commandKeys, type NodeIdentity } from "./identity/identity-files.ts";
import { type HandOver, HoldingWriter } from "./journal/holding-writer.ts";
import { openJournal } from "./journal/open-journal.ts";
import { tellOfJournal } from "./journal-news.ts";
import { type LocalHealth, type LocalServer, startLocalServer } from "./local/local-server.ts";
import { ProbeServer } from "./local/probe-server.ts";
import { actOn } from "./node-acts.ts";
import { type NodePulse, NodeReport, problemOf } from "./node-report.ts";
import { ownIdentity } from "./own-identity.ts";
import { ParkingControl } from "./parking/parking-control.ts";
import type { PipelineOutput } from "./pipeline/output.ts";
import { Pipeline } from "./pipeline/pipeline.ts";
import { startBody, supervisedDevices } from "./start-record.ts";
import { type Supervisor, startSupervisor } from "./supervisor/supervisor.ts";
import { systemClock } from "./system-clock.ts";
import { isNtpSynchronised } from "./time/ntp-marks.ts";
import { TimeKeeper, type TimeVerdict } from "./time/time-keeper.ts";
import type { Uplink } from "./uplink/uplink.ts";

const DAY_MS = 86_400_000;
const PIPELINE_TICK_MS = 250;
const HEALTH_EVERY_MS = 60_000;
/** The first health record comes soon, so that a bridge need not wait a minute to show a new node. */
const FIRST_HEALTH_MS = 3000;
const DRIVERS_END_MS = 3000;
/** How long the way to the bridge, a third of the program to load, stands back for the first reading. */
const FIRST_READING_MS = 500;
const RESTART_SETTING = "start.commanded";

export interface GatewayOptions {
  readonly config: GatewayConfig;
  readonly version: string;
  readonly log: Logger;
  /** The system's UTC; another one in tests. */
  readonly systemMs?: () => number;
  readonly faultPoint?: GatewayFaultSpec;
  readonly negativeControl?: GatewayNegativeControl;
  /** What outlives a gateway in this process: read at its start, written at its end. */
  readonly memory?: GatewayMemory;
}

export interface GatewayMemory {
  handOver: HandOver | undefined;
}

/** Why a gateway ended by itself. A new one should be started, except after `parked`, when the box may be switched off. */
export type GatewayEnd = "restart" | "journal-broken" | "parked";

/** A running gateway: the only place where its stages meet. */
export interface Gateway {
  readonly run: string;
  /** Of the local health page, where there is one. */
  readonly localPort: number | undefined;
  readonly ended: Promise<GatewayEnd>;
  readonly evidence: EvidenceTaker;
  health(): Promise<LocalHealth>;
  /** Resolves once the journal's thread has answered: what a watchdog asks. */
  pulse(): Promise<NodePulse>;
  /** Ends cleanly: drivers, last records, goodbye to the bridge, journal. */
  stop(): Promise<void>;
}

/** @throws GatewayError what the journal throws at its start; IDENTITY_BROKEN, IDENTITY_OTHER_NODE, LOCAL_PORT */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { config, log } = options;
  const identity = ownIdentity(config);
  const system = systemClock();
  const systemMs = options.systemMs ?? system.nowMs;
  const time = new TimeKeeper({
    source: config.time.source,
    systemMs,
    upMs: system.upMs,
    isNtpSynchronised: () => isNtpSynchronised(systemMs()),
  });
  const { faultPoint, negativeControl } = options;
  const journal = await openJournal({
    directory: config.state,
    quotaBytes: config.retention.journalMaxBytes,
    keepReceiptedMs: config.retention.keepReceiptedDays * DAY_MS,
    minFreeDiskBytes: config.retention.minFreeDiskBytes,
    stamp: () => time.stamp(),
    ...(faultPoint === undefined ? {} : { faultPoint }),
    ...(negativeControl === undefined ? {} : { negativeControl }),
  });
  const { restored } = journal;
  tellOfJournal(journal, log);
  const takenUp = takeUp(restored, options.memory?.handOver, time.stamp());
  const gateway = new RunningGateway(options, journal, takenUp, time, { ...system, nowMs: () => time.nowMs() });
  try {
    await gateway.start(identity);
  } catch (error) {
    await gateway.stop();
    throw error;
  }
  return gateway;
}

class RunningGateway implements Gateway {
  readonly run: string;
  readonly ended: Promise<GatewayEnd>;
  readonly evidence: EvidenceStore;
  readonly #options: GatewayOptions;
  readonly #log: Logger;
  readonly #journal: CustodyJournal;
  readonly #time: TimeKeeper;
  readonly #clock: Clock;
  readonly #links;
  readonly #takenUp: TakenUp;
  readonly #writer: HoldingWriter;
  readonly #pipeline: Pipeline;
  readonly #leases: LiveLeases;
  readonly #report: NodeReport;
  readonly #stop = new AbortController();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #parking: ParkingControl;
  readonly #end: (end: GatewayEnd) => void;
  #supervisor: Supervisor | undefined;
  #uplink: Uplink | undefined;
  #local: LocalServer | undefined;
  readonly #firstReading = Promise.withResolvers<void>();
  #probe: ProbeServer | undefined;
  #pipelineFaults = 0;
  readonly #timeVerdicts = new Map<string, TimeVerdict>();
  #uplinkProblem: GatewayError | undefined;
  #healthUpMs = Number.NEGATIVE_INFINITY;

  constructor(options: GatewayOptions, journal: CustodyJournal, takenUp: TakenUp, time: TimeKeeper, clock: Clock) {
    const { promise, resolve } = Promise.withResolvers<GatewayEnd>();
    this.ended = promise;
    this.#end = resolve;
    this.run = journal.restored.run;
    this.#options = options;
    this.#log = options.log;
    this.#journal = journal;
    this.#time = time;
    this.#clock = clock;
    this.#links = deviceLinks(clock);
    this.#leases = new LiveLeases(() => clock.upMs());
    this.#takenUp = takenUp;
    const { openAlarms } = takenUp.restored;
    this.#writer = new HoldingWriter(journal, options.log, () => this.#end("journal-broken"), openAlarms);
    this.evidence = openEvidence({ ...options, run: this.run, time, writer: this.#writer });
    this.#report = new NodeReport({
      node: options.config.node,
      version: options.version,
      run: this.run,
      journal,
      time,
      upMs: () => clock.upMs(),
      writer: this.#writer,
      busStatistics: this.#links.busStatistics,
      devices: () => this.#supervisor?.health() ?? [],
      levelFaults: () => this.#pipeline.levelFaults(),
      uplink: () => this.#uplink?.facts,
      uplinkProblem: () => this.#uplinkProblem,
      parked: () => this.#parking.parked,
    });
    this.#parking = new ParkingControl({
      settings: options.config.parking,
      upMs: () => clock.upMs(),
      nowMs: () => time.nowMs(),
      sleep: (ms) => clock.sleep(ms, this.#stop.signal),
      log: options.log,
      isReadable: () => this.#supervisor?.stateOf(options.config.parking?.device ?? "") === "online",
      slow: (slowBy, except) => {
        this.#supervisor?.park(slowBy, except);
        this.#pipeline.park(slowBy);
      },
      tellHealth: () => this.#writeHealth(),
      flush: () => journal.flush(),
      waiting: async () => (this.#uplink?.facts.isConnected === true ? (await journal.statistics()).unreceipted : 0),
      onEnd: () => this.#end("parked"),
    });
    this.#pipeline = new Pipeline(options.config, takenUp.restored, time.stamp());
  }

  get localPort(): number | undefined {
    return this.#local?.port;
  }

  async start(identity: NodeIdentity | undefined): Promise<void> {
    const { config, version } = this.#options;
    const wasCommanded = (await this.#journal.getSetting(RESTART_SETTING)) === "yes";
    const body = startBody(config, this.#journal.restored, version, wasCommanded, this.evidence.publicKeyText);
    // Alone and first: it is seq 1 of its run, and says what the run is.
    await this.#writer.write({ append: [{ ...this.#time.stamp(), kind: "start", body }] }, "urgent");
    for (const { write, urgency } of this.#takenUp.writes) void this.#writer.write(write, urgency);
    if (wasCommanded) await this.#journal.setSetting(RESTART_SETTING, "no");
    const { reason, previous } = body;
    this.#log.info({ run: this.run, reason, previous, timeQuality: this.#time.quality }, "gateway started");
    if (this.#time.quality === "none") {
      const hint = "Set the clock, allow NTP, or connect a GNSS receiver. Limits of the night hold until then.";
      this.#log.warn({ code: "CLOCK_UNTRUSTED", atMs: this.#time.nowMs(), hint }, "this node does not know the time");
    }
    this.#checkTime();
    this.#take(() => this.#pipeline.start(this.#time.stamp()));
    this.#supervisor = startSupervisor({
      devices: supervisedDevices(config),
      load: loadDriver,
      links: this.#links,
      clock: this.#clock,
      onReading: (reading) => this.#onReading(reading),
      onHealth: (health) => this.#take(() => this.#pipeline.health(health, this.#time.stamp())),
      signal: this.#stop.signal,
      log: this.#log,
    });
    this.#every(PIPELINE_TICK_MS, () => {
      this.#take(() => this.#pipeline.tick(this.#time.stamp()));
      this.#parking.tick();
    });
    this.#every(1000, () => this.#checkTime());
    this.#timers.push(setTimeout(() => void this.#writeHealth(), FIRST_HEALTH_MS));
    this.#every(HEALTH_EVERY_MS, () => {
      const sinceMs = this.#clock.upMs() - this.#healthUpMs;
      if (sinceMs > (this.#parking.parked?.everyMs ?? 0) - HEALTH_EVERY_MS / 2) void this.#writeHealth();
    });
    if (config.health !== undefined) {
      const answers = { health: () => this.health(), metrics: () => this.#report.metrics() };
      this.#local = await startLocalServer({ ...config.health, ...answers });
      this.#log.info({ host: config.health.host, port: this.#local.port }, "local health page listens");
    }
    const { openBus } = this.#links;
    const health = () => this.#supervisor?.health() ?? [];
    this.#probe = await ProbeServer.start({ config, openBus, health, clock: this.#clock, log: this.#log });
    await this.#startUplink(identity);
    this.#timers.push(setTimeout(forgetStart, START_OVER_MS));
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#stop.abort();
    await Promise.race([this.#supervisor?.done, this.#clock.sleep(DRIVERS_END_MS)]);
    this.#take(() => this.#pipeline.stop());
    await Promise.all([this.#local?.close(), this.#probe?.close()]);
    await this.#uplink?.close();
    await this.evidence.idle();
    await this.#writer.stop();
    const { memory } = this.#options;
    if (memory !== undefined) memory.handOver = this.#writer.handOver();
    this.#report.stop();
    try {
      await this.#journal.close();
    } catch (error) {
      this.#log.error({ code: codeOf(error), error: String(error) }, "journal did not close cleanly");
    }
    this.#log.info({ run: this.run }, "gateway ended");
  }

  health(): Promise<LocalHealth> {
    return this.#report.health();
  }

  pulse(): Promise<NodePulse> {
    return this.#report.pulse();
  }

  // ---- readings ----

  /** Returns at once: however slow the disk is, a meter is polled on time. */
  #onReading(reading: DeviceReading): void {
    this.#firstReading.resolve();
    this.#probe?.heard(reading);
    if (reading.reading.kind === "time") {
      // The receiver's word on UTC is the time keeper's: one voice writes `time` records.
      this.#onTime(reading.reading, reading.device);
      return;
    }
    this.#parking.heard(reading);
    this.#take(() => this.#pipeline.accept(reading, this.#time.stamp()));
  }

  #onTime(reading: TimeReading, device: string): void {
    const verdict = this.#time.heard(reading, device);
    if (verdict === this.#timeVerdicts.get(device)) return;
    this.#timeVerdicts.set(device, verdict);
    if (verdict !== "impossible" && verdict !== "disagrees") return;
    const { utcMs, atMs } = reading;
    const hint = "Two receivers, or a receiver and NTP, that disagree: find out which is wrong. Positions are used.";
    this.#log.warn({ code: "GNSS_TIME_REFUSED", device, verdict, utcMs, atMs, hint }, "receiver's time is not used");
  }

  #take(step: () => PipelineOutput): void {
    let output: PipelineOutput;
    try {
      output = step();
    } catch (error) {
      // One stage's fault is said once and must not end the process, which still holds the alarms of others.
      if (this.#pipelineFaults++ === 0) {
        const stack = error instanceof Error ? error.stack : String(error);
        this.#log.error({ code: "PIPELINE_FAULT", stack }, "pipeline broke on one input, which was left out");
      }
      return;
    }
    for (const { write, urgency, isEvidence } of output.writes) {
      if (isEvidence === true) takeEvidence(this.evidence, write);
      else void this.#writer.write(write, urgency);
    }
    for (const { device, level } of output.live) {
      if (this.#leases.isWatched(device)) this.#uplink?.publishLive(device, level);
    }
  }

  // ---- the node's own records ----

  #checkTime(): void {
    const body: TimeBody | undefined = this.#time.check();
    if (body === undefined) return;
    void this.#writer.write({ append: [{ ...this.#time.stamp(), kind: "time", body }] }, "grouped");
    this.#log.info({ quality: body.quality, utcMs: body.utcMs }, "time recorded");
  }

  async #writeHealth(): Promise<void> {
    this.#healthUpMs = this.#clock.upMs();
    try {
      const body = await this.#report.healthBody();
      await this.#writer.write({ append: [{ ...this.#time.stamp(), kind: "health", body }] }, "grouped");
    } catch (error) {
      this.#log.warn({ code: codeOf(error), error: String(error) }, "health could not be told");
    }
  }

  // ---- the bridge ----

  async #startUplink(identity: NodeIdentity | undefined): Promise<void> {
    const { config, version, faultPoint, negativeControl } = this.#options;
    const { url, topicPrefix, insecureLoopback } = config.bridge;
    const isPlain = insecureLoopback && url.startsWith("mqtt://");
    if (identity === undefined && !isPlain) {
      this.#uplinkProblem = new GatewayError("NODE_NOT_ENROLLED", `there is no identity under ${config.state}`, {
        hint: "`shao node add ID` at the bridge prints the command to run here. Until then all records are kept.",
      });
      this.#log.error(problemOf(this.#uplinkProblem), "node is not enrolled, nothing is sent");
      return;
    }
    if (config.devices.some(({ isEnabled }) => isEnabled))
      await Promise.race([this.#firstReading.promise, this.#clock.sleep(FIRST_READING_MS, this.#stop.signal)]);
    const [{ Commands }, { Uplink }] = await Promise.all([
      import("./commands/commands.ts"),
      import("./uplink/uplink.ts"),
    ]);
    const commands = await Commands.open({
      keys: commandKeys(identity),
      journal: this.#journal,
      stamp: () => this.#time.stamp(),
      log: this.#log,
      act: (command) => this.#act(command),
      onRestart: () => void this.#journal.setSetting(RESTART_SETTING, "yes").finally(() => this.#end("restart")),
    });
    this.#uplink = await Uplink.start({
      node: config.node,
      version,
      url,
      topicPrefix,
      journal: this.#journal,
      files: this.evidence,
      stamp: () => this.#time.stamp(),
      upMs: () => this.#clock.upMs(),
      log: this.#log,
      onCommand: (bytes) => void commands.take(bytes),
      onJournalBroken: () => this.#end("journal-broken"),
      faultPoints: killAtFaultPoint(faultPoint),
      ...(identity === undefined || isPlain
        ? {}
        : {
            bridge: identity.bridge,
            tls: { ca: identity.caPem, cert: identity.certificatePem, key: identity.keyPem },
          }),
      line: config.bridge,
      timeZone: config.timeZone,
      ...(negativeControl === "receipt-on-puback" ? { negativeControl } : {}),
    });
  }

  #act(command: Command): Promise<CommandOutcome> {
    const { devices } = this.#options.config;
    return actOn(command, { devices, leases: this.#leases, supervisor: this.#supervisor, health: () => this.health() });
  }

  readonly #every = (ms: number, act: () => void): number => this.#timers.push(setInterval(act, ms));
}
