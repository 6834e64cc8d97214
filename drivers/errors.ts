/** Whether trying again can help: `backoff` after a pause, `never` until somebody changes something. */
export type Retry = "backoff" | "never";

export interface DriverErrorOptions {
  readonly retry: Retry;
  /** What the installer can do about it, a sentence. */
  readonly hint: string;
  readonly cause?: unknown;
}

/**
 * What a driver, a bus or a link throws. `code` is for the machine and stands in docs/errors.md; `message` says what was
 * seen, lower case, without a full stop.
 */
export class DriverError extends Error {
  readonly code: string;
  readonly retry: Retry;
  readonly hint: string;

  constructor(code: string, message: string, options: DriverErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "DriverError";
    this.code = code;
    this.retry = options.retry;
    this.hint = options.hint;
  }
}
