import { GatewayError } from "../contracts/gateway-error.ts";
import type { Fault } from "./messages.ts";

/** An error as plain data, so that it crosses between threads with its code and hint. */
export function toFault(error: unknown): Fault {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && "code" in error ? String(error.code) : "JOURNAL_FAULT";
  const hint = error instanceof Error && "hint" in error ? String(error.hint) : UNEXPECTED;
  return { code, message, hint };
}

export function fromFault({ code, message, hint }: Fault): GatewayError {
  return new GatewayError(code, message, { hint });
}

const UNEXPECTED = "This was not foreseen. Please report it with the log around it.";
