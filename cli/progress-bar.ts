import process from "node:process";

/** A bar on stderr, only where somebody looks. */
export function progressBar(name: string, whole: number): { draw(done: number, what?: string): void; clear(): void } {
  const width = 30;
  const isShown = process.stderr.isTTY === true;
  let longest = 0;
  return {
    draw(done, what = "") {
      if (!isShown) return;
      const filled = Math.round((done / whole) * width);
      const line = `${name} [${"#".repeat(filled)}${".".repeat(width - filled)}] ${what}`;
      longest = Math.max(longest, line.length);
      process.stderr.write(`\r${line.padEnd(longest)}`);
    },
    clear() {
      if (isShown) process.stderr.write(`\r${" ".repeat(longest)}\r`);
    },
  };
}
