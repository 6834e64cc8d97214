import process from "node:process";
import { EXIT } from "./subcommand.ts";

/**
 * Says on stderr what went wrong: code, sentence, hint; sets the exit code to 1. What carries no code is a fault of the
 * program and comes with its stack.
 */
export function reportFault(error: unknown): void {
  process.exitCode = EXIT.fault;
  if (error instanceof Error && "code" in error && "hint" in error) {
    process.stderr.write(`${String(error.code)}: ${error.message}\nHint: ${String(error.hint)}\n`);
    return;
  }
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
}
