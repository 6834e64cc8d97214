import { execFileSync } from "node:child_process";
import process from "node:process";

/** What stops the making of a package: one sentence, and what to do. */
export class PackagingFault extends Error {
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.name = "PackagingFault";
    this.hint = hint;
  }
}

const began = performance.now();

/** A line of progress on stderr. */
export function say(sentence: string): void {
  process.stderr.write(`package: ${((performance.now() - began) / 1000).toFixed(0).padStart(3)} s  ${sentence}\n`);
}

/** Runs a program and returns its stdout. @throws PackagingFault with the end of what it said */
export function run(
  command: readonly [string, ...string[]],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv; readonly hint?: string } = {},
): string {
  const [program, ...words] = command;
  const { cwd, env = process.env } = options;
  try {
    return execFileSync(program, words, {
      encoding: "utf8",
      env,
      maxBuffer: 256 * 1024 * 1024,
      stdio: ["ignore", "pipe", "pipe"],
      ...(cwd === undefined ? {} : { cwd }),
    });
  } catch (error) {
    const said = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : String(error);
    throw new PackagingFault(
      `${program} ${words.slice(0, 3).join(" ")} did not succeed: ${said.slice(-600)}`,
      options.hint ?? "See what it said.",
    );
  }
}
