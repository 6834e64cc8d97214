import { redacted, redactText } from "../../protocol/redact.ts";
import type { Logger } from "../contracts/logger.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
type Severity = LogLevel | "fatal";

const WEIGHT: Readonly<Record<Severity, number>> = { debug: 0, info: 1, warn: 2, error: 3, fatal: 4 };
const MOST_LINES = 500;

export interface LogLine {
  /** Rises by one with each line of this run. */
  readonly n: number;
  readonly atMs: number;
  readonly level: Severity;
  readonly sentence: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * Stands before the log: remembers its newest lines without secrets, for the local page and for diagnostics, and lets one
 * device say more or less than the others for a while.
 */
export class LogMemory {
  readonly #nowMs: () => number;
  readonly #upMs: () => number;
  readonly #lines: LogLine[] = [];
  readonly #levels = new Map<string, { readonly level: LogLevel; readonly untilUpMs: number }>();
  #n = 0;

  constructor({ nowMs, upMs }: { readonly nowMs: () => number; readonly upMs: () => number }) {
    this.#nowMs = nowMs;
    this.#upMs = upMs;
  }

  /** Lines after that number, oldest first. */
  since(n: number): readonly LogLine[] {
    return this.#lines.filter((line) => line.n > n);
  }

  setLevel(device: string, level: LogLevel, forMs: number): void {
    this.#levels.set(device, { level, untilUpMs: this.#upMs() + forMs });
  }

  /** What was set for this device, while it holds. */
  levelOf(device: string): LogLevel | undefined {
    const set = this.#levels.get(device);
    if (set === undefined) return undefined;
    if (set.untilUpMs >= this.#upMs()) return set.level;
    this.#levels.delete(device);
    return undefined;
  }

  before(log: Logger, bound: Readonly<Record<string, unknown>> = {}): Logger {
    const say = (level: Severity) => (fields: object, sentence: string) => {
      const all: Record<string, unknown> = { ...bound, ...fields };
      const device = typeof all["device"] === "string" ? all["device"] : undefined;
      const set = device === undefined ? undefined : this.levelOf(device);
      if (set !== undefined && WEIGHT[level] < WEIGHT[set]) return;
      if (level !== "debug" || set === "debug") this.#keep(level, sentence, all);
      // The log's own level lets no `debug` pass, and this device was asked for it by name.
      if (level === "debug" && set === "debug") log.info({ ...fields, level: "debug" }, sentence);
      else log[level](fields, sentence);
    };
    return {
      debug: say("debug"),
      info: say("info"),
      warn: say("warn"),
      error: say("error"),
      fatal: say("fatal"),
      child: (fields) => this.before(log.child(fields), { ...bound, ...fields }),
    };
  }

  #keep(level: Severity, sentence: string, fields: Readonly<Record<string, unknown>>): void {
    this.#n += 1;
    const safe = redacted(fields) as Record<string, unknown>;
    this.#lines.push({ n: this.#n, atMs: this.#nowMs(), level, sentence: redactText(sentence), fields: safe });
    if (this.#lines.length > MOST_LINES) this.#lines.shift();
  }
}
