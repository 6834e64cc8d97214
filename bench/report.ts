import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import process from "node:process";

/** One number of a benchmark, beside what it is held against. Null: there is none. */
export interface BenchRow {
  readonly metric: string;
  readonly value: number;
  readonly unit: string;
  /** What we set out to reach. */
  readonly goal: number | null;
  /** The same measured on something else in the same run; `note` names it. */
  readonly peer: number | null;
  /** What is possible at all, measured in the same run. */
  readonly limit: number | null;
  readonly note?: string;
}

export interface BenchReport {
  readonly commit: string;
  readonly machine: string;
  readonly rows: readonly BenchRow[];
  /** Parts that were asked for and gave nothing; absent where there are none. */
  readonly missing?: readonly string[];
}

/** Ends a benchmark: its one line on stdout. */
export function report(rows: readonly BenchRow[], missing: readonly string[] = []): void {
  const whole: BenchReport = {
    ...{ commit: commit(), machine: machine(), rows },
    ...(missing.length === 0 ? {} : { missing }),
  };
  process.stdout.write(`${JSON.stringify(whole)}\n`);
}

/** To three figures: more would be noise. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

function machine(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  const gib = Math.round(totalmem() / 2 ** 30);
  return `${availableParallelism()} × ${model}, ${gib} GiB, Linux ${release()}, Node ${process.versions.node}`;
}

function commit(): string {
  const git = (...args: string[]) =>
    spawnSync("git", args, { cwd: new URL("..", import.meta.url), encoding: "utf8", timeout: 5000 });
  const head = git("rev-parse", "--short=12", "HEAD");
  if (head.status === 0) {
    const changed = git("status", "--porcelain", "--untracked-files=no");
    return `${head.stdout.trim()}${changed.stdout === "" ? "" : "+changes"}`;
  }
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  return `v${version}`;
}
