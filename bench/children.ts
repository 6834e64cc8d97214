import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";

const started = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of started) child.kill("SIGKILL");
});
process.once("SIGINT", () => process.exit(130)).once("SIGTERM", () => process.exit(143));

export interface Spawned {
  readonly child: ChildProcess;
  /** The last lines that it said. */
  readonly said: readonly string[];
}

/** Starts a program that ends with this one, however that ends. */
export function start(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}, cwd?: string): Spawned {
  const child = spawn(program, [...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
    ...(cwd === undefined ? {} : { cwd }),
  });
  endWithUs(child);
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      said.push(...text.split("\n"));
      said.splice(0, Math.max(0, said.length - 100));
    });
  }
  child.on("error", (error) => said.push(error.message));
  return { child, said };
}

/** Ends with this process, however that ends. */
export function endWithUs(child: ChildProcess): void {
  started.add(child);
  child.once("exit", () => started.delete(child));
}

export async function end({ child }: Spawned, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, "exit");
  child.kill(signal);
  await ended;
}
