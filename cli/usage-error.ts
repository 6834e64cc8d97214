import type { Command } from "commander";

/** An option or argument whose text cannot be used; the message says what was seen and what would be right. */
export class UsageError extends Error {}

/** Runs an action so that a UsageError ends as wrong usage does: message, hint, exit code 64. */
export async function usable(command: Command, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    command.error(`error: ${error.message}`);
  }
}
