import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";
import { processorS, startShao, stopped } from "./process-figures.ts";
import type { TenMeters } from "./ten-meters.ts";

const GIVE_UP_MS = 20_000;

export interface Starts {
  readonly times: readonly number[];
  readonly processorMs: readonly number[];
}

/** Starts the gateway `count` times, each from the start of the process to the first answer of a meter. */
export async function startsToFirstReading(meters: TenMeters, what: string, count: number): Promise<Starts> {
  const times: number[] = [];
  const processorMs: number[] = [];
  for (let start = 0; start < count; start += 1) {
    meters.forgetAnswers();
    const startedMs = performance.now();
    const gateway = startShao(["gateway", "--config", meters.config]);
    try {
      while (meters.firstAnswerMs() === undefined) {
        if (gateway.exitCode !== null) throw new Error(`the gateway ended: ${gateway.said.join("")}`);
        if (performance.now() - startedMs > GIVE_UP_MS) throw new Error(`no meter was read: ${gateway.said.join("")}`);
        await wait(2);
      }
      processorMs.push(processorS(gateway.pid ?? 0) * 1000);
      times.push((meters.firstAnswerMs() ?? 0) - startedMs);
    } finally {
      await stopped(gateway);
    }
    process.stderr.write(`${what}: ${Math.round(times.at(-1) ?? 0)} ms\n`);
  }
  return { times, processorMs };
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
