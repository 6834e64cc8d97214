import { readFileSync } from "node:fs";
import process from "node:process";
import type { TestReport } from "./test-report.ts";

// Usage: close-tests.ts REPORT [CHECK=STATUS …]. Closes `scripts/test` with one line; a check counts as one test.
const [path = "", ...checks] = process.argv.slice(2);

let passed = 0;
const failed: string[] = [];
const skipped = new Map<string, string[]>();

for (const check of checks) {
  const [name, status] = check.split("=");
  if (status === "0") passed += 1;
  else failed.push(`${name} (exit ${status})`);
}
const report = readReport();
if (report === undefined || report.files === 0) failed.push("the suite reported nothing");
else {
  passed += report.passed;
  failed.push(...report.failed);
  for (const { test, reason } of report.skipped) skipped.set(reason, [...(skipped.get(reason) ?? []), test]);
  process.stdout.write(`\n${report.files} test files\n`);
}
let skippedCount = 0;
for (const [reason, tests] of skipped) {
  skippedCount += tests.length;
  process.stdout.write(`skipped, ${reason}:\n${tests.map((test) => `  ${test}\n`).join("")}`);
}
if (failed.length > 0) process.stdout.write(`failed:\n${failed.map((name) => `  ${name}\n`).join("")}`);
process.stdout.write(`${passed} passed, ${failed.length} failed, ${skippedCount} skipped\n`);
process.exitCode = failed.length === 0 ? 0 : 1;

function readReport(): TestReport | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as TestReport;
  } catch {
    return undefined;
  }
}
