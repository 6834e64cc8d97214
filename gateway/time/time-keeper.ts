import type { TimeReading } from "../../drivers/driver.ts";
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

/** A clock that shows an earlier date was never set: this version did not exist then. */
export const BUILD_DATE_MS = Date.UTC(2026, 0, 1);
/** A receiver whose week counter wrapped is off by about 20 years, with a valid fix. */
export const LATEST_DATE_MS = Date.UTC(2046, 0, 1);

const HOUR_MS = 3_600_000;
const JUMP_MS = 1000;
/** A crystal drifts well below a second in this time. */
const GNSS_HOLDOVER_MS = HOUR_MS;

/**
 * The node's belief about UTC. NTP before a receiver with a fix before the battery clock before none. A receiver moves
 * the belief, never the system's clock.
 */
export class TimeKeeper {
  readonly #options: TimeKeeperOptions;
  #offsetMs = 0;
  #gnssAtUpMs: number | undefined;
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

  /** A receiver with a fix said the time. @returns false when its date cannot be */
  heard(reading: TimeReading): boolean {
    if (reading.utcMs < BUILD_DATE_MS || reading.utcMs > LATEST_DATE_MS) return false;
    if (!this.#mayUse("gnss")) return true;
    this.#gnssAtUpMs = this.#options.upMs();
    if (this.#isSynchronised && this.#mayUse("ntp")) return true;
    const errorMs = reading.utcMs - reading.atMs;
    // Below a second it is mostly the serial line's own delay.
    if (Math.abs(errorMs) > JUMP_MS) this.#offsetMs += errorMs;
    this.#judge();
    return true;
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
    else this.#quality = this.#mayUse("rtc") && this.#isSane() ? "rtc" : "none";
  }

  #hasGnss(): boolean {
    return this.#gnssAtUpMs !== undefined && this.#options.upMs() - this.#gnssAtUpMs <= GNSS_HOLDOVER_MS;
  }

  #isSane(): boolean {
    const nowMs = this.nowMs();
    return nowMs >= BUILD_DATE_MS && nowMs <= LATEST_DATE_MS;
  }

  #mayUse(source: "ntp" | "gnss" | "rtc"): boolean {
    return this.#options.source === "auto" || this.#options.source === source;
  }
}
