import { openSync } from "node:fs";
import { pino } from "pino";
import { expect, test } from "vitest";
import { logStream } from "../../cli/log-stream.ts";

test("a log on a full disk costs its lines, not who logs, and no memory without end", () => {
  const log = pino({ base: null }, logStream(openSync("/dev/full", "w")));
  const before = process.memoryUsage().rss;
  for (let n = 0; n < 50_000; n += 1) log.error({ n, filler: "x".repeat(1000) }, "alarm raised");
  expect(process.memoryUsage().rss - before).toBeLessThan(40_000_000);
});
