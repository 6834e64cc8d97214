import { defineConfig } from "vitest/config";
import { TestReportWriter } from "./scripts/test-report.ts";

/** `SHAO_LONG=1` adds what takes longer than a developer waits: files named `*.long.test.ts`. */
const long = process.env["SHAO_LONG"] === "1";
const report = process.env["SHAO_TEST_REPORT"];

export default defineConfig({
  test: {
    include: long ? ["test/**/*.test.ts"] : ["test/**/*.test.ts", "!test/**/*.long.test.ts"],
    pool: "forks",
    globalSetup: ["test/fakes/postgres-global.ts"],
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    passWithNoTests: false,
    reporters: report === undefined ? ["default"] : ["default", new TestReportWriter(report)],
  },
});
