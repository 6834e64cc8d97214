import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestReport } from "../../scripts/test-report.ts";
import { ROOT } from "../repo/source-tree.ts";

let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "shao-close-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function close(report: TestReport | undefined, ...checks: string[]): { status: number | null; lines: string[] } {
  const path = join(folder, "report.json");
  if (report === undefined) rmSync(path, { force: true });
  else writeFileSync(path, JSON.stringify(report));
  const { status, stdout } = spawnSync(process.execPath, [join(ROOT, "scripts/close-tests.ts"), path, ...checks], {
    encoding: "utf8",
  });
  return { status, lines: stdout.trimEnd().split("\n") };
}

test("a green run closes with one line", () => {
  const { status, lines } = close({ files: 3, passed: 40, failed: [], skipped: [] }, "lint=0", "types=0");
  expect(lines.at(-1)).toBe("42 passed, 0 failed, 0 skipped");
  expect(status).toBe(0);
});

test("skipped tests are listed with their reason, and are no failure", () => {
  const skipped = [{ test: "a › b", reason: "no socat" }];
  const { status, lines } = close({ files: 1, passed: 1, failed: [], skipped });
  expect(lines.slice(-3)).toEqual(["skipped, no socat:", "  a › b", "1 passed, 0 failed, 1 skipped"]);
  expect(status).toBe(0);
});

test.each([
  ["a failed test", { files: 1, passed: 1, failed: ["a › b"], skipped: [] }, [], "1 passed, 1 failed, 0 skipped"],
  ["a red check", { files: 1, passed: 1, failed: [], skipped: [] }, ["lint=1"], "1 passed, 1 failed, 0 skipped"],
  ["a suite that saw no file", { files: 0, passed: 0, failed: [], skipped: [] }, [], "0 passed, 1 failed, 0 skipped"],
  ["a suite that reported nothing", undefined, ["types=0"], "1 passed, 1 failed, 0 skipped"],
])("%s makes it red", (_, report, checks, line) => {
  const { status, lines } = close(report, ...checks);
  expect(lines.at(-1)).toBe(line);
  expect(status).toBe(1);
});
