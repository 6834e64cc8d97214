import type { Logger } from "../contracts/logger.ts";
import type { DeviceReading } from "../contracts/readings.ts";
import { Parking, type ParkingAct, type ParkingSettings } from "./parking.ts";

/** A box that ends gives what waits this long to reach the bridge; the rest is on the disk. */
const LAST_SENDING_MS = 20_000;
const LOOK_AGAIN_MS = 200;

export interface ParkingSurroundings {
  readonly settings: ParkingSettings | undefined;
  readonly upMs: () => number;
  readonly nowMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly log: Logger;
  /** Whether the device that reads the ignition answers now. */
  readonly isReadable: () => boolean;
  /** Polls and positions come so many times more rarely, except those of the device that reads the ignition. */
  readonly slow: (slowBy: number, except: string) => void;
  /** Says now how the node is. Never rejects. */
  readonly tellHealth: () => Promise<void>;
  /** Everything onto the disk. */
  readonly flush: () => Promise<void>;
  /** Records that may still reach the bridge; 0 where there is no connection. */
  readonly waiting: () => Promise<number>;
  readonly onEnd: () => void;
}

/** Does what the ignition asks for. Without settings it does nothing. */
export class ParkingControl {
  readonly #around: ParkingSurroundings;
  readonly #parking: Parking | undefined;

  constructor(around: ParkingSurroundings) {
    this.#around = around;
    this.#parking = around.settings === undefined ? undefined : new Parking(around.settings);
  }

  /** Since when the vehicle is parked, and how often it speaks then; undefined while it drives. */
  get parked(): { readonly parkedSinceMs: number; readonly everyMs: number } | undefined {
    const { settings } = this.#around;
    const parkedSinceMs = this.#parking?.parkedSinceMs;
    if (settings === undefined || parkedSinceMs === undefined) return undefined;
    return { parkedSinceMs, everyMs: settings.healthEveryS * 1000 };
  }

  heard({ device, reading }: DeviceReading): void {
    const { settings, upMs } = this.#around;
    if (reading.kind !== "switch" || device !== settings?.device || reading.name !== settings.input) return;
    this.#do(this.#parking?.heard(reading.isOn, upMs()));
  }

  tick(): void {
    const { upMs, nowMs, isReadable } = this.#around;
    if (this.#parking !== undefined) this.#do(this.#parking.tick(upMs(), nowMs(), isReadable()));
  }

  #do(act: ParkingAct | undefined): void {
    const { settings, log, slow } = this.#around;
    if (act === undefined || settings === undefined) return;
    if (act === "end") {
      void this.#end();
      return;
    }
    const slowBy = act === "park" ? settings.slowBy : 1;
    log.info({ slowBy }, act === "park" ? "ignition off, parked" : "ignition on, drives");
    slow(slowBy, settings.device);
    void this.#tell(act);
  }

  async #tell(act: ParkingAct): Promise<void> {
    await this.#around.tellHealth();
    if (act !== "park") return;
    try {
      // The battery may be disconnected any moment now.
      await this.#around.flush();
    } catch (error) {
      this.#around.log.warn({ error: String(error) }, "journal could not be flushed");
    }
  }

  async #end(): Promise<void> {
    const { log, upMs, sleep, tellHealth, waiting, onEnd } = this.#around;
    log.info({}, "parked long enough, gateway ends");
    await tellHealth();
    const untilUpMs = upMs() + LAST_SENDING_MS;
    const isEnding = () => this.#parking?.isEnding === true;
    while (isEnding() && upMs() < untilUpMs && (await waiting().catch(() => 0)) > 0) await sleep(LOOK_AGAIN_MS);
    // A box that switched itself off now would stay so while the vehicle drives.
    if (isEnding()) onEnd();
  }
}
