import { spawn } from "node:child_process";

/** `shao` as a user runs it: the JSON lines of its stdout, its exit code, and what it said on stderr. */
export async function runShao(
  ...args: readonly string[]
): Promise<{ readonly lines: unknown[]; readonly code: number | null; readonly talk: string }> {
  const child = spawn(process.execPath, ["cli/shao.js", ...args]);
  let text = "";
  let talk = "";
  child.stdout.on("data", (chunk) => {
    text += String(chunk);
  });
  child.stderr.on("data", (chunk) => {
    talk += String(chunk);
  });
  const { promise, resolve } = Promise.withResolvers<number | null>();
  child.once("close", resolve);
  const code = await promise;
  const lines = text.split("\n").filter((line) => line !== "");
  return { lines: lines.map((line): unknown => JSON.parse(line)), code, talk };
}
