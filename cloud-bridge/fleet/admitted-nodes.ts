import type { Db } from "../store/database.ts";
import type { Admission } from "./enrolment.ts";

const BELIEVED_MS = 2_000;
/** A node that has just enrolled is not in the list yet: so often it is read anew for one that is missing. */
const MISSING_MS = 250;

/** Which nodes may speak, for a broker that asks us nothing at a connect: one look at the list serves many messages. */
export class AdmittedNodes {
  readonly #db: Db;
  readonly #nowMs: () => number;
  #known = new Map<string, Admission>();
  #readAtMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  /** @param nowMs monotonic */
  constructor(db: Db, nowMs: () => number = () => performance.now()) {
    this.#db = db;
    this.#nowMs = nowMs;
  }

  async ask(node: string): Promise<Admission> {
    const ageMs = this.#nowMs() - this.#readAtMs;
    const isMissing = this.#known.get(node) !== "admitted";
    if (ageMs > BELIEVED_MS || (isMissing && ageMs > MISSING_MS)) {
      this.#reading ??= this.#read().finally(() => {
        this.#reading = undefined;
      });
      await this.#reading;
    }
    return this.#known.get(node) ?? "node-unknown";
  }

  async #read(): Promise<void> {
    const rows = await this.#db.selectFrom("nodes").select(["id", "certificate_sha256", "revoked_at_ms"]).execute();
    this.#known = new Map(
      rows.map((row) => {
        if (row.revoked_at_ms !== null) return [row.id, "node-revoked"];
        return [row.id, row.certificate_sha256 === null ? "node-unknown" : "admitted"];
      }),
    );
    this.#readAtMs = this.#nowMs();
  }
}
