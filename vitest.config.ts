import { defineConfig } from "vitest/config";
import { LongestFirst } from "./scripts/longest-first.ts";
import { TestReportWriter } from "./scripts/test-report.ts";

/** `SHAO_LONG=1` adds what takes longer than a developer waits: files named `*.long.test.ts`. */
const long = process.env["SHAO_LONG"] === "1";
const report = process.env["SHAO_TEST_REPORT"];
const LONG_TESTS = "test/**/*.long.test.ts";

export default defineConfig({
  test: {
    pool: "forks",
    globalSetup: ["test/fakes/postgres-global.ts"],
    // Loading the modules anew for each file took a third of the suite's processor time.
    isolate: false,
    sequence: { sequencer: LongestFirst },
    // What the command line says is compared with English, whatever the developer speaks.
    env: { LC_ALL: "C.UTF-8" },
    testTimeout: 180_000,
    hookTimeout: 120_000,
    passWithNoTests: false,
    reporters: report === undefined ? ["default"] : ["default", new TestReportWriter(report)],
    projects: [
      {
        extends: true,
        // Most tests wait for a server, a port or a timer: four at once keep two cores busy.
        test: { name: "suite", include: ["test/**/*.test.ts", `!${LONG_TESTS}`], maxWorkers: 4 },
      },
      // One at a time, after the suite: the fault test fills both cores and takes a starved half for a stuck one.
      ...(long
        ? [
            {
              extends: true as const,
              test: { name: "long", include: [LONG_TESTS], maxWorkers: 1, sequence: { groupOrder: 1 } },
            },
          ]
        : []),
    ],
  },
});
