import type { ByteLink, DriverContext } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { needsConfirmation } from "./alarm-bits.ts";
import type { Jt808Config } from "./config.ts";
import { Fragments } from "./fragments.ts";
import { encodeFrame, type Frame, type FrameHeader, type FrameOrFault } from "./frame.ts";
import { FrameReader } from "./frame-reader.ts";
import type { Location } from "./location.ts";
import { decodeLocation } from "./location.ts";
import {
  decodeAuthentication,
  decodeBatch,
  decodeRegistration,
  decodeTerminalAck,
  MESSAGE,
  platformAck,
  REGISTER_RESULT,
  RESULT,
  registerAck,
} from "./messages.ts";
import { type ReportKind, reportTime } from "./report-time.ts";
import { callOf } from "./terminal-state.ts";
import { authenticationCode, type Terminal, type TerminalLink, type Terminals, terminalId } from "./terminals.ts";

/** Reading ahead of the allowed rate by so many seconds is no flood. */
const BURST_S = 5;
const LONGEST_PAUSE_MS = 2000;
/** Who has not authenticated by then does not want to. */
const STRANGER_MS = 30_000;

/** One connection, from its first byte to its last. */
export class Session implements TerminalLink {
  readonly #link: ByteLink;
  readonly #config: Jt808Config;
  readonly #context: DriverContext;
  readonly #terminals: Terminals;
  readonly #reader = new FrameReader();
  readonly #fragments: Fragments;
  readonly #openedUpMs: number;
  #terminal: Terminal | undefined;
  #isOpen = true;
  #heardUpMs: number;
  #allowance: number;
  #allowedUpMs: number;
  #isFlooding = false;

  constructor(link: ByteLink, config: Jt808Config, context: DriverContext, terminals: Terminals) {
    this.#link = link;
    this.#config = config;
    this.#context = context;
    this.#terminals = terminals;
    this.#fragments = new Fragments((error) => this.#fault(error));
    this.#openedUpMs = context.clock.upMs();
    this.#heardUpMs = this.#openedUpMs;
    this.#allowedUpMs = this.#openedUpMs;
    this.#allowance = BURST_S * config.maxBytesPerS;
  }

  get peer(): string {
    return this.#link.peer;
  }

  /** Resolves when the connection ends, however it does. */
  async serve(): Promise<void> {
    try {
      for await (const chunk of this.#link) {
        await this.#slowDown(chunk.length);
        for (const found of this.#reader.push(chunk)) {
          if (!this.#isOpen) return;
          await this.#take(found);
        }
      }
      for (const found of this.#reader.end()) await this.#take(found);
    } catch (error) {
      // A link that broke is a vehicle out of reach; only its silence counts.
      if (!(error instanceof DriverError)) throw error;
    } finally {
      if (this.#terminal?.link === this) this.#terminal.link = undefined;
      await this.close();
    }
  }

  async send(frame: Omit<Frame, "isEncrypted">): Promise<void> {
    await this.#link.write(encodeFrame(frame));
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    await this.#link[Symbol.asyncDispose]();
  }

  /** Closes itself when nothing has come for too long. */
  sweep(upMs: number): void {
    this.#fragments.forget(upMs);
    const isStranger = this.#terminal === undefined && upMs - this.#openedUpMs > STRANGER_MS;
    if (isStranger || upMs - this.#heardUpMs > this.#config.idleTimeoutS * 1000) void this.close();
  }

  async #slowDown(sizeBytes: number): Promise<void> {
    const { maxBytesPerS } = this.#config;
    const { clock, signal } = this.#context;
    const upMs = clock.upMs();
    const earned = ((upMs - this.#allowedUpMs) * maxBytesPerS) / 1000;
    this.#allowance = Math.min(BURST_S * maxBytesPerS, this.#allowance + earned) - sizeBytes;
    this.#allowedUpMs = upMs;
    if (this.#allowance >= 0) {
      this.#isFlooding = false;
      return;
    }
    if (!this.#isFlooding) {
      const message = `${this.peer} sends more than ${maxBytesPerS} bytes a second and is read more slowly`;
      this.#fault(trouble("JT808_FLOOD", message, "Look at that terminal, or raise maxBytesPerS."));
    }
    this.#isFlooding = true;
    await clock.sleep(Math.min(LONGEST_PAUSE_MS, (-this.#allowance * 1000) / maxBytesPerS), signal);
  }

  async #take(found: FrameOrFault): Promise<void> {
    if ("fault" in found) {
      this.#fault(found.fault);
      if (found.header !== undefined) await this.#answer(found.header, RESULT.bad);
      return;
    }
    this.#heardUpMs = this.#context.clock.upMs();
    try {
      const whole = this.#fragments.take(found.frame, this.#heardUpMs);
      if (whole === undefined) await this.#answer(found.frame, RESULT.good);
      else await this.#hear(whole);
    } catch (error) {
      if (!(error instanceof DriverError) || !this.#isOpen) throw error;
      this.#fault(error);
      await this.#answer(found.frame, RESULT.bad);
    }
  }

  async #hear(frame: Frame): Promise<void> {
    if (frame.isEncrypted) {
      this.#fault(trouble("JT808_ENCRYPTED", "a terminal encrypts its messages", "Switch its encryption off."));
      return this.#answer(frame, RESULT.unsupported);
    }
    const id = terminalId(frame.phone);
    if (!this.#terminals.isAllowed(id)) return this.#refuseStranger(frame, id);
    if (this.#terminal !== undefined && this.#terminal.subject.id !== id) {
      this.#fault(
        trouble("JT808_PHONE_CHANGED", `${this.peer} spoke for ${this.#terminal.subject.id}, now for ${id}`, ONE),
      );
      return this.#answer(frame, RESULT.failed);
    }
    if (frame.messageId === MESSAGE.register) {
      decodeRegistration(frame.body, frame.edition);
      return this.#send(
        frame,
        MESSAGE.registerAck,
        registerAck(frame.serial, REGISTER_RESULT.good, authenticationCode(id)),
      );
    }
    if (frame.messageId === MESSAGE.authenticate) {
      if (decodeAuthentication(frame.body, frame.edition) !== authenticationCode(id)) {
        this.#fault(trouble("JT808_AUTHENTICATION", `terminal ${id} shows a code that is not its own`, REGISTER_AGAIN));
        return this.#answer(frame, RESULT.failed);
      }
      this.#speakFor(id, frame);
      return this.#answer(frame, RESULT.good);
    }
    if (this.#terminal === undefined && this.#config.authentication === "required") {
      this.#fault(trouble("JT808_NOT_AUTHENTICATED", `terminal ${id} reports before it authenticates`, REGISTER_AGAIN));
      return this.#answer(frame, RESULT.failed);
    }
    await this.#serveTerminal(this.#speakFor(id, frame), frame);
  }

  async #serveTerminal(terminal: Terminal, frame: Frame): Promise<void> {
    this.#context.online(terminal.subject);
    switch (frame.messageId) {
      case MESSAGE.heartbeat:
        return this.#answer(frame, RESULT.good);
      case MESSAGE.terminalAck: {
        const { serial, result } = decodeTerminalAck(frame.body);
        terminal.unanswered.get(serial)?.(result);
        return;
      }
      case MESSAGE.location: {
        const location = decodeLocation(frame.body);
        await this.#report(terminal, location, "live");
        return this.#answer(frame, needsConfirmation(location.alarmBits) ? RESULT.alarmTaken : RESULT.good);
      }
      case MESSAGE.locationAnswer:
        await this.#report(terminal, decodeLocation(frame.body.subarray(2)), "live");
        return this.#answer(frame, RESULT.good);
      case MESSAGE.batch: {
        const { isBackfill, items } = decodeBatch(frame.body);
        for (const item of items) {
          if ("fault" in item) this.#fault(item.fault);
          else await this.#report(terminal, item.location, isBackfill ? "backfill" : "batch");
        }
        return this.#answer(frame, RESULT.good);
      }
      case MESSAGE.logout:
        await this.#answer(frame, RESULT.good);
        return this.close();
      default:
        return this.#answer(frame, RESULT.unsupported);
    }
  }

  async #report(terminal: Terminal, location: Location, kind: ReportKind): Promise<void> {
    const { emit, clock } = this.#context;
    for (const fault of location.faults) this.#fault(fault);
    const { time, fault } = reportTime(location.terminalAtMs, kind, clock.nowMs());
    // Without a fix a terminal has no clock to trust either.
    if (fault !== undefined && location.position !== undefined) this.#fault(fault);
    if (time === undefined) {
      // Nobody knows when, but somebody calls for help.
      for (const call of callOf(location)) await emit({ ...call, atMs: clock.nowMs() }, terminal.subject);
      return;
    }
    for (const reading of terminal.state.take(location, time.fixAtMs)) {
      await emit({ ...reading, atMs: time.atMs }, terminal.subject);
    }
  }

  /** From here on this connection is the terminal's; an older one is closed. */
  #speakFor(id: string, header: FrameHeader): Terminal {
    const terminal = this.#terminals.of(id, header);
    const older = terminal.link;
    terminal.state.heard(this.#heardUpMs);
    this.#terminal = terminal;
    terminal.link = this;
    if (older !== undefined && older !== this) {
      const message = `terminal ${id} connects from ${this.peer} while it is connected from ${older.peer}`;
      this.#fault(
        trouble(
          "JT808_TAKEN_OVER",
          message,
          "The newer connection is used. If it repeats, two terminals have one number.",
        ),
      );
      void older.close();
    }
    return terminal;
  }

  async #refuseStranger(frame: Frame, id: string): Promise<void> {
    const hint = "Add its number to `terminals` if it is yours.";
    this.#fault(trouble("JT808_UNKNOWN_TERMINAL", `terminal ${id} from ${this.peer} is not listed`, hint));
    if (frame.messageId !== MESSAGE.register) return this.#answer(frame, RESULT.failed);
    await this.#send(frame, MESSAGE.registerAck, registerAck(frame.serial, REGISTER_RESULT.terminalUnknown, ""));
  }

  #answer(header: FrameHeader, result: number): Promise<void> {
    return this.#send(header, MESSAGE.platformAck, platformAck(header.serial, header.messageId, result));
  }

  async #send({ edition, phone }: FrameHeader, messageId: number, body: Uint8Array): Promise<void> {
    const serial = this.#terminal === undefined ? 0 : this.#terminal.nextSerial++ & 0xffff;
    await this.send({ messageId, edition, phone, serial, body });
  }

  #fault(error: DriverError): void {
    this.#context.fault(error, this.#terminal?.subject);
  }
}

const ONE = "Each terminal needs a connection of its own.";
const REGISTER_AGAIN = "It registers again by itself, or after a restart; very old ones need `authentication: off`.";

function trouble(code: string, message: string, hint: string): DriverError {
  return new DriverError(code, message, { retry: "backoff", hint });
}
