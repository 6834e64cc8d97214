import type { Ranges } from "../../protocol/ranges.ts";
import type { Lane } from "../../protocol/record.ts";
import type { RunSummary } from "../contracts/journal.ts";
import { MAX_WANTED_RANGES, TURNS, type Turn, type WantedRun } from "./wanted.ts";

/** The runs that a hello named, and of those that were answered what the bridge wants. */
export class WantedRuns {
  #summaries: ReadonlyMap<string, RunSummary> = new Map();
  readonly #wanted = new Map<string, WantedRun>();

  /** @param runs newest first */
  list(runs: readonly RunSummary[]): void {
    this.#summaries = new Map(runs.map((summary) => [summary.run, summary]));
  }

  summary(run: string): RunSummary | undefined {
    return this.#summaries.get(run);
  }

  get(run: string): WantedRun | undefined {
    return this.#wanted.get(run);
  }

  get isEmpty(): boolean {
    return this.#wanted.size === 0;
  }

  /** @returns whether there was room to remember it */
  set(wanted: WantedRun): boolean {
    const others = this.ranges - (this.#wanted.get(wanted.run)?.ranges ?? 0);
    if (others + wanted.ranges > MAX_WANTED_RANGES) return false;
    this.#wanted.set(wanted.run, wanted);
    return true;
  }

  delete(run: string): void {
    this.#wanted.delete(run);
  }

  clear(): void {
    this.#wanted.clear();
  }

  *oldestFirst(): Generator<WantedRun> {
    for (const run of [...this.#summaries.keys()].reverse()) {
      const wanted = this.#wanted.get(run);
      if (wanted !== undefined) yield wanted;
    }
  }

  /** What to read next in this turn, of the oldest run that has something left to look for. */
  ask(turn: Turn): { readonly run: string; readonly ranges: Ranges; readonly lanes: readonly Lane[] } | undefined {
    for (const wanted of this.oldestFirst()) {
      const ask = wanted.ask(turn);
      if (ask !== undefined) return { run: wanted.run, ...ask };
    }
    return undefined;
  }

  /** Whether any run has rows left to look for in these turns. */
  hasAny(turns: readonly Turn[] = TURNS): boolean {
    return [...this.#wanted.values()].some((wanted) => turns.some((turn) => !wanted.isDrained(turn)));
  }

  get ranges(): number {
    return [...this.#wanted.values()].reduce((sum, { ranges }) => sum + ranges, 0);
  }
}
