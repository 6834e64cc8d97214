import type { Subject } from "../../protocol/ids.ts";
import type { ByteLink, DriverContext } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { ahead } from "../net/ahead.ts";
import { ANSWER, answerTo, composeAnswer, composeSetTime, TIME } from "./answers.ts";
import { ClockWatch, clockFault } from "./clock-watch.ts";
import type { Hj212Config } from "./config.ts";
import { COMMAND, dataTimeMs, decodeReport, periodOf } from "./decode.ts";
import { type Deviation, refused, tolerated } from "./deviations.ts";
import { Fragments } from "./fragments.ts";
import { type Frame, type FrameOrFault, FrameReader } from "./framing.ts";
import { localTimeMs } from "./local-time.ts";
import { type Message, parseSegment } from "./segment.ts";

/** A frame that lacks only its line end is taken after so much quiet. */
const QUIET_MS = 1000;
const RATE_WINDOW_MS = 10_000;
const SET_TIME_EVERY_MS = 3_600_000;
/** Values that are older than their message by more than this were kept back. */
const KEPT_BACK_MS = 120_000;

/** Decides who may report here. */
export interface Doorkeeper {
  /** @returns why this message is turned away, and whether its station is a known one */
  refusal(
    message: Message,
    connection: Connection,
  ): { readonly error: DriverError; readonly isKnown: boolean } | undefined;
}

/** One connection: frames in, readings and answers out, one frame after the other. */
export class Connection {
  readonly #link: ByteLink;
  readonly #config: Hj212Config;
  readonly #context: DriverContext;
  readonly #door: Doorkeeper;
  readonly #reader: FrameReader;
  readonly #fragments: Fragments;
  readonly #clocks = new Map<string, ClockWatch>();
  readonly #timeSetUpMs = new Map<string, number>();
  readonly #stations = new Set<string>();
  #heardUpMs: number;
  #windowFromUpMs: number;
  #windowBytes = 0;
  #isShut = false;

  constructor(link: ByteLink, config: Hj212Config, context: DriverContext, door: Doorkeeper) {
    this.#link = link;
    this.#config = config;
    this.#context = context;
    this.#door = door;
    this.#reader = new FrameReader(config.tolerate);
    this.#fragments = new Fragments(config.packetTimeoutS * 1000);
    this.#heardUpMs = context.clock.upMs();
    this.#windowFromUpMs = this.#heardUpMs;
  }

  get peer(): string {
    return this.#link.peer;
  }

  /** Numbers of the stations that report here. */
  get stations(): Set<string> {
    return this.#stations;
  }

  /** Serves it until it ends. @throws DriverError CONNECTION_LOST */
  async serve(): Promise<void> {
    const chunks = this.#link[Symbol.asyncIterator]();
    let next = ahead(chunks);
    while (!this.#isShut) {
      const chunk = this.#reader.awaitsLineEnd ? await this.#withinQuiet(next) : await next;
      if (chunk === "quiet") {
        await this.#takeAll(this.#reader.settle());
        continue;
      }
      if (chunk.done === true) return this.#takeAll(this.#reader.end());
      next = ahead(chunks);
      await this.#takeChunk(chunk.value);
    }
  }

  /** Ends it, for a reason that is told once. */
  async shut(error: DriverError, subject?: Subject): Promise<void> {
    if (this.#isShut) return;
    this.#isShut = true;
    this.#context.fault(error, subject);
    await this.#link[Symbol.asyncDispose]();
  }

  /** Looks after what depends on time: messages in pieces, and a connection on which nothing comes. */
  async tick(upMs: number): Promise<void> {
    for (const { mn, fault } of this.#fragments.expire(upMs)) this.#context.fault(fault, subjectOf(mn));
    const idleS = Math.round((upMs - this.#heardUpMs) / 1000);
    if (idleS > this.#config.idleTimeoutS) await this.shut(limit(`${this.peer} sent nothing for ${idleS} s`));
  }

  async #withinQuiet<T>(next: Promise<T>): Promise<T | "quiet"> {
    const heard = new AbortController();
    const quiet = this.#context.clock.sleep(QUIET_MS, heard.signal).then(() => "quiet" as const);
    try {
      return await Promise.race([next, quiet]);
    } finally {
      heard.abort();
    }
  }

  async #takeChunk(chunk: Uint8Array): Promise<void> {
    this.#heardUpMs = this.#context.clock.upMs();
    if (this.#heardUpMs - this.#windowFromUpMs >= RATE_WINDOW_MS) {
      this.#windowFromUpMs = this.#heardUpMs;
      this.#windowBytes = 0;
    }
    this.#windowBytes += chunk.length;
    if (this.#windowBytes > (this.#config.maxBytesPerS * RATE_WINDOW_MS) / 1000) {
      return this.shut(limit(`${this.peer} sent ${this.#windowBytes} bytes within ${RATE_WINDOW_MS / 1000} s`));
    }
    await this.#takeAll(this.#reader.push(chunk));
  }

  async #takeAll(found: readonly FrameOrFault[]): Promise<void> {
    for (const item of found) {
      if (this.#isShut) return;
      try {
        if ("fault" in item) this.#blame(item.fault);
        else await this.#takeFrame(item.frame);
      } catch (error) {
        if (!(error instanceof DriverError) || error.code === "CONNECTION_LOST") throw error;
        this.#blame(error);
      }
    }
  }

  /** A frame that cannot be read is its station's fault where only one reports here. */
  #blame(fault: DriverError): void {
    const [only, ...others] = this.#stations;
    this.#context.fault(fault, only === undefined || others.length > 0 ? undefined : subjectOf(only));
  }

  async #takeFrame(frame: Frame): Promise<void> {
    const message = parseSegment(frame.segment);
    const subject = subjectOf(message.mn);
    const refusal = this.#door.refusal(message, this);
    if (refusal !== undefined) return this.shut(refusal.error, refusal.isKnown ? subject : undefined);
    try {
      this.#insistOn(message.deviations);
      const deviations = [...frame.deviations, ...message.deviations, ...(await this.#takeMessage(message, subject))];
      if (deviations.length > 0) this.#context.fault(tolerated(deviations), subject);
    } catch (error) {
      if (!(error instanceof DriverError) || error.code === "CONNECTION_LOST") throw error;
      this.#context.fault(error, subject);
    }
  }

  #insistOn(deviations: readonly Deviation[]): void {
    const intolerable = deviations.find((deviation) => !this.#config.tolerate.includes(deviation));
    if (intolerable !== undefined) throw refused(intolerable);
  }

  /** @returns deviations in the values */
  async #takeMessage(message: Message, subject: Subject): Promise<readonly Deviation[]> {
    const { clock, online } = this.#context;
    const { command } = message;
    const answer = answerTo(command);
    if (answer === undefined) {
      if (!REPLIES.includes(command)) throw unknownCommand(command);
      online(subject);
      checkReply(message);
      return [];
    }
    if (answer === ANSWER.notice) {
      online(subject);
      await this.#answer(message, answer);
      const madeAtMs = madeAt(message);
      if (madeAtMs !== undefined) await this.#judgeClock(message, subject, madeAtMs);
      if (command === TIME.wanted) await this.#setTime(message);
      return [];
    }
    const whole = this.#fragments.add(message, clock.upMs());
    const deviations = whole === undefined ? [] : await this.#report(whole, subject);
    online(subject);
    if (whole !== undefined || this.#config.answerPackets === "each") await this.#answer(message, answer);
    return deviations;
  }

  async #report(message: Message, subject: Subject): Promise<readonly Deviation[]> {
    const { clock, emit, fault } = this.#context;
    const settings = { ...this.#config, ...ownSettings(this.#config, message.mn) };
    const dataMs = dataTimeMs(message);
    const endMs = dataMs + (periodOf(message.command, settings) ?? 0) * 1000;
    const saidMs = madeAt(message) ?? endMs;
    const { isLive, offsetS } = await this.#judgeClock(message, subject, saidMs);
    const isKeptBack = saidMs - endMs > Math.max(KEPT_BACK_MS, settings.levelPeriodS * 2000);
    const report = decodeReport(message, settings, {
      nowMs: clock.nowMs(),
      isLive: isLive && !isKeptBack,
      ...(offsetS !== undefined && { clockOffsetS: offsetS }),
    });
    this.#insistOn(report.deviations);
    for (const reading of report.readings) await emit(reading, subject);
    for (const error of report.faults) fault(error, subject);
    return report.deviations;
  }

  async #judgeClock(message: Message, subject: Subject, saidMs: number): Promise<ReturnType<ClockWatch["judge"]>> {
    const { clock, fault } = this.#context;
    const watch = this.#clocks.get(message.mn) ?? new ClockWatch(this.#config.maxClockOffsetS);
    this.#clocks.set(message.mn, watch);
    const verdict = watch.judge(saidMs, clock.nowMs(), clock.upMs(), message.isBackfill);
    if (verdict.offsetS !== undefined) {
      fault(clockFault(verdict.offsetS), subject);
      if (verdict.isLive || verdict.offsetS > 0) await this.#setTime(message);
    }
    return verdict;
  }

  async #setTime(message: Message): Promise<void> {
    const { clock } = this.#context;
    const setUpMs = this.#timeSetUpMs.get(message.mn);
    if (!this.#config.setTime || (setUpMs !== undefined && clock.upMs() - setUpMs < SET_TIME_EVERY_MS)) return;
    this.#timeSetUpMs.set(message.mn, clock.upMs());
    await this.#link.write(composeSetTime(message, clock.nowMs()));
  }

  async #answer(message: Message, command: number): Promise<void> {
    const bytes = message.needsAnswer ? composeAnswer(message, command) : undefined;
    if (bytes !== undefined) await this.#link.write(bytes);
  }
}

export function subjectOf(mn: string): Subject {
  return { type: "station", id: mn };
}

export function limit(seen: string): DriverError {
  return new DriverError("HJ212_LIMIT", seen, {
    retry: "backoff",
    hint: "The connection is closed; the station may connect again. See idleTimeoutS, maxBytesPerS, maxConnections.",
  });
}

const REPLIES: readonly number[] = [ANSWER.request, ANSWER.result, ANSWER.notice, ANSWER.data];

/** When the station made the message, by its own clock. */
function madeAt({ qn }: Message): number | undefined {
  return qn === undefined ? undefined : localTimeMs(/^\d{17}/.exec(qn)?.[0] ?? qn);
}

/** What a station says to a command of ours. @throws DriverError HJ212_EXECUTION */
function checkReply({ command, fields }: Message): void {
  const name = command === ANSWER.request ? "QnRtn" : "ExeRtn";
  const value = fields.find((field) => field.name === name)?.value ?? "1";
  if (value === "1" || (command !== ANSWER.request && command !== ANSWER.result)) return;
  throw new DriverError("HJ212_EXECUTION", `the station answers ${name}=${value.slice(0, 10)}`, {
    retry: "backoff",
    hint: "It did not do what it was asked, such as setting its time. Its manual explains the number.",
  });
}

function unknownCommand(command: number): DriverError {
  const read = [...Object.values(COMMAND), ANSWER.heartbeat, TIME.wanted].join(", ");
  return new DriverError("HJ212_COMMAND", `command ${command} is not read`, {
    retry: "backoff",
    hint: `It is neither answered nor kept. What is read: ${read}. Switch the others off at the station.`,
  });
}

/** What the config says of this station alone. */
function ownSettings(
  { stations = {} }: Hj212Config,
  mn: string,
): Partial<Pick<Hj212Config, "levelPeriodS" | "minutePeriodS">> {
  const { levelPeriodS, minutePeriodS } = (Object.hasOwn(stations, mn) ? stations[mn] : undefined) ?? {};
  return { ...(levelPeriodS !== undefined && { levelPeriodS }), ...(minutePeriodS !== undefined && { minutePeriodS }) };
}
