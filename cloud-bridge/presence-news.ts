import type { Static } from "typebox";
import type { EventHub } from "./api/event-hub.ts";
import type { Presence } from "./api/schema/fleet.ts";
import { presenceOf } from "./fleet/node-views.ts";
import type { BridgeClock } from "./store/clock.ts";
import type { Db } from "./store/database.ts";
import type { Logger } from "./store/logger.ts";

/** A node that talks all the time is news this often at most. */
const GATHER_MS = 250;

/** Tells the pages of nodes whose presence changed; many changes of one node in a short time are told once. */
export class PresenceNews {
  readonly #waiting = new Map<string, NodeJS.Timeout>();
  readonly #db: Db;
  readonly #clock: BridgeClock;
  readonly #log: Logger;
  readonly #hub: () => EventHub | undefined;

  constructor(options: { db: Db; clock: BridgeClock; log: Logger; hub: () => EventHub | undefined }) {
    this.#db = options.db;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#hub = options.hub;
  }

  changed(node: string): void {
    if (this.#waiting.has(node)) return;
    const timer = setTimeout(() => {
      this.#waiting.delete(node);
      this.#tell(node).catch((error: unknown) => {
        this.#log.warn({ node, error: String(error) }, "presence not told");
      });
    }, GATHER_MS);
    this.#waiting.set(node, timer);
  }

  stop(): void {
    for (const timer of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
  }

  async #tell(node: string): Promise<void> {
    const presence = await presenceOf(this.#db, node, this.#clock.nowMs());
    if (presence !== undefined) this.#hub()?.presence({ node, presence: presence as Static<typeof Presence> });
  }
}
