/** What a room of the bridge throws for its caller. `code` stands in docs/errors.md; `status` is what HTTP answers. */
export class BridgeError extends Error {
  readonly code: string;
  readonly status: number;
  readonly hint: string;

  constructor(code: string, message: string, options: { status: number; hint: string; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "BridgeError";
    this.code = code;
    this.status = options.status;
    this.hint = options.hint;
  }
}
