import { writeFileSync } from "node:fs";
import type { Reporter, TestCase, TestModule } from "vitest/node";

/** What a run of the suite came to, for `scripts/test` to close with. */
export interface TestReport {
  readonly files: number;
  readonly passed: number;
  readonly failed: readonly string[];
  readonly skipped: readonly { readonly test: string; readonly reason: string }[];
}

/** Writes a TestReport: Vitest's own JSON reporter leaves out why a test was skipped, and a crash outside of any test. */
export class TestReportWriter implements Reporter {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly { readonly message: string }[]): void {
    let passed = 0;
    const failed: string[] = [];
    const skipped: { test: string; reason: string }[] = [];
    for (const module of modules) {
      const failedBefore = failed.length;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === "passed") passed += 1;
        else if (result.state === "skipped")
          skipped.push({ test: nameOf(test), reason: result.note ?? "no reason given" });
        else failed.push(nameOf(test));
      }
      if (!module.ok() && failed.length === failedBefore) failed.push(`${module.relativeModuleId} (the file itself)`);
    }
    for (const error of unhandled) failed.push(`outside of any test: ${error.message}`);
    const report: TestReport = { files: modules.length, passed, failed, skipped };
    writeFileSync(this.#path, JSON.stringify(report));
  }
}

function nameOf(test: TestCase): string {
  return `${test.module.relativeModuleId} › ${test.fullName}`;
}
