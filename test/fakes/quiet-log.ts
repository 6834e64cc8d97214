import type { Logger } from "../../gateway/contracts/logger.ts";

/** A logger that keeps what it was told. */
export class QuietLog implements Logger {
  readonly lines: { readonly level: string; readonly fields: object; readonly sentence: string }[];
  readonly #bound: object;

  constructor(lines: QuietLog["lines"] = [], bound: object = {}) {
    this.lines = lines;
    this.#bound = bound;
  }

  debug(fields: object, sentence: string): void {
    this.#keep("debug", fields, sentence);
  }
  info(fields: object, sentence: string): void {
    this.#keep("info", fields, sentence);
  }
  warn(fields: object, sentence: string): void {
    this.#keep("warn", fields, sentence);
  }
  error(fields: object, sentence: string): void {
    this.#keep("error", fields, sentence);
  }
  fatal(fields: object, sentence: string): void {
    this.#keep("fatal", fields, sentence);
  }
  child(fields: object): Logger {
    return new QuietLog(this.lines, { ...this.#bound, ...fields });
  }

  #keep(level: string, fields: object, sentence: string): void {
    this.lines.push({ level, fields: { ...this.#bound, ...fields }, sentence });
  }
}
