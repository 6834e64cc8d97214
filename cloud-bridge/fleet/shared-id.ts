const REMEMBERED_RUNS = 16;

/**
 * Notices two boxes that carry one identity (a cloned card). A run is drawn anew at each start and never comes back, so a
 * hello of run A after one of run B, when A was there before B, can only come from a second box.
 */
export class SharedIdDetector {
  readonly #runs = new Map<string, string[]>();

  /** @returns whether this hello proves that the id is shared */
  hello(node: string, currentRun: string): boolean {
    const runs = this.#runs.get(node) ?? [];
    if (runs.at(-1) === currentRun) return false;
    const isBack = runs.includes(currentRun);
    this.#runs.set(node, [...runs.filter((run) => run !== currentRun), currentRun].slice(-REMEMBERED_RUNS));
    return isBack;
  }
}
