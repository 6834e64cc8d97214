import { spawn } from "node:child_process";
import type process from "node:process";

export interface Said {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A question ends with a colon and a blank, and whoever asks waits. */
const QUESTION = /(?:^|\n)([^\n]+): $/u;

/** Runs a program and answers what it asks on stderr, as somebody at the keyboard does. */
export function converse(
  [program, words, options]: readonly [string, string[], { env: typeof process.env }],
  answer: (question: string) => string = () => "",
): Promise<Said> {
  const child = spawn(program, words, { ...options, stdio: ["pipe", "pipe", "pipe"] });
  const { promise, resolve, reject } = Promise.withResolvers<Said>();
  let stdout = "";
  let stderr = "";
  let answeredTo = 0;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    const [, question] = QUESTION.exec(stderr.slice(answeredTo)) ?? [];
    if (question === undefined) return;
    answeredTo = stderr.length;
    child.stdin.write(`${answer(question.trim())}\n`);
  });
  child.stdin.on("error", () => undefined);
  child.once("error", reject);
  child.once("close", (code) => resolve({ code, stdout, stderr }));
  return promise;
}
