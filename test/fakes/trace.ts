import { readFileSync } from "node:fs";

/** The lines that a device sent (`<`) in a trace under test/traces, without comments. */
export function receivedLines(path: string): string[] {
  const lines = readFileSync(`test/traces/${path}`, "utf8").split("\n");
  for (const key of ["# device:", "# origin:", "# covers:"]) {
    if (!lines.some((line) => line.startsWith(key))) throw new Error(`${path} does not name its ${key.slice(2, -1)}`);
  }
  return lines.filter((line) => line.startsWith("<")).map((line) => (line.slice(1).split(" # ")[0] ?? "").trim());
}

/** The frames that a device sent in a trace of hex lines. */
export function receivedFrames(path: string): Uint8Array[] {
  return receivedLines(path).map((line) => Uint8Array.from(Buffer.from(line.replaceAll(" ", ""), "hex")));
}
