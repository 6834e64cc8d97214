import type { EvidenceRoom } from "./contracts/evidence.ts";
import type { CustodyJournal } from "./contracts/journal.ts";
import type { Logger } from "./contracts/logger.ts";

export const DISK_LOOK_EVERY_MS = 5_000;
/** So much above the floor the journal grows again: evidence that goes must reach that, or it would go in vain. */
const ABOVE_FLOOR = 1.1;

/**
 * While the disk has less free than its floor, files of evidence go before any record that nobody has: those that the bridge
 * has, then clips that were never sent, each declared. Snapshots stay.
 */
export class DiskFloor {
  readonly #floorBytes: number;
  readonly #journal: Pick<CustodyJournal, "statistics">;
  readonly #evidence: EvidenceRoom;
  readonly #log: Logger;
  #isLooking = false;

  constructor(floorBytes: number, journal: Pick<CustodyJournal, "statistics">, evidence: EvidenceRoom, log: Logger) {
    this.#floorBytes = floorBytes;
    this.#journal = journal;
    this.#evidence = evidence;
    this.#log = log;
  }

  async look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      const { freeDiskBytes, diskLow } = await this.#journal.statistics();
      const lacking = freeDiskBytes === undefined || !diskLow ? 0 : this.#floorBytes * ABOVE_FLOOR - freeDiskBytes;
      if (lacking <= 0) return;
      const storedBytes = await this.#evidence.freeStored(lacking);
      const clipBytes = storedBytes >= lacking ? 0 : await this.#evidence.freeUnsentClips(lacking - storedBytes);
      if (storedBytes + clipBytes === 0) return;
      const hint = "Free space on the disk of the node's state, or restore its link to the bridge.";
      this.#log.warn({ code: "DISK_LOW", storedBytes, clipBytes, freeDiskBytes, hint }, "evidence files went for room");
    } catch (error) {
      this.#log.warn({ error: String(error) }, "room of evidence not looked after");
    } finally {
      this.#isLooking = false;
    }
  }
}
