import type { Command } from "commander";

/** Exit codes of every subcommand. */
export const EXIT = { good: 0, fault: 1, usage: 64, config: 78 } as const;

/** One entry of the table in main.ts; its file is loaded only when it is asked for. */
export interface Subcommand {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<{ readonly command: () => Command }>;
}
