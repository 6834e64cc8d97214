/** The numbers of `parking` in the config; see gateway/config/parking-schema.ts for what each means. */
export interface ParkingSettings {
  readonly device: string;
  readonly input: string;
  readonly settleS: number;
  readonly slowBy: number;
  readonly healthEveryS: number;
  readonly shutdownAfterS: number;
}

/** `park`: save what is at risk and slow down · `drive`: full speed again · `end`: say goodbye and stop. */
export type ParkingAct = "park" | "drive" | "end";

/**
 * What the ignition means. Pure, on the monotonic clock. A contact that cannot be read changes nothing: only one that is
 * read as off, and stays so for the settling time, parks the vehicle.
 */
export class Parking {
  readonly #settings: ParkingSettings;
  #offSinceUpMs: number | undefined;
  #parkedSince: { readonly upMs: number; readonly atMs: number } | undefined;
  #isEnding = false;

  constructor(settings: ParkingSettings) {
    this.#settings = settings;
  }

  /** It stood long enough; until it has ended, the ignition may still call it back. */
  get isEnding(): boolean {
    return this.#isEnding;
  }

  /** UTC at which it was parked; undefined while it drives. */
  get parkedSinceMs(): number | undefined {
    return this.#parkedSince?.atMs;
  }

  /** The ignition as it was just read. */
  heard(isOn: boolean, upMs: number): ParkingAct | undefined {
    if (!isOn) {
      this.#offSinceUpMs ??= upMs;
      return undefined;
    }
    this.#offSinceUpMs = undefined;
    if (this.#parkedSince === undefined) return undefined;
    this.#parkedSince = undefined;
    this.#isEnding = false;
    return "drive";
  }

  /** @param isReadable whether the contact answers; while it does not, nobody knows, and nothing changes */
  tick(upMs: number, atMs: number, isReadable = true): ParkingAct | undefined {
    if (this.#isEnding) return undefined;
    const { settleS, shutdownAfterS } = this.#settings;
    if (!isReadable) {
      if (this.#offSinceUpMs !== undefined) this.#offSinceUpMs = upMs;
      return undefined;
    }
    if (this.#parkedSince !== undefined) {
      if (shutdownAfterS === 0 || upMs - this.#parkedSince.upMs < shutdownAfterS * 1000) return undefined;
      this.#isEnding = true;
      return "end";
    }
    if (this.#offSinceUpMs === undefined || upMs - this.#offSinceUpMs < settleS * 1000) return undefined;
    this.#parkedSince = { upMs, atMs };
    return "park";
  }
}
