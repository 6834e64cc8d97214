import { rm } from "node:fs/promises";

/** Files on the way to custody, known before they are written, so that whatever ends the work leaves none behind. */
export class ScratchFiles {
  readonly #paths = new Set<string>();

  /** @returns the path, now to be removed at the end */
  add(path: string): string {
    this.#paths.add(path);
    return path;
  }

  async remove(): Promise<void> {
    const paths = [...this.#paths];
    this.#paths.clear();
    await Promise.all(paths.map((path) => rm(path, { force: true })));
  }
}
