import type { RunningBridge } from "../cloud-bridge/main.ts";
import { BridgeError } from "../cloud-bridge/store/errors.ts";

/** Whether a bridge gets on, for a watchdog: its store answers, and its desk has looked at its timers since the last check. */
export class BridgeWatch {
  readonly #bridge: Pick<RunningBridge, "pulse">;
  #rounds = -1;

  constructor(bridge: Pick<RunningBridge, "pulse">) {
    this.#bridge = bridge;
  }

  /** @throws BridgeError WATCH_DESK, and what the store says */
  async check(): Promise<string> {
    const { rounds, nodesOnline } = await this.#bridge.pulse();
    if (rounds === this.#rounds) {
      throw new BridgeError("WATCH_DESK", "the desk's clock stands still", {
        status: 503,
        hint: "The service manager starts it anew. If it comes again, look at the database's disk.",
      });
    }
    this.#rounds = rounds;
    return `${nodesOnline} nodes connected`;
  }
}
