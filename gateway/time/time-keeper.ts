import type { TimeReading } from "../../drivers/driver.ts";
import { isBelievableDate } from "../../protocol/believable-date.ts";
import type { TimeBody } from "../../protocol/bodies.ts";
import type { TimeQuality } from "../../protocol/ids.ts";

/** Where the config lets UTC come from; `auto` takes the best that there is. */
export type TimeSource = "auto" | "ntp" | "gnss" | "rtc" | "none";

export interface TimeKeeperOptions {
  readonly source: TimeSource;
  /** The system's UTC, ms. May stand in 1970, and may jump. */
  readonly systemMs: () => number;
  /** Monotonic, from the start of the run. */
  readonly upMs: () => number;
  /** Whether the system's clock is disciplined by NTP now. */
  readonly isNtpSynchronised: () => boolean;
}

/** What became of a receiver's word. */
export type TimeVerdict =
  /** It agrees with the belief, or has moved it. */
  | "taken"
  /** Its date cannot be: a wrapped week, or a clock that was never set. */
  | "impossible"
  /** NTP, or the receiver that is believed, says otherwise. */
  | "disagrees"
  /** It would move a clock that may be right: it has to say so twice. */
  | "unconfirmed"
  /** It was read before the belief moved, or the config asks for another source. */
  | "unused";

const HOUR_MS = 3_600_000;
const JUMP_MS = 1000;
/** A crystal drifts well below a second in this time. */
const GNSS_HOLDOVER_MS = HOUR_MS;
/** The receiver that is believed stays so until it was silent this long. */
const RECEIVER_HELD_MS = 60_000;
const CONFIRMED_WITHIN_MS = 60_000;
const LATEST_READING_MS = 10_000;

/**
 * The node's belief about UTC. NTP before a receiver with a fix before the battery clock before none. A receiver moves
 * the belief, never the system's clock.
 */
export class TimeKeeper {
  readonly #options: TimeKeeperOptions;
  #offsetMs = 0;
  #gnssAtUpMs: number | undefined;
  /** The receiver whose word is believed, and when it last gave it. */
  #receiver: { readonly device: string; readonly upMs: number } | undefined;
  /** A time that a receiver has said once. */
  #doubt: { readonly device: string; readonly utcMs: number; readonly upMs: number } | undefined;
  #quality: TimeQuality = "none";
  #isSynchronised: boolean;
  /** What the last `time` record said. */
  #told: TimeBody | undefined;

  constructor(options: TimeKeeperOptions) {
    this.#options = options;
    this.#isSynchronised = options.isNtpSynchronised();
    this.#judge();
  }

  /** UTC as the node believes it, ms. */
  nowMs(): number {
    return Math.max(0, Math.round(this.#options.systemMs() + this.#offsetMs));
  }

  get quality(): TimeQuality {
    return this.#quality;
  }

  stamp(): { readonly upMs: number; readonly atMs: number; readonly timeQuality: TimeQuality } {
    return { upMs: Math.floor(this.#options.upMs()), atMs: this.nowMs(), timeQuality: this.#quality };
  }

  /** A receiver with a fix said the time. @param device so that of two that disagree not each moves the belief in turn */
  heard({ utcMs, atMs }: TimeReading, device: string): TimeVerdict {
    if (!isBelievableDate(utcMs)) return "impossible";
    if (!this.#mayUse("gnss")) return "unused";
    const lateMs = this.nowMs() - atMs;
    // Its error is measured from a belief that no longer holds.
    if (lateMs < -JUMP_MS || lateMs > LATEST_READING_MS) return "unused";
    const upMs = this.#options.upMs();
    const errorMs = utcMs - atMs;
    // Below a second it is mostly the serial line's own delay.
    if (Math.abs(errorMs) > JUMP_MS) {
      if (this.#isSynchronised && this.#mayUse("ntp")) return "disagrees";
      if (this.#isHeldByAnother(device, upMs)) return "disagrees";
      if (this.#quality !== "none" && !this.#isSaidTwice(device, utcMs, upMs)) return "unconfirmed";
      this.#offsetMs += errorMs;
    }
    this.#doubt = undefined;
    if (!this.#isHeldByAnother(device, upMs)) this.#receiver = { device, upMs };
    this.#gnssAtUpMs = upMs;
    this.#judge();
    return "taken";
  }

  /**
   * Looks at the clocks; call it every second or so.
   * @returns a `time` record's body when one is due: at the start, each hour, after a jump, on another quality
   */
  check(): TimeBody | undefined {
    this.#isSynchronised = this.#options.isNtpSynchronised();
    this.#judge();
    const body: TimeBody = {
      upMs: Math.floor(this.#options.upMs()),
      utcMs: this.nowMs(),
      quality: this.#quality,
    };
    const told = this.#told;
    if (told !== undefined && told.quality === body.quality && body.upMs - told.upMs < HOUR_MS) {
      const driftMs = body.utcMs - told.utcMs - (body.upMs - told.upMs);
      if (Math.abs(driftMs) <= JUMP_MS) return undefined;
    }
    this.#told = body;
    return body;
  }

  #judge(): void {
    if (this.#isSynchronised && this.#mayUse("ntp")) {
      this.#offsetMs = 0;
      this.#quality = "ntp";
    } else if (this.#hasGnss()) this.#quality = "gnss";
    else this.#quality = this.#mayUse("rtc") && isBelievableDate(this.nowMs()) ? "rtc" : "none";
  }

  #isHeldByAnother(device: string, upMs: number): boolean {
    const held = this.#receiver;
    return held !== undefined && held.device !== device && upMs - held.upMs <= RECEIVER_HELD_MS;
  }

  #isSaidTwice(device: string, utcMs: number, upMs: number): boolean {
    const before = this.#doubt;
    this.#doubt = { device, utcMs, upMs };
    if (before === undefined || before.device !== device) return false;
    const passedMs = upMs - before.upMs;
    return passedMs <= CONFIRMED_WITHIN_MS && Math.abs(utcMs - before.utcMs - passedMs) <= JUMP_MS;
  }

  #hasGnss(): boolean {
    return this.#gnssAtUpMs !== undefined && this.#options.upMs() - this.#gnssAtUpMs <= GNSS_HOLDOVER_MS;
  }

  #mayUse(source: "ntp" | "gnss" | "rtc"): boolean {
    return this.#options.source === "auto" || this.#options.source === source;
  }
}
