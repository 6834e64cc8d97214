import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const SHAO = fileURLToPath(new URL("../shao.js", import.meta.url));
const KEPT_LINES = 500;

/** One half of Shao as a process of its own, as a user would start it. */
export interface Child extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  /** Resolves with the exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
  /** The first line on stdout or stderr for which `match` holds, those already said included. */
  line(match: (line: string) => boolean, timeoutMs: number): Promise<string>;
  /** The last lines that it said, oldest first. */
  tail(count?: number): readonly string[];
  kill(signal: NodeJS.Signals): void;
  /** SIGTERM, and SIGKILL after 5 s. */
  stop(): Promise<number | string>;
}

/**
 * Starts `shao ARGS` over an IPC channel, so that it ends when this process is gone, however that came.
 * @param within stands before the command: at which end of a link it runs
 * @param script what is started instead of `shao`
 */
export function startChild(
  name: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  within: readonly string[] = [],
  script = SHAO,
): Child {
  const lines: string[] = [];
  const waiting = new Set<(line: string) => void>();
  const [command = "", ...whole] = [...within, process.execPath, ...process.execArgv, script, ...args];
  const child = spawn(command, whole, { stdio: ["ignore", "pipe", "pipe", "ipc"], env: { ...process.env, ...env } });
  const { pid, stdout, stderr } = child;
  if (pid === undefined || stdout === null || stderr === null) throw new Error(`${name} did not start`);
  for (const stream of [stdout, stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      lines.push(line);
      if (lines.length > KEPT_LINES) lines.shift();
      for (const listener of [...waiting]) listener(line);
    });
  }
  const ended = new Promise<number | string>((resolve) => {
    child.once("exit", (code, signal) => resolve(code ?? signal ?? "unknown"));
  });

  const stop = async () => {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 5_000);
    const code = await ended;
    clearTimeout(timer);
    return code;
  };

  return {
    name,
    pid,
    ended,
    tail: (count = 20) => lines.slice(-count),
    kill: (signal) => void child.kill(signal),
    stop,
    [Symbol.asyncDispose]: async () => void (await stop()),
    line(match, timeoutMs) {
      const seen = lines.find(match);
      if (seen !== undefined) return Promise.resolve(seen);
      return new Promise((resolve, reject) => {
        const finish = () => {
          clearTimeout(timer);
          waiting.delete(listener);
        };
        const listener = (line: string) => {
          if (!match(line)) return;
          finish();
          resolve(line);
        };
        const fail = (why: string) => {
          finish();
          reject(new Error(`${name} ${why}; it last said:\n${lines.slice(-12).join("\n")}`));
        };
        const timer = setTimeout(() => fail(`did not say what was awaited within ${timeoutMs} ms`), timeoutMs);
        waiting.add(listener);
        void ended.then((code) => waiting.has(listener) && fail(`ended with ${code}`));
      });
    },
  };
}
