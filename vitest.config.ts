import { defineConfig } from "vitest/config";
import { LongestFirst } from "./scripts/longest-first.ts";
import { TestReportWriter } from "./scripts/test-report.ts";

/** `SHAO_LONG=1` adds what takes longer than a developer waits: files named `*.long.test.ts`. */
const long = process.env["SHAO_LONG"] === "1";
const report = process.env["SHAO_TEST_REPORT"];

export default defineConfig({
  test: {
    include: long ? ["test/**/*.test.ts"] : ["test/**/*.test.ts", "!test/**/*.long.test.ts"],
    pool: "forks",
    globalSetup: ["test/fakes/postgres-global.ts"],
    // Most tests wait for a server, a port or a timer: four at once keep two cores busy.
    maxWorkers: 4,
    // Loading the modules anew for each file took a third of the suite's processor time.
    isolate: false,
    sequence: { sequencer: LongestFirst },
    testTimeout: 180_000,
    hookTimeout: 120_000,
    passWithNoTests: false,
    reporters: report === undefined ? ["default"] : ["default", new TestReportWriter(report)],
  },
});
