/** Thrown by encoders of the contract on what must not leave this program. `code` stands in docs/errors.md. */
export class ProtocolError extends Error {
  readonly code: string;
  readonly hint: string;

  constructor(code: string, message: string, hint: string) {
    super(message);
    this.name = "ProtocolError";
    this.code = code;
    this.hint = hint;
  }
}
