import type { FaultReport } from "./fault-run.ts";

/** Of n independent trials without a failure: the rate is below this with a probability of 95 % (rule of three). */
const RULE_OF_THREE = 3;

const SUMMED = [
  "kills",
  "cuts",
  "sent",
  "stored",
  "declared",
  "lost",
  "doubled",
  "unexplained",
  "altered",
  "destroyed",
  "destroyedShown",
  "destroyedUnheard",
  "files",
  "filesStored",
  "filesDeclared",
  "alarms",
  "cases",
  "assignments",
] as const;
type Summed = (typeof SUMMED)[number];

/** Many runs in one account. */
export class FaultTotals {
  readonly #sums = new Map<string, number>();
  readonly #faults = new Map<string, number>();
  readonly #points = new Map<string, number>();
  #runs = 0;
  #unclean = 0;
  #broken = 0;

  add(report: FaultReport): void {
    this.#runs += 1;
    if (!report.clean) this.#unclean += 1;
    for (const name of SUMMED) this.#sums.set(name, (this.#sums.get(name) ?? 0) + report[name]);
    for (const [name, count] of Object.entries(report.faults)) raise(this.#faults, name, count);
    for (const [name, count] of Object.entries(report.points)) raise(this.#points, name, count);
  }

  /** A run that the rig itself did not bring to its end. */
  addBroken(): void {
    this.#broken += 1;
  }

  get isClean(): boolean {
    return this.#runs > 0 && this.#unclean + this.#broken === 0;
  }

  /** `bound95` is there only where nothing failed: upper bounds of the chance that one stroke costs anything. */
  sums() {
    const sums = Object.fromEntries(SUMMED.map((name) => [name, this.#sums.get(name) ?? 0])) as Record<Summed, number>;
    const bound = (count: number) => (count === 0 ? null : RULE_OF_THREE / count);
    return {
      runs: this.#runs,
      unclean: this.#unclean,
      broken: this.#broken,
      ...sums,
      faults: Object.fromEntries([...this.#faults].sort()),
      points: Object.fromEntries([...this.#points].sort()),
      ...(this.isClean ? { bound95: { kill: bound(sums.kills), cut: bound(sums.cuts) } } : {}),
    };
  }

  line(): string {
    const { runs, unclean, broken, faults: _, points: __, ...sums } = this.sums();
    return `${runs} runs, ${unclean} unclean, ${broken} broken: ${JSON.stringify(sums)}`;
  }
}

function raise(counts: Map<string, number>, name: string, by: number): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}
