import { DriverError } from "../../drivers/errors.ts";
import type { DeviceBody } from "../../protocol/bodies.ts";

const SILENT_AFTER_PERIODS = 3;
/** While it is not online, its health is said again this often, with what was folded into it. */
const REPEAT_EVERY_MS = 60_000;
/** A fault that comes so often while the device is online is shown beside "online", until it stays away so long. */
const SHOWN_FROM_FAULTS = 5;
const FAULT_FORGOTTEN_MS = 10_000;

type State = DeviceBody["state"];

/** The one health state of a device, or of one subject behind it. Pure: it is told the time and says what to report. */
export class HealthTracker {
  readonly #periodMs: number | undefined;
  readonly #report: (body: DeviceBody) => void;
  #state: State = "starting";
  #sinceMs: number;
  #error: DriverError | undefined;
  #retryInMs: number | undefined;
  #repeated = 0;
  #reportedUpMs = Number.NEGATIVE_INFINITY;
  #reportedCode: string | undefined;
  #heardUpMs: number;
  #faultUpMs = Number.NEGATIVE_INFINITY;
  #isParked = false;
  #isUnheard = false;

  /** @param periodMs how often the device should be heard; without it, it is never silent */
  constructor(periodMs: number | undefined, nowMs: number, upMs: number, report: (body: DeviceBody) => void) {
    this.#periodMs = periodMs;
    this.#report = report;
    this.#sinceMs = nowMs;
    this.#heardUpMs = upMs;
    this.#say(upMs);
  }

  get state(): State {
    return this.#state;
  }

  get body(): DeviceBody {
    return {
      state: this.#state,
      sinceMs: this.#sinceMs,
      ...(this.#error && {
        code: this.#error.code,
        message: this.#error.message.slice(0, 500),
        hint: this.#error.hint.slice(0, 500),
      }),
      ...(this.#retryInMs !== undefined && { retryInMs: this.#retryInMs }),
      ...(this.#repeated > 0 && { repeated: this.#repeated }),
    };
  }

  /** It answered correctly. */
  online(nowMs: number, upMs: number): void {
    this.#heardUpMs = upMs;
    const wasUnheard = this.#isUnheard;
    this.#isUnheard = false;
    if ((this.#state === "online" && !wasUnheard) || this.#isParked) return;
    this.#error = undefined;
    this.#enter("online", nowMs, upMs);
  }

  /** A server for devices that connect to us stands; that nobody has yet is said, and is no silence. */
  listening(nowMs: number, upMs: number): void {
    this.#heardUpMs = upMs;
    if (this.#state === "online" || this.#isParked) return;
    this.#isUnheard = true;
    this.#retryInMs = undefined;
    this.#error = new DriverError("LISTENING_UNHEARD", "it listens, and nobody has connected yet", {
      retry: "backoff",
      hint: "Point the stations or terminals to this box's address and the port of `listen`.",
    });
    this.#enter("online", nowMs, upMs);
  }

  /** One operation went wrong; what it was is shown once it persists, or the device is silent. */
  fault(error: DriverError, upMs: number): void {
    if (this.#isParked) return;
    const isSkipNotice = error.code === "MODBUS_SKIPPED" && this.#error !== undefined;
    if (!isSkipNotice) this.#error = error;
    this.#repeated++;
    this.#faultUpMs = upMs;
    const isShown = this.#state === "silent" || (this.#state === "online" && this.#repeated >= SHOWN_FROM_FAULTS);
    if (isShown && this.#reportedCode !== this.#error?.code) this.#say(upMs);
  }

  /** While parked it is neither silent nor offline, whatever has lost its power with the ignition. */
  park(isParked: boolean, nowMs: number, upMs: number): void {
    if (isParked === this.#isParked || this.#state === "stopped") return;
    this.#isUnheard = false;
    this.#isParked = isParked;
    this.#error = undefined;
    this.#retryInMs = undefined;
    this.#heardUpMs = upMs;
    this.#enter(isParked ? "parked" : "starting", nowMs, upMs);
  }

  /** A new try begins: three periods from now it is silent unless it is heard. */
  running(upMs: number): void {
    this.#heardUpMs = Math.max(this.#heardUpMs, upMs);
    this.#retryInMs = undefined;
  }

  offline(error: DriverError, retryInMs: number, nowMs: number, upMs: number): void {
    this.#isUnheard = false;
    if (this.#isParked) return;
    this.#error = error;
    this.#retryInMs = retryInMs;
    if (this.#state === "offline" && this.#reportedCode === error.code) {
      this.#repeated++;
      this.tick(nowMs, upMs, false);
    } else {
      this.#enter("offline", nowMs, upMs);
    }
  }

  stopped(error: DriverError | undefined, nowMs: number, upMs: number): void {
    this.#isParked = false;
    this.#error = error;
    this.#retryInMs = undefined;
    this.#enter("stopped", nowMs, upMs);
  }

  /** @param isConnected whether the driver is past opening its link; before that it is not silent but on its way */
  tick(nowMs: number, upMs: number, isConnected: boolean): void {
    if (this.#isParked) return;
    const isOverdue = this.#periodMs !== undefined && upMs - this.#heardUpMs > SILENT_AFTER_PERIODS * this.#periodMs;
    if (isConnected && isOverdue && this.#state !== "silent" && this.#state !== "stopped") {
      this.#retryInMs = undefined;
      this.#enter("silent", nowMs, upMs);
      return;
    }
    const isShowing = this.#state === "online" && !this.#isUnheard;
    if (isShowing && this.#error !== undefined && upMs - this.#faultUpMs > FAULT_FORGOTTEN_MS) {
      const wasShown = this.#reportedCode !== undefined;
      this.#error = undefined;
      this.#repeated = 0;
      if (wasShown) this.#say(upMs);
    }
    const isTroubled = this.#state === "silent" || this.#state === "offline";
    if (isTroubled && upMs - this.#reportedUpMs >= REPEAT_EVERY_MS) this.#say(upMs);
  }

  /** How long it has been silent, in ms. */
  silentForMs(upMs: number): number {
    return this.#state === "silent" ? upMs - this.#heardUpMs : 0;
  }

  #enter(state: State, nowMs: number, upMs: number): void {
    if (state !== this.#state) {
      this.#state = state;
      this.#sinceMs = nowMs;
      this.#repeated = 0;
    }
    this.#say(upMs);
  }

  #say(upMs: number): void {
    this.#reportedUpMs = upMs;
    this.#reportedCode = this.#error?.code;
    this.#report(this.body);
    this.#repeated = 0;
  }
}
