import type { DriverError } from "../../drivers/errors.ts";
import type { DeviceBody } from "../../protocol/bodies.ts";
import type { Subject } from "../../protocol/ids.ts";
import { subjectKey } from "../../protocol/subject-key.ts";
import { HealthTracker } from "./health-tracker.ts";

const MOST_SUBJECTS = 20_000;
/** What changed is said this many at a time, every tick: when a server goes away, five thousand fall silent at once. */
const SAID_PER_TICK = 20;
/** A subject that comes and goes is said this often at most; the newest state counts. */
const SAID_EVERY_MS = 60_000;
/** Silent so long, it is forgotten; its silence was said. */
const FORGOTTEN_MS = 24 * 3_600_000;

interface Entry {
  readonly subject: Subject;
  readonly health: HealthTracker;
  /** State and code that were said last. */
  said: string;
  saidUpMs: number;
}

/**
 * Health of the subjects behind one device, bounded for thousands of them. A subject's change is said within the next tick;
 * changes of many are spread, and what came and went in between is not said at all. Nothing is repeated.
 */
export class SubjectHealth {
  readonly #entries = new Map<string, Entry>();
  readonly #changed = new Map<string, Entry>();
  readonly #periodMs: number;
  readonly #say: (subject: Subject, body: DeviceBody) => void;
  #isParked = false;

  constructor(periodMs: number, say: (subject: Subject, body: DeviceBody) => void) {
    this.#periodMs = periodMs;
    this.#say = say;
  }

  get all(): readonly { readonly subject: Subject; readonly body: DeviceBody }[] {
    return [...this.#entries.values()].map(({ subject, health }) => ({ subject, body: health.body }));
  }

  online(subject: Subject, nowMs: number, upMs: number): void {
    this.#of(subject, nowMs, upMs)?.health.online(nowMs, upMs);
  }

  fault(subject: Subject, error: DriverError, nowMs: number, upMs: number): void {
    this.#of(subject, nowMs, upMs)?.health.fault(error, upMs);
  }

  /** Those who are met while it is parked are parked too. */
  park(isParked: boolean, nowMs: number, upMs: number): void {
    this.#isParked = isParked;
    for (const { health } of this.#entries.values()) health.park(isParked, nowMs, upMs);
  }

  tick(nowMs: number, upMs: number): void {
    for (const [key, { health }] of this.#entries) {
      health.tick(nowMs, upMs, true);
      if (health.silentForMs(upMs) > FORGOTTEN_MS && !this.#changed.has(key)) this.#entries.delete(key);
    }
    let left = SAID_PER_TICK;
    for (const [key, entry] of this.#changed) {
      const { subject, health, said, saidUpMs } = entry;
      const { body } = health;
      const news = `${body.state} ${body.code ?? ""}`;
      if (news !== said && body.state !== "starting") {
        if (upMs - saidUpMs < SAID_EVERY_MS) continue;
        this.#say(subject, body);
        entry.said = news;
        entry.saidUpMs = upMs;
        left -= 1;
      }
      this.#changed.delete(key);
      if (left === 0) break;
    }
  }

  #of(subject: Subject, nowMs: number, upMs: number): Entry | undefined {
    const key = subjectKey(subject);
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    if (this.#entries.size >= MOST_SUBJECTS) return undefined;
    let entry: Entry | undefined;
    const health = new HealthTracker(this.#periodMs, nowMs, upMs, () => {
      if (entry !== undefined) this.#changed.set(key, entry);
    });
    entry = { subject, health, said: "", saidUpMs: Number.NEGATIVE_INFINITY };
    if (this.#isParked) health.park(true, nowMs, upMs);
    this.#entries.set(key, entry);
    return entry;
  }
}
