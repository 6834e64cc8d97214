import type { Clock, Driver, Reading } from "../../drivers/driver.ts";
import { DriverError } from "../../drivers/errors.ts";
import type { HealthState } from "../../protocol/bodies.ts";
import type { Subject } from "../../protocol/ids.ts";
import type { Logger } from "../contracts/logger.ts";
import type { DeviceHealth, DeviceReading } from "../contracts/readings.ts";
import { backOff } from "./back-off.ts";
import { CommandInbox, type CommandOrder, type CommandOutcome, offline, refused } from "./command-inbox.ts";
import { HealthTracker } from "./health-tracker.ts";
import { type DeviceLinks, RunContext } from "./run-context.ts";
import { slowedLease } from "./slowed-lease.ts";
import { SubjectHealth } from "./subject-health.ts";
import { tracedLinks } from "./traced-links.ts";

/** A run that was online this long has earned short pauses again. */
const STEADY_MS = 30_000;
/** A driver that was asked to end and does not is left behind. */
const ABORT_GRACE_MS = 5_000;
/** Silent so long, it is started anew: a half-open connection looks like silence. */
const RESTART_SILENT_MS = 60_000;
const DEFAULT_SUBJECT_PERIOD_MS = 60_000;
const DEFAULT_COMMAND_TIMEOUT_MS = 30_000;

export interface SupervisedDevice {
  readonly id: string;
  /** Kind in the registry. */
  readonly driver: string;
  /** As the driver's schema takes it, buses resolved. */
  readonly config: unknown;
  readonly isDisabled?: boolean;
}

export interface DeviceSupervisorOptions {
  readonly device: SupervisedDevice;
  readonly load: (kind: string) => Promise<Driver | undefined>;
  readonly links: DeviceLinks;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly onReading: (reading: DeviceReading) => Promise<unknown> | undefined;
  readonly onHealth: (health: DeviceHealth) => void;
  /** Its bytes are to be told at `debug`. */
  readonly isTraced: () => boolean;
}

/** Keeps one device served: starts its driver, starts it again, and says how it is. Nothing that a driver does gets out. */
export class DeviceSupervisor {
  readonly #options: DeviceSupervisorOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #health: HealthTracker;
  readonly #subjects: SubjectHealth;
  #pauses: Generator<number, never>;
  #run: { readonly context: RunContext; readonly inbox: CommandInbox; readonly stop: AbortController } | undefined;
  #onlineSinceMs: number | undefined;
  #loggedCode: string | undefined;
  #emitFaults = 0;
  #slowBy = 1;

  constructor(options: DeviceSupervisorOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#log = options.log.child({ device: options.device.id });
    this.#pauses = backOff(options.random);
    const device = options.device.id;
    const { nowMs, upMs } = { nowMs: this.#clock.nowMs(), upMs: this.#clock.upMs() };
    const periodMs = numberAt(options.device.config, "periodMs");
    this.#health = new HealthTracker(periodMs, nowMs, upMs, (body) => options.onHealth({ device, body }));
    const subjectPeriodMs = numberAt(options.device.config, "subjectPeriodMs") ?? DEFAULT_SUBJECT_PERIOD_MS;
    this.#subjects = new SubjectHealth(subjectPeriodMs, (subject, body) => options.onHealth({ device, subject, body }));
  }

  get state(): HealthState {
    return this.#health.state;
  }

  get health(): readonly DeviceHealth[] {
    const device = this.#options.device.id;
    return [{ device, body: this.#health.body }, ...this.#subjects.all.map((one) => ({ device, ...one }))];
  }

  /** Serves the device until `signal` aborts. Never rejects. */
  async serve(signal: AbortSignal): Promise<void> {
    const driver = await this.#load();
    if (driver === undefined) return;
    while (!signal.aborted) {
      const error = await this.#runOnce(driver, signal);
      if (signal.aborted) break;
      if (error === undefined) continue;
      const steady = this.#onlineSinceMs !== undefined && this.#clock.upMs() - this.#onlineSinceMs >= STEADY_MS;
      if (steady) this.#pauses = backOff(this.#options.random);
      this.#onlineSinceMs = undefined;
      if (error.retry === "never") {
        this.#health.stopped(error, this.#clock.nowMs(), this.#clock.upMs());
        this.#log.error(facts(error), "device stopped, no retry can help");
        return;
      }
      const retryInMs = this.#pauses.next().value;
      this.#health.offline(error, retryInMs, this.#clock.nowMs(), this.#clock.upMs());
      if (this.#loggedCode !== error.code) this.#log.warn({ ...facts(error), retryInMs }, "device lost, will retry");
      this.#loggedCode = error.code;
      await this.#clock.sleep(retryInMs, signal);
    }
  }

  tick(): void {
    const nowMs = this.#clock.nowMs();
    const upMs = this.#clock.upMs();
    const isConnected = this.#run !== undefined && !this.#run.context.isOpening;
    this.#health.tick(nowMs, upMs, isConnected);
    this.#subjects.tick(nowMs, upMs);
    const periodMs = numberAt(this.#options.device.config, "periodMs") ?? 0;
    if (isConnected && this.#health.silentForMs(upMs) > Math.max(RESTART_SILENT_MS, 10 * periodMs)) {
      this.#run?.stop.abort();
    }
  }

  /** Parked: polled `slowBy` times more rarely, and not silent or offline but parked. 1 drives on. */
  park(slowBy: number): void {
    this.#slowBy = slowBy;
    const nowMs = this.#clock.nowMs();
    const upMs = this.#clock.upMs();
    this.#health.park(slowBy > 1, nowMs, upMs);
    this.#subjects.park(slowBy > 1, nowMs, upMs);
  }

  async deliver(order: CommandOrder): Promise<CommandOutcome> {
    const inbox = this.#run?.inbox;
    if (inbox === undefined) return offline();
    const answered = new AbortController();
    const timeoutMs = order.timeoutMs ?? DEFAULT_COMMAND_TIMEOUT_MS;
    const outcome = await Promise.race([
      inbox.put(order),
      this.#clock
        .sleep(timeoutMs, answered.signal)
        .then(() => tooLate(order.kind, timeoutMs, answered.signal.aborted || inbox.withdraw(order))),
    ]);
    answered.abort();
    return outcome;
  }

  async #load(): Promise<Driver | undefined> {
    const { device, load } = this.#options;
    const stop = (error: DriverError | undefined) => {
      this.#health.stopped(error, this.#clock.nowMs(), this.#clock.upMs());
      if (error !== undefined) this.#log.error(facts(error), "device stopped, no retry can help");
      return undefined;
    };
    if (device.isDisabled === true) return stop(undefined);
    try {
      const driver = await load(device.driver);
      if (driver !== undefined) return driver;
    } catch (error) {
      return stop(asDriverError(error, "never"));
    }
    return stop(
      new DriverError("DRIVER_UNKNOWN", `there is no driver "${device.driver}"`, {
        retry: "never",
        hint: "Correct the name under `driver`.",
      }),
    );
  }

  /** @returns why it ended; undefined when it was restarted for silence */
  async #runOnce(driver: Driver, signal: AbortSignal): Promise<DriverError | undefined> {
    const stop = new AbortController();
    const inbox = new CommandInbox();
    const forward = () => stop.abort();
    signal.addEventListener("abort", forward, { once: true });
    // Commands end with the abort, so that a driver may wait for its own loop over them.
    stop.signal.addEventListener("abort", () => inbox.close(), { once: true });
    const { isTraced } = this.#options;
    const links = tracedLinks(this.#options.links, this.#log, isTraced);
    const openBus: DeviceLinks["openBus"] = async (port, settings) =>
      slowedLease(await links.openBus(port, settings), () => this.#slowBy);
    const listenTcp: DeviceLinks["listenTcp"] = async (address) => {
      const listener = await links.listenTcp(address);
      if (!stop.signal.aborted) this.#health.listening(this.#clock.nowMs(), this.#clock.upMs());
      return listener;
    };
    const context = new RunContext({ ...links, openBus, listenTcp }, this.#clock, stop.signal, inbox, {
      online: (subject) => this.#onOnline(subject),
      fault: (error, subject) => this.#onFault(error, subject),
      emit: (reading, subject) => this.#emit(reading, subject),
    });
    this.#run = { context, inbox, stop };
    this.#health.running(this.#clock.upMs());
    const ended = attempt(() => driver.run(this.#options.device.config, context.context));
    const over = new AbortController();
    const error = await Promise.race([ended, this.#hung(stop.signal, over.signal)]);
    over.abort();
    this.#run = undefined;
    signal.removeEventListener("abort", forward);
    const wasAsked = stop.signal.aborted;
    stop.abort();
    await context.revoke();
    if (error?.code === "DRIVER_HUNG") this.#log.error(facts(error), "driver left behind");
    return wasAsked ? undefined : error;
  }

  async #hung(signal: AbortSignal, over: AbortSignal): Promise<DriverError> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
    await promise;
    await this.#clock.sleep(ABORT_GRACE_MS, over);
    return new DriverError("DRIVER_HUNG", `the driver did not end within ${ABORT_GRACE_MS / 1000} s of being asked`, {
      retry: "backoff",
      hint: "This is a fault of the driver. Please report it with the log.",
    });
  }

  #onOnline(subject: Subject | undefined): void {
    const nowMs = this.#clock.nowMs();
    const upMs = this.#clock.upMs();
    this.#onlineSinceMs ??= upMs;
    if (this.#health.state !== "online") {
      this.#log.info({ from: this.#health.state }, "device online");
      this.#loggedCode = undefined;
    }
    this.#health.online(nowMs, upMs);
    if (subject !== undefined) this.#subjects.online(subject, nowMs, upMs);
  }

  #onFault(error: DriverError, subject: Subject | undefined): void {
    const upMs = this.#clock.upMs();
    if (subject === undefined) this.#health.fault(error, upMs);
    else this.#subjects.fault(subject, error, this.#clock.nowMs(), upMs);
  }

  async #emit(reading: Reading, subject: Subject | undefined): Promise<void> {
    try {
      await this.#options.onReading({ device: this.#options.device.id, ...(subject && { subject }), reading });
      this.#emitFaults = 0;
    } catch (error) {
      // The pipeline's trouble is not the device's: it is said once, and the device goes on being read.
      if (this.#emitFaults++ === 0) this.#log.error({ cause: String(error) }, "reading was not taken");
    }
  }
}

function tooLate(kind: string, timeoutMs: number, isWithdrawn: boolean): CommandOutcome {
  const hint = isWithdrawn
    ? "It was not begun and is taken back. Send it again."
    : "It had begun and may still be done.";
  return refused("COMMAND_TIMEOUT", `the device did not act on "${kind}" within ${timeoutMs} ms`, hint);
}

/** Runs a driver whatever it does: throws at once, rejects, or returns although nobody asked it to. */
async function attempt(run: () => Promise<void>): Promise<DriverError> {
  try {
    await run();
  } catch (error) {
    return asDriverError(error, "backoff");
  }
  return new DriverError("DRIVER_RETURNED", "the driver ended although nobody asked it to", {
    retry: "backoff",
    hint: "The device closed its connection, or the driver has a fault. It is started again.",
  });
}

function asDriverError(error: unknown, retry: "backoff" | "never"): DriverError {
  if (error instanceof DriverError) return error;
  return new DriverError(
    "DRIVER_FAULT",
    `the driver broke: ${error instanceof Error ? error.message : String(error)}`,
    {
      retry,
      hint: "This is a fault of the driver. Please report it with the log.",
      cause: error,
    },
  );
}

function facts(error: DriverError): object {
  const { code, message, hint, cause } = error;
  return { code, message, hint, ...(cause instanceof Error && { stack: cause.stack }) };
}

function numberAt(config: unknown, key: string): number | undefined {
  if (typeof config !== "object" || config === null) return undefined;
  const value: unknown = Object.entries(config).find(([name]) => name === key)?.[1];
  return typeof value === "number" ? value : undefined;
}
