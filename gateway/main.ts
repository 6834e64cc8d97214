import { deviceLinks } from "../drivers/device-links.ts";
import type { Clock } from "../drivers/driver.ts";
import { loadDriver } from "../drivers/registry.ts";
import { ActsOfNode } from "./acts-of-node.ts";
import { alarmTrail } from "./alarm-trail.ts";
import { startBridgeSide } from "./bridge-side.ts";
import { LiveLeases } from "./commands/live-leases.ts";
import { ConfigTrial } from "./config-trial.ts";
import { codeOf, GatewayError } from "./contracts/gateway-error.ts";
import type { CustodyJournal } from "./contracts/journal.ts";
import type { Logger } from "./contracts/logger.ts";
import { type DeviceHealth, type DeviceReading, isCallForHelp } from "./contracts/readings.ts";
import { forgetStart, START_OVER_MS } from "./contracts/start-memory.ts";
import { LogMemory } from "./diagnostics/log-memory.ts";
import { DISK_LOOK_EVERY_MS, DiskFloor } from "./disk-floor.ts";
import type { EvidenceStore } from "./evidence/evidence-store.ts";
import { openEvidence, takeEvidence } from "./evidence-custody.ts";
import type { Gateway, GatewayEnd, GatewayOptions } from "./gateway.ts";
import { GuardedSteps } from "./guarded-steps.ts";
import { type TakenUp, takeUp } from "./hand-over.ts";
import type { NodeIdentity } from "./identity/identity-files.ts";
import { HoldingWriter } from "./journal/holding-writer.ts";
import { openJournal } from "./journal/open-journal.ts";
import { tellOfJournal } from "./journal-news.ts";
import type { LocalHealth } from "./local/local-server.ts";
import { LocalServices } from "./local-services.ts";
import { type NodePulse, NodeReport } from "./node-report.ts";
import { ownIdentity } from "./own-identity.ts";
import { ParkingControl } from "./parking/parking-control.ts";
import type { PipelineOutput } from "./pipeline/output.ts";
import { Pipeline } from "./pipeline/pipeline.ts";
import { forgetCommandedRestart, startBody, supervisedDevices, wasRestartCommanded } from "./start-record.ts";
import { type Supervisor, startSupervisor } from "./supervisor/supervisor.ts";
import { systemClock } from "./system-clock.ts";
import { NtpWatch } from "./time/ntp-watch.ts";
import { TimeKeeper } from "./time/time-keeper.ts";
import { TimeRecords } from "./time-records.ts";
import type { Uplink } from "./uplink/uplink.ts";
import type { VisionSide } from "./vision-side.ts";

const DAY_MS = 86_400_000;
const PIPELINE_TICK_MS = 250;
const HEALTH_EVERY_MS = 60_000;
/** The first health record comes soon, so that a bridge need not wait a minute to show a new node. */
const FIRST_HEALTH_MS = 3000;
const DRIVERS_END_MS = 3000;
/** A disk that hangs keeps nobody's confirmation back for longer: the call is held in memory then, and in sight. */
const CONFIRM_WITHIN_MS = 5000;

/** @throws GatewayError what the journal throws at its start; IDENTITY_BROKEN, IDENTITY_OTHER_NODE, LOCAL_PORT */
export async function startGateway(given: GatewayOptions): Promise<Gateway> {
  const { config } = given;
  const identity = ownIdentity(config);
  const system = systemClock();
  const logs = new LogMemory({ nowMs: () => time.nowMs(), upMs: system.upMs });
  const log = logs.before(given.log);
  const options = { ...given, log };
  const systemMs = options.systemMs ?? system.nowMs;
  const time = new TimeKeeper({
    source: config.time.source,
    systemMs,
    upMs: system.upMs,
    isNtpSynchronised: new NtpWatch({ systemMs, upMs: system.upMs }).isSynchronised,
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
  const takenUp = takeUp(restored, options.memory?.handOver, time.stamp(), config);
  const clock = { ...system, nowMs: () => time.nowMs() };
  const gateway = new RunningGateway(options, logs, journal, takenUp, time, clock);
  try {
    await gateway.start(identity);
  } catch (error) {
    await gateway.stop();
    throw error;
  }
  return gateway;
}

/** The only place where the stages meet. */
class RunningGateway implements Gateway {
  readonly run: string;
  readonly ended: Promise<GatewayEnd>;
  readonly evidence: EvidenceStore;
  readonly #options: GatewayOptions;
  readonly #log: Logger;
  readonly #logs: LogMemory;
  readonly #journal: CustodyJournal;
  readonly #time: TimeKeeper;
  readonly #timeRecords: TimeRecords;
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
  readonly #trial: ConfigTrial | undefined;
  readonly #end: (end: GatewayEnd) => void;
  #supervisor: Supervisor | undefined;
  #vision: VisionSide | undefined;
  #uplink: Uplink | undefined;
  #local: LocalServices | undefined;
  readonly #firstReading = Promise.withResolvers<void>();
  readonly #steps: GuardedSteps;
  #uplinkProblem: GatewayError | undefined;
  #healthUpMs = Number.NEGATIVE_INFINITY;

  constructor(
    options: GatewayOptions,
    logs: LogMemory,
    journal: CustodyJournal,
    takenUp: TakenUp,
    time: TimeKeeper,
    clock: Clock,
  ) {
    const { promise, resolve } = Promise.withResolvers<GatewayEnd>();
    this.ended = promise;
    this.#end = resolve;
    this.run = journal.restored.run;
    this.#options = options;
    this.#log = options.log;
    this.#steps = new GuardedSteps(options.log);
    this.#logs = logs;
    this.#journal = journal;
    this.#time = time;
    this.#clock = clock;
    this.#links = deviceLinks(clock);
    this.#leases = new LiveLeases(() => clock.upMs());
    this.#takenUp = takenUp;
    const { openAlarms } = takenUp.restored;
    const trail = alarmTrail(journal, options.log);
    this.#writer = new HoldingWriter(trail, options.log, () => this.#end("journal-broken"), openAlarms);
    this.#timeRecords = new TimeRecords(time, this.#writer, options.log);
    this.evidence = openEvidence({ ...options, run: this.run, time, journal, writer: this.#writer });
    this.#report = new NodeReport({
      node: options.config.node,
      version: options.version,
      run: this.run,
      journal,
      time,
      upMs: () => clock.upMs(),
      writer: this.#writer,
      evidence: () => this.evidence.facts(),
      busStatistics: this.#links.busStatistics,
      devices: () => this.#deviceHealth(),
      levelFaults: () => this.#pipeline.levelFaults(),
      live: () => this.#vision?.live.bytes,
      uplink: () => this.#uplink?.facts,
      uplinkProblem: () => this.#uplinkProblem,
      parked: () => this.#parking.parked,
      vision: () => this.#vision?.numbers,
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
        this.#pipeline.park(this.#parking.parked !== undefined, slowBy);
      },
      tellHealth: () => this.#writeHealth(),
      flush: () => journal.flush(),
      waiting: async () => (this.#uplink?.facts.isConnected === true ? (await journal.statistics()).unreceipted : 0),
      onEnd: () => this.#end("parked"),
    });
    this.#trial = ConfigTrial.of(options.twin, {
      ...{ journal, clock, log: options.log, signal: this.#stop.signal },
      devices: () => this.#deviceHealth(),
      uplink: () => this.#uplink?.facts,
      onRestart: () => this.#end("restart"),
    });
    this.#pipeline = new Pipeline(options.config, takenUp.restored, time.stamp());
  }

  get pagePort(): number | undefined {
    return this.#local?.pagePort;
  }

  get localPort(): number | undefined {
    return this.#local?.port;
  }

  async start(identity: NodeIdentity | undefined): Promise<void> {
    const { config, version, twin } = this.#options;
    const wasCommanded = await wasRestartCommanded(this.#journal);
    const { restored } = this.#journal;
    const body = startBody(config, restored, version, wasCommanded, this.evidence.publicKeyText, twin?.reported);
    // Alone and first: it is seq 1 of its run, and says what the run is.
    await this.#writer.write({ append: [{ ...this.#time.stamp(), kind: "start", body }] }, "urgent");
    for (const { write, urgency } of this.#takenUp.writes) void this.#writer.write(write, urgency);
    if (wasCommanded) await forgetCommandedRestart(this.#journal);
    const { reason, previous } = body;
    this.#log.info({ run: this.run, reason, previous, timeQuality: this.#time.quality }, "gateway started");
    if (this.#time.quality === "none") {
      const hint = "Set the clock, allow NTP, or connect a GNSS receiver. Limits of the night hold until then.";
      this.#log.warn({ code: "CLOCK_UNTRUSTED", atMs: this.#time.nowMs(), hint }, "this node does not know the time");
    }
    this.#timeRecords.check();
    this.#take(() => this.#pipeline.start(this.#time.stamp()));
    await this.#startVision();
    this.#supervisor = startSupervisor({
      devices: supervisedDevices(config),
      load: loadDriver,
      links: this.#links,
      clock: this.#clock,
      onReading: (reading) => this.#onReading(reading),
      onHealth: (health) => this.#take(() => this.#pipeline.health(health, this.#time.stamp())),
      signal: this.#stop.signal,
      log: this.#log,
      isTraced: (device) => this.#logs.levelOf(device) === "debug",
    });
    this.#every(PIPELINE_TICK_MS, () => {
      this.#take(() => this.#pipeline.tick(this.#time.stamp()));
      this.#parking.tick();
    });
    this.#every(1000, () => this.#timeRecords.check());
    void this.evidence.announceUnrecorded();
    const floor = new DiskFloor(config.retention.minFreeDiskBytes, this.#journal, this.evidence, this.#log);
    this.#every(DISK_LOOK_EVERY_MS, () => void floor.look());
    this.#timers.push(setTimeout(() => void this.#writeHealth(), FIRST_HEALTH_MS));
    this.#every(HEALTH_EVERY_MS, () => {
      const sinceMs = this.#clock.upMs() - this.#healthUpMs;
      if (sinceMs > (this.#parking.parked?.everyMs ?? 0) - HEALTH_EVERY_MS / 2) void this.#writeHealth();
    });
    const acts = await this.#openActs();
    this.#local = await LocalServices.start({
      ...this.#options,
      clock: this.#clock,
      links: this.#links,
      report: this.#report,
      deviceHealth: () => this.#deviceHealth(),
      page: {
        ...{ logs: this.#logs, time: this.#time, acts, evidence: this.evidence, upMs: () => this.#clock.upMs() },
        openAlarms: this.#takenUp.restored.openAlarms,
        write: (write) => void this.#writer.write(write, "urgent"),
        tell: this.#options.tell ?? (() => undefined),
        cameras: () => this.#vision?.live,
      },
    });
    await this.#startBridgeSide(identity, acts);
    this.#trial?.begin();
    this.#timers.push(setTimeout(forgetStart, START_OVER_MS));
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#stop.abort();
    await Promise.race([this.#supervisor?.done, this.#clock.sleep(DRIVERS_END_MS)]);
    await this.#vision?.stop();
    this.#take(() => this.#pipeline.stop());
    await this.#local?.close();
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

  /** Returns at once, so that a slow disk delays no meter; only a call for help waits, until what is confirmed is kept. */
  #onReading(reading: DeviceReading): Promise<unknown> | undefined {
    this.#firstReading.resolve();
    this.#local?.heard(reading);
    if (reading.reading.kind === "time") {
      // The receiver's word on UTC is the time keeper's: one voice writes `time` records.
      this.#timeRecords.heard(reading.reading, reading.device);
      return undefined;
    }
    this.#parking.heard(reading);
    this.#vision?.moved(reading);
    const written = this.#take(() => this.#pipeline.accept(reading, this.#time.stamp()));
    if (!isCallForHelp(reading)) return undefined;
    return Promise.race([Promise.all(written), this.#clock.sleep(CONFIRM_WITHIN_MS, this.#stop.signal)]);
  }

  #take(step: () => PipelineOutput): readonly Promise<unknown>[] {
    const output = this.#steps.run(step);
    if (output === undefined) return [];
    const written: Promise<unknown>[] = [];
    for (const { write, urgency, isEvidence } of output.writes) {
      if (isEvidence === true) takeEvidence(this.evidence, write);
      else written.push(this.#writer.write(write, urgency));
      this.#vision?.heard(write);
      this.#local?.wrote(write);
    }
    for (const { device, level } of output.live) {
      if (this.#leases.isWatched(device)) this.#uplink?.live.publish(device, level);
    }
    return written;
  }

  #deviceHealth(): readonly DeviceHealth[] {
    return [...(this.#supervisor?.health() ?? []), ...(this.#vision?.health() ?? [])];
  }

  async #startVision(): Promise<void> {
    const { config, log } = this.#options;
    if (config.cameras.length === 0) return;
    const { VisionSide } = await import("./vision-side.ts");
    this.#vision = await VisionSide.start({
      config,
      log,
      clock: this.#clock,
      time: this.#time,
      restored: this.#takenUp.restored,
      evidence: this.evidence,
      position: () => this.#pipeline.position,
      onHealth: (health) => this.#take(() => this.#pipeline.health(health, this.#time.stamp())),
      write: (write) => void this.#writer.write(write, "urgent"),
      isWatched: (camera) => this.#leases.isWatched(camera),
      publishLive: (camera, bytes) => this.#uplink?.live.publish(camera, bytes),
      videoWanted: () => this.#leases.videoWanted,
      videoLine: {
        roomBytes: () => this.#uplink?.live.roomBytes() ?? 0,
        send: (camera, bytes, onTaken) => this.#uplink?.live.send(camera, bytes, onTaken) === true,
      },
    });
  }

  // ---- the node's own records ----

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

  async #startBridgeSide(identity: NodeIdentity | undefined, acts: ActsOfNode): Promise<void> {
    const side = await startBridgeSide({
      ...this.#options,
      identity,
      journal: this.#journal,
      files: this.evidence,
      time: this.#time,
      clock: this.#clock,
      signal: this.#stop.signal,
      firstReading: this.#firstReading.promise,
      act: (command) => acts.act(command),
      twin: this.#options.twin,
      onEnd: (end) => this.#end(end),
    });
    if (side instanceof GatewayError) this.#uplinkProblem = side;
    else this.#uplink = side;
  }

  /** Not before the journal has the `start` record: what is in the book is told by records of this run. */
  #openActs(): Promise<ActsOfNode> {
    const { config, version } = this.#options;
    return ActsOfNode.open({
      ...{ config, version, logs: this.#logs, leases: this.#leases, report: this.#report },
      ...{ journal: this.#journal, time: this.#time, evidence: this.evidence, writer: this.#writer },
      ...{ clock: this.#clock, signal: this.#stop.signal },
      supervisor: () => this.#supervisor,
      cameras: () => this.#vision?.acts,
      position: () => this.#pipeline.position,
      takeConfig: this.#trial?.take,
    });
  }

  readonly #every = (ms: number, act: () => void): number => this.#timers.push(setInterval(act, ms));
}
