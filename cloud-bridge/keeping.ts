import { statfs } from "node:fs/promises";
import { BRIDGE_ITSELF, clearFault, raiseFault } from "./alarms/faults.ts";
import { bytesOnDisk } from "./evidence/blob-rows.ts";
import type { BridgeClock } from "./store/clock.ts";
import type { Db } from "./store/database.ts";
import type { Logger } from "./store/logger.ts";
import { type DroppedRecords, dropOld, makeRoom, storeSize, type Terms, total } from "./store/retention.ts";
import { judgeRoom, type Room, type RoomLimits } from "./store/room.ts";
import { changing } from "./store/transactions.ts";

interface Disk {
  readonly diskFreeBytes: number;
  readonly diskBytes: number;
}

export interface KeepingOptions {
  readonly db: Db;
  /** The elected writer's own connection; undefined: another process is. */
  readonly writer: () => Db | undefined;
  readonly state: string;
  readonly clock: BridgeClock;
  readonly log: Logger;
  readonly terms: Terms;
  readonly limits: RoomLimits;
  readonly onAlarms: () => void;
  /** Tests: what a disk says. */
  readonly disk?: (folder: string) => Promise<Disk>;
}

export interface KeepingFacts extends Room {
  readonly budgetBytes: number | undefined;
  readonly isShort: boolean;
}

/** Keeps what the terms say, and within the room that there is; tells a person before there is none. */
export class Keeping {
  readonly #options: KeepingOptions;
  /** Records that went, since the start of this process. */
  readonly dropped = new Map<string, number>();
  #facts: KeepingFacts | undefined;
  #isStopped = false;

  constructor(options: KeepingOptions) {
    this.#options = options;
  }

  get facts(): KeepingFacts | undefined {
    return this.#facts;
  }

  /** Ends a sweep after its round. */
  stop(): void {
    this.#isStopped = true;
  }

  /** One look at the room, and the fault of it; by every process, the fault by the elected writer. */
  async look(): Promise<void> {
    const { writer, clock, onAlarms } = this.#options;
    const verdict = await this.#judge();
    const db = writer();
    if (db === undefined || (verdict.near === undefined && !verdict.isWell)) return;
    const fault = { node: BRIDGE_ITSELF, rule: "room-short" } as const;
    const { near } = verdict;
    const isChanged = await changing(db, (trx) =>
      near === undefined
        ? clearFault(trx, fault, clock.nowMs())
        : raiseFault(trx, { ...fault, detail: near }, clock.nowMs()),
    );
    if (isChanged) onAlarms();
  }

  /** Drops what is older than its term, then what there is no room for. */
  async keep(): Promise<void> {
    const { db, writer, clock, log, terms } = this.#options;
    if (writer() === undefined) return;
    const mayGoOn = () => !this.#isStopped && writer() !== undefined;
    const sweep = { db, terms, nowMs: clock.nowMs(), mayGoOn };
    const old = await dropOld(sweep);
    this.#count("term", old);
    if (total(old) > 0) log.info({ ...old }, "records dropped, past their time");
    if (!mayGoOn() || !(await this.#judge()).isShort) return;
    const { dropped, isStillShort } = await makeRoom(sweep, async () => (await this.#judge()).isShort);
    this.#count("room", dropped);
    const { databaseBytes, evidenceBytes, diskFreeBytes } = this.#facts ?? {};
    const facts = { ...dropped, databaseBytes, evidenceBytes, diskFreeBytes };
    if (total(dropped) > 0) log.warn({ code: "STORE_MAKES_ROOM", ...facts }, "records dropped before their time");
    if (isStillShort && mayGoOn()) log.error({ code: "STORE_OVER_BUDGET", ...facts }, "nothing more may be dropped");
  }

  async #judge() {
    const { db, state, limits, disk = diskOf } = this.#options;
    const [size, evidenceBytes, found] = await Promise.all([
      storeSize(db),
      bytesOnDisk(db),
      disk(state).catch(() => undefined),
    ]);
    const { usedBytes: databaseBytes, spareBytes } = size;
    const { diskFreeBytes, diskBytes } = found ?? {};
    const room: Room = { databaseBytes, spareBytes, evidenceBytes, diskFreeBytes, diskBytes };
    const verdict = judgeRoom(room, limits);
    this.#facts = { ...room, budgetBytes: limits.budgetBytes, isShort: verdict.isShort };
    return verdict;
  }

  #count(why: "term" | "room", dropped: DroppedRecords): void {
    for (const [group, count] of Object.entries(dropped)) {
      const key = `${why} ${group}`;
      this.dropped.set(key, (this.dropped.get(key) ?? 0) + count);
    }
  }
}

async function diskOf(folder: string): Promise<Disk> {
  const { bavail, blocks, bsize } = await statfs(folder);
  return { diskFreeBytes: bavail * bsize, diskBytes: blocks * bsize };
}
