import type { Db } from "./store/database.ts";
import type { Logger } from "./store/logger.ts";

export interface VehicleFix {
  readonly latitudeDeg: number;
  readonly longitudeDeg: number;
  readonly atMs: number;
}

/** Hands the newest fix of a node to the desk, once: where a vehicle's gateway is, its crew is. */
export class VehiclePositions {
  readonly #db: Db;
  readonly #log: Logger;
  readonly #report: (node: string, fix: VehicleFix) => Promise<void>;
  readonly #reported = new Map<string, number>();
  /** Nodes that are being looked at; true: look once more. */
  readonly #running = new Map<string, boolean>();

  constructor(options: { db: Db; log: Logger; report: (node: string, fix: VehicleFix) => Promise<void> }) {
    this.#db = options.db;
    this.#log = options.log;
    this.#report = options.report;
  }

  changed(node: string): void {
    const isRunning = this.#running.has(node);
    this.#running.set(node, isRunning);
    if (!isRunning) void this.#lookUntilQuiet(node);
  }

  async #lookUntilQuiet(node: string): Promise<void> {
    do {
      this.#running.set(node, false);
      try {
        await this.#look(node);
      } catch (error) {
        this.#log.warn({ node, error: String(error) }, "vehicle's position not taken");
      }
    } while (this.#running.get(node) === true);
    this.#running.delete(node);
  }

  async #look(node: string): Promise<void> {
    const row = await this.#db
      .selectFrom("nodes")
      .select(["latitude_deg", "longitude_deg", "position_at_ms"])
      .where("id", "=", node)
      .executeTakeFirst();
    if (row?.latitude_deg == null || row.longitude_deg === null || row.position_at_ms === null) return;
    if ((this.#reported.get(node) ?? 0) >= row.position_at_ms) return;
    this.#reported.set(node, row.position_at_ms);
    await this.#report(node, {
      latitudeDeg: row.latitude_deg,
      longitudeDeg: row.longitude_deg,
      atMs: row.position_at_ms,
    });
  }
}
