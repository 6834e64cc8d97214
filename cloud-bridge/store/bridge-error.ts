/** What went wrong, for whoever asked: the API turns it into an HTTP status, the command line into an exit code. */
export type BridgeErrorKind =
  | "invalid"
  | "unauthenticated"
  | "forbidden"
  | "not-found"
  | "conflict"
  | "too-large"
  | "too-many"
  | "unavailable";

/**
 * What the bridge throws at its edges. `code` is for the machine and stands in docs/errors.md; `message` says what was
 * seen, lower case, without a full stop; `hint` says what the reader can do about it.
 */
export class BridgeError extends Error {
  readonly code: string;
  readonly kind: BridgeErrorKind;
  readonly hint: string;

  constructor(code: string, message: string, options: { kind: BridgeErrorKind; hint: string; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "BridgeError";
    this.code = code;
    this.kind = options.kind;
    this.hint = options.hint;
  }
}
