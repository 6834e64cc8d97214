/** What a stage of the gateway throws. `code` stands in docs/errors.md; `hint` says what the installer can do. */
export class GatewayError extends Error {
  readonly code: string;
  readonly hint: string;

  constructor(code: string, message: string, options: { readonly hint: string; readonly cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "GatewayError";
    this.code = code;
    this.hint = options.hint;
  }
}

/** The code of whatever was thrown; GATEWAY_FAULT where it has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "GATEWAY_FAULT";
}
