import { writeSync } from "node:fs";
import process from "node:process";

/** Four beats fit into the time that the manager waits for one. */
const BEATS = 4;
/** Without a watchdog only the status line is told. */
const STATUS_EVERY_MS = 15_000;
const US_PER_MS = 1000;

/** How this process speaks to the service manager that started it. */
export interface ServiceChannel {
  /** Sends one message; one that is not taken at once is dropped. */
  readonly send: (message: string) => void;
  /** Without a beat for so long the manager ends this process; undefined where it does not watch. */
  readonly watchdogMs: number | undefined;
}

/**
 * The channel that `scripts/shao` opened: Node itself cannot open a datagram socket of the file system, but writes to one
 * that it was given. Taken out of the environment, so that no child speaks for us.
 * @returns undefined where no service manager listens
 * @source sd_notify(3), sd_watchdog_enabled(3)
 */
export function serviceChannel(environment: NodeJS.ProcessEnv = process.env): ServiceChannel | undefined {
  const { SHAO_NOTIFY_FD: fd, WATCHDOG_USEC: usec, WATCHDOG_PID: pid } = environment;
  for (const name of ["SHAO_NOTIFY_FD", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]) delete environment[name];
  if (fd === undefined || !/^\d+$/u.test(fd)) return undefined;
  const isWatched = Number(usec) > 0 && (pid === undefined || Number(pid) === process.pid);
  return {
    send(message) {
      try {
        writeSync(Number(fd), message);
      } catch {
        // A manager that reads too slowly misses this one, and hears the next.
      }
    },
    watchdogMs: isWatched ? Number(usec) / US_PER_MS : undefined,
  };
}

/** Where a withheld beat is told. */
export interface WatchLog {
  warn(facts: object, sentence: string): void;
}

/**
 * Tells a service manager how this process is: ready, alive, stopping, and one line for people. A beat is given only when
 * `check` has answered since the last one, so a process that runs and does nothing is ended and started anew.
 */
export class ServiceManager {
  readonly #channel: ServiceChannel | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isAsking = false;
  #isTold = false;
  #isStopping = false;
  readonly #log: WatchLog;

  constructor(log: WatchLog, channel: ServiceChannel | undefined = serviceChannel()) {
    this.#log = log;
    this.#channel = channel;
  }

  /**
   * It works from now on.
   * @param check resolves with one line about how it stands once all that must work has shown that it does; while it
   * rejects or does not answer, no beat is given
   */
  ready(status: string, check: () => Promise<string>): void {
    const channel = this.#channel;
    if (channel === undefined) return;
    channel.send(`READY=1\nSTATUS=${status}\nWATCHDOG=1`);
    const everyMs = channel.watchdogMs === undefined ? STATUS_EVERY_MS : channel.watchdogMs / BEATS;
    this.#timer = setInterval(() => void this.#ask(channel, check), everyMs);
  }

  /** It ends by itself: nothing more is asked of it. */
  stopping(): void {
    clearInterval(this.#timer);
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#channel?.send("STOPPING=1\nSTATUS=ends");
  }

  async #ask(channel: ServiceChannel, check: () => Promise<string>): Promise<void> {
    if (this.#isAsking) {
      this.#withhold(channel, "WATCH_SILENT", "what must work has not answered since the last beat");
      return;
    }
    this.#isAsking = true;
    try {
      channel.send(`WATCHDOG=1\nSTATUS=${oneLine(await check())}`);
      this.#isTold = false;
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : "WATCH_SILENT";
      this.#withhold(channel, code, error instanceof Error ? error.message : String(error));
    } finally {
      this.#isAsking = false;
    }
  }

  #withhold(channel: ServiceChannel, code: string, reason: string): void {
    channel.send(`STATUS=no progress: ${oneLine(reason)}`);
    if (this.#isTold) return;
    this.#isTold = true;
    this.#log.warn({ code, reason, watchdogMs: channel.watchdogMs }, "no beat is given to the service manager");
  }
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/gu, " ").slice(0, 200);
}
