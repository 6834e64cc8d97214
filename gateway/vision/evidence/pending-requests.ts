import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { EvidenceRecord, EvidenceTaker } from "../../contracts/evidence.ts";
import { codeOf } from "../../contracts/gateway-error.ts";
import type { Logger } from "../../contracts/logger.ts";

const REASON = "the node went off before it could be cut";

/**
 * Evidence that was promised and is not taken yet, so that after a loss of power its absence is said and nothing stays
 * promised for ever.
 */
export class PendingRequests {
  readonly #directory: string;
  readonly #log: Logger;

  constructor(directory: string, log: Logger) {
    this.#directory = directory;
    this.#log = log;
  }

  /** Without a disk the evidence is taken all the same. */
  async add(record: EvidenceRecord): Promise<void> {
    try {
      await mkdir(this.#directory, { recursive: true });
      await writeFile(this.#path(record.body.evidenceId), JSON.stringify(record), { flush: true });
    } catch (error) {
      this.#log.warn({ code: codeOf(error), evidenceId: record.body.evidenceId }, "promised evidence not noted");
    }
  }

  async done(evidenceId: string): Promise<void> {
    await rm(this.#path(evidenceId), { force: true }).catch(() => {});
  }

  /** States what an earlier start left, unless it was kept and only its note stayed: `upMs` counts from this one. */
  async settle(taker: EvidenceTaker, upMs: number): Promise<void> {
    const names = (await readdir(this.#directory).catch(() => [])).filter((one) => one.endsWith(".json"));
    if (names.length === 0) return;
    const recorded = await taker.recorded();
    for (const name of names) {
      const path = join(this.#directory, name);
      const record = await this.#noted(path);
      if (record !== undefined && !recorded.has(record.body.evidenceId)) {
        const part = name.includes("-clip") ? "clip" : "snapshot";
        const body = { ...record.body, missing: [{ name: part, reason: REASON }] };
        await taker.take({ record: { ...record, upMs: Math.round(upMs), body } });
      }
      await rm(path, { force: true });
    }
  }

  async #noted(path: string): Promise<EvidenceRecord | undefined> {
    try {
      return JSON.parse(await readFile(path, "utf8"));
    } catch (error) {
      this.#log.warn({ code: codeOf(error), file: path }, "note of promised evidence not read");
      return undefined;
    }
  }

  #path(evidenceId: string): string {
    return join(this.#directory, `${evidenceId}.json`);
  }
}
