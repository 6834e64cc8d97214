import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import process from "node:process";

const NS_PER_MS = 1e6;

/** What the process costs: memory now, processor and event-loop delay since the last call. */
export class ProcessVitals {
  readonly #delay = monitorEventLoopDelay({ resolution: 20 });
  #cpu = process.cpuUsage();
  #atMs = performance.now();

  constructor() {
    this.#delay.enable();
  }

  sample(): { readonly rssBytes: number; readonly cpuPct: number; readonly eventLoopDelayP99Ms: number } {
    const now = performance.now();
    const spent = process.cpuUsage(this.#cpu);
    const tookMs = Math.max(1, now - this.#atMs);
    const cpuPct = ((spent.user + spent.system) / 1000 / tookMs) * 100;
    // The histogram measures its own 20 ms timer: what exceeds that is delay.
    const p99 = this.#delay.count === 0 ? 0 : Math.max(0, this.#delay.percentile(99) / NS_PER_MS - 20);
    this.#cpu = process.cpuUsage();
    this.#atMs = now;
    this.#delay.reset();
    return { rssBytes: process.memoryUsage.rss(), cpuPct: round(cpuPct), eventLoopDelayP99Ms: round(p99) };
  }

  stop(): void {
    this.#delay.disable();
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
