import { setTimeout as wait } from "node:timers/promises";
import type { ByteLink, TcpAddress } from "../driver.ts";
import { openTcpLink } from "../net/tcp-client.ts";
import { ANSWER, TIME } from "./answers.ts";
import { composeFrame, composeSegment, type Head } from "./compose.ts";
import { COMMAND } from "./decode.ts";
import { DEVIATION_NAMES } from "./deviations.ts";
import { FrameReader } from "./framing.ts";
import { formatLocalTime, formatRequestNumber } from "./local-time.ts";
import { type Edition, type Message, parseSegment } from "./segment.ts";

export interface StationSimulatorOptions {
  readonly connect: TcpAddress;
  readonly mn: string;
  readonly password?: string;
  readonly edition?: Edition;
  /** Level at that time, dB(A). */
  readonly levelAt: (atMs: number) => number;
  /** Between two real-time reports; default 10,000. */
  readonly periodMs?: number;
  /** Waits so long before its first report, so that many do not speak at once. */
  readonly firstAfterMs?: number;
  /** 60 to 3600: also reports the statistics of such periods. */
  readonly minutePeriodS?: number;
  /** Adds dust and weather to the real-time reports. */
  readonly hasDust?: boolean;
  /** How far its clock is ahead. */
  readonly clockOffsetMs?: number;
  readonly nowMs?: () => number;
  readonly onStatus?: (status: StationStatus) => void;
}

export interface StationStatus {
  readonly sent: number;
  readonly answered: number;
  readonly connections: number;
  /** Times that the centre set. */
  readonly timesSet: number;
}

export interface StationSimulator {
  readonly status: StationStatus;
  close(): Promise<void>;
}

const RECONNECT_MS = 1000;
const LEVELS_KEPT = 3600;

/** A station that connects, reports, waits for no answer but counts them, and connects again when it is cut off. */
export function startStationSimulator(options: StationSimulatorOptions): StationSimulator {
  const station = new Station(options);
  return { status: station.status, close: () => station.close() };
}

class Station {
  readonly status = { sent: 0, answered: 0, connections: 0, timesSet: 0 };
  readonly #options: StationSimulatorOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #clockOffsetMs: number;
  #link: ByteLink | undefined;

  constructor(options: StationSimulatorOptions) {
    this.#options = options;
    this.#clockOffsetMs = options.clockOffsetMs ?? 0;
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#link?.[Symbol.asyncDispose]();
    await this.#running;
  }

  async #run(): Promise<void> {
    if (!(await this.#pause(this.#options.firstAfterMs ?? 0))) return;
    while (!this.#stop.signal.aborted) {
      try {
        await using link = await openTcpLink(this.#options.connect, this.#stop.signal);
        this.#link = link;
        this.status.connections++;
        await Promise.race([this.#report(link), this.#listen(link)]);
      } catch {
        // Cut off or refused: it tries again, as a station does.
      }
      this.#options.onStatus?.(this.status);
      if (!(await this.#pause(RECONNECT_MS))) return;
    }
  }

  async #report(link: ByteLink): Promise<void> {
    const { levelAt, minutePeriodS, periodMs = 10_000 } = this.#options;
    const periodLengthMs = (minutePeriodS ?? 0) * 1000;
    let lastPeriodMs = Math.floor(this.#nowMs() / Math.max(1, periodLengthMs));
    do {
      const atMs = this.#nowMs();
      await this.#send(link, COMMAND.realTime, `DataTime=${formatLocalTime(atMs)};${this.#realTime(levelAt(atMs))}`);
      if (periodLengthMs > 0 && Math.floor(atMs / periodLengthMs) > lastPeriodMs) {
        lastPeriodMs = Math.floor(atMs / periodLengthMs);
        const fromMs = (lastPeriodMs - 1) * periodLengthMs;
        const area = `DataTime=${formatLocalTime(fromMs)};${this.#statistics(fromMs, periodLengthMs)}`;
        await this.#send(link, COMMAND.minute, area);
      }
    } while (await this.#pause(periodMs));
  }

  async #send(link: ByteLink, command: number, area: string): Promise<void> {
    await link.write(composeFrame(composeSegment(this.#head(command), area)));
    this.status.sent++;
  }

  #head(command: number): Head {
    const { mn, password = "123456", edition = 2017, hasDust = false } = this.#options;
    const qn = formatRequestNumber(this.#nowMs());
    return { qn, system: hasDust ? "39" : "23", command, password, mn, edition, needsAnswer: true };
  }

  #realTime(levelDb: number): string {
    const level = `LA-Rtd=${levelDb.toFixed(1)},LA-Flag=N`;
    if (this.#options.hasDust !== true) return level;
    const values = { a34004: "35.0", a34002: "62.7", a01001: "18.3", a01002: "45.0", a01007: "1.2", a01008: "135" };
    return [level, ...Object.entries(values).map(([code, value]) => `${code}-Rtd=${value},${code}-Flag=N`)].join(";");
  }

  #statistics(fromMs: number, lengthMs: number): string {
    const count = Math.min(LEVELS_KEPT, lengthMs / 1000);
    const levels = Array.from({ length: count }, (_, second) => this.#options.levelAt(fromMs + second * 1000));
    const falling = levels.toSorted((a, b) => b - a);
    const exceeded = (percent: number) => falling[Math.max(0, Math.ceil((percent * count) / 100) - 1)] ?? 0;
    const leq = 10 * Math.log10(levels.reduce((sum, level) => sum + 10 ** (level / 10), 0) / count);
    const values = {
      Leq: leq,
      LMx: exceeded(0),
      LMn: exceeded(100),
      L10: exceeded(10),
      L50: exceeded(50),
      L90: exceeded(90),
    };
    return Object.entries(values)
      .map(([code, value]) => `${code}-Data=${value.toFixed(1)}`)
      .join(";");
  }

  async #listen(link: ByteLink): Promise<void> {
    const reader = new FrameReader(DEVIATION_NAMES);
    for await (const chunk of link) {
      for (const item of reader.push(chunk))
        if ("frame" in item) await this.#hear(link, parseSegment(item.frame.segment));
    }
  }

  async #hear(link: ByteLink, { command, fields, qn = "" }: Message): Promise<void> {
    if (command === ANSWER.data || command === ANSWER.notice) this.status.answered++;
    if (command !== TIME.set) return;
    const text = fields.find(({ name }) => name === "SystemTime")?.value;
    if (text === undefined) return;
    this.#clockOffsetMs = 0;
    this.status.timesSet++;
    const head = { ...this.#head(ANSWER.request), qn, system: "91", needsAnswer: false };
    await link.write(composeFrame(composeSegment(head, "QnRtn=1")));
    await link.write(composeFrame(composeSegment({ ...head, command: ANSWER.result }, "ExeRtn=1")));
  }

  #nowMs(): number {
    return (this.#options.nowMs?.() ?? Date.now()) + this.#clockOffsetMs;
  }

  /** @returns false when it is to end */
  async #pause(ms: number): Promise<boolean> {
    try {
      await wait(ms, undefined, { signal: this.#stop.signal });
      return true;
    } catch {
      return false;
    }
  }
}
