import { journalFull } from "./disk-fault.ts";
import type { JournalSettings, Stamp, Urgency } from "./messages.ts";
import { Reserve } from "./reserve.ts";
import { PAGE_BYTES, type SqliteDatabase } from "./sqlite.ts";

/** Pause before the quota is tried again once nothing more could be given up. */
const QUOTA_RETRY_MS = 1000;
const LOOK_EVERY_MS = 1000;
/** Of a commit beside its rows: tables and indexes that it touches and may split. */
const SPARE_PAGES = 12;
/** However little is free on the disk, a journal may have so much. */
const LEAST_PAGES = 1024;
/** Above the floor by so much, the journal may grow again. */
const ABOVE_FLOOR = 1.1;

/**
 * How large the file may be: its quota, less what only alarms may use, and no larger than it is while the disk has less free
 * than its floor. And the reserve file, which alarms get once the disk itself is full.
 */
export class Room {
  readonly reserve: Reserve;
  readonly reservePages: number;
  readonly #db: SqliteDatabase;
  readonly #minFreeDiskBytes: number;
  readonly #quotaPages: number;
  /** The file's size when the disk fell below its floor. */
  #frozenPages: number | undefined;
  #isFull = false;
  #nextTryAtMs = 0;
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  constructor(db: SqliteDatabase, settings: JournalSettings) {
    this.#db = db;
    this.#minFreeDiskBytes = settings.minFreeDiskBytes;
    this.#quotaPages = Math.floor(settings.quotaBytes / PAGE_BYTES);
    this.reservePages = Math.min(Math.ceil(settings.reserveBytes / PAGE_BYTES), this.#quotaPages >> 2);
    this.reserve = new Reserve(settings.directory, settings.reserveBytes);
    this.look(settings.stamp);
    this.reserve.take();
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  get isFrozen(): boolean {
    return this.#frozenPages !== undefined;
  }

  /** Now and then: how much is free on the disk. */
  look(stamp: Stamp): void {
    if (Math.abs(stamp.upMs - this.#lookedAtMs) < LOOK_EVERY_MS) return;
    this.#lookedAtMs = stamp.upMs;
    const freeBytes = this.reserve.freeBytes();
    if (freeBytes >= this.#minFreeDiskBytes * ABOVE_FLOOR) this.#frozenPages = undefined;
    else if (freeBytes < this.#minFreeDiskBytes) this.#frozenPages ??= Math.max(this.#pages(), LEAST_PAGES);
    this.limit("grouped");
  }

  limit(urgency: Urgency): void {
    const most = this.#mostPages;
    this.#db.pragma(`max_page_count = ${urgency === "urgent" ? most : most - this.reservePages}`);
  }

  /** Pages that may still be written: growth and what was freed, the reserve included. */
  availablePages(): number {
    return this.#mostPages - this.#pages() + this.#freePages();
  }

  /**
   * Whether a write of so many bytes would touch what is kept: of everybody the reserve, and of alarms its last half, so that
   * a new one and the giving up itself always find pages. Freed pages count; `max_page_count` alone does not see them go.
   */
  isShort(sizeBytes: number, urgency: Urgency): boolean {
    const needed = SPARE_PAGES + Math.ceil((2 * sizeBytes) / PAGE_BYTES);
    return this.availablePages() < needed + (urgency === "urgent" ? this.reservePages >> 1 : this.reservePages);
  }

  #freePages(): number {
    return Number(this.#db.pragma("freelist_count", { simple: true }));
  }

  /** For ordinary records, without giving anything up. */
  freeBytes(): number {
    const growth = this.#mostPages - this.reservePages - this.#pages();
    return (
      Math.min(growth * PAGE_BYTES, this.reserve.freeBytes() - this.#minFreeDiskBytes) + this.#freePages() * PAGE_BYTES
    );
  }

  /** While the disk is full, only alarms are tried: anything else would eat what the reserve gave back. */
  refuseWhileFull(urgency: Urgency, stamp: Stamp): void {
    if (!this.#isFull || urgency === "urgent") return;
    if (!this.reserve.hasRoom()) throw journalFull(`${this.reserve.freeBytes()} bytes are free on its disk`);
    if (stamp.upMs < this.#nextTryAtMs)
      throw journalFull(this.isFrozen ? "its disk is nearly full" : "its quota is used up");
  }

  filled(stamp: Stamp, isQuota: boolean): void {
    this.#isFull = true;
    this.#nextTryAtMs = isQuota ? stamp.upMs + QUOTA_RETRY_MS : 0;
  }

  /** An ordinary write went through. */
  passed(): void {
    if (this.#isFull) this.#isFull = !this.reserve.take();
  }

  tend(): void {
    if (!this.#isFull || this.reserve.hasRoom()) this.reserve.take();
  }

  get #mostPages(): number {
    if (this.#frozenPages === undefined) return this.#quotaPages;
    return Math.min(this.#quotaPages, this.#frozenPages + this.reservePages);
  }

  #pages(): number {
    return Number(this.#db.pragma("page_count", { simple: true }));
  }
}
