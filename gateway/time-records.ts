import type { TimeReading } from "../drivers/driver.ts";
import type { TimeBody } from "../protocol/bodies.ts";
import type { Logger } from "./contracts/logger.ts";
import type { HoldingWriter } from "./journal/holding-writer.ts";
import type { TimeKeeper, TimeVerdict } from "./time/time-keeper.ts";

/** Puts the time keeper's word into the journal, and says once what is wrong with a receiver's. */
export class TimeRecords {
  readonly #time: TimeKeeper;
  readonly #writer: HoldingWriter;
  readonly #log: Logger;
  readonly #verdicts = new Map<string, TimeVerdict>();

  constructor(time: TimeKeeper, writer: HoldingWriter, log: Logger) {
    this.#time = time;
    this.#writer = writer;
    this.#log = log;
  }

  /** To be called each second, and before anything is stamped. */
  check(): void {
    const body: TimeBody | undefined = this.#time.check();
    if (body === undefined) return;
    void this.#writer.write({ append: [{ ...this.#time.stamp(), kind: "time", body }] }, "grouped");
    this.#log.info({ quality: body.quality, utcMs: body.utcMs }, "time recorded");
  }

  heard(reading: TimeReading, device: string): void {
    const verdict = this.#time.heard(reading, device);
    if (verdict === this.#verdicts.get(device)) return;
    this.#verdicts.set(device, verdict);
    if (verdict !== "impossible" && verdict !== "disagrees") return;
    const { utcMs, atMs } = reading;
    const hint = "Two receivers, or a receiver and NTP, that disagree: find out which is wrong. Positions are used.";
    this.#log.warn({ code: "GNSS_TIME_REFUSED", device, verdict, utcMs, atMs, hint }, "receiver's time is not used");
  }
}
