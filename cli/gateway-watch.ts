import { GatewayError } from "../gateway/contracts/gateway-error.ts";
import type { Gateway } from "../gateway/gateway.ts";
import type { NodePulse } from "../gateway/node-report.ts";

/** How long a start may take after the pause before it. */
const START_WITHIN_MS = 60_000;

/**
 * Whether a gateway gets on, for a watchdog: its event loop turns, its journal's thread answers, and of the writes that
 * wait for a commit one was answered since the last check. A refusal is an answer: a full disk is no reason to start anew.
 */
export class GatewayWatch {
  readonly #upMs: () => number;
  #gateway: Pick<Gateway, "pulse"> | undefined;
  #restsUntilMs: number;
  #before: NodePulse | undefined;

  constructor(upMs: () => number) {
    this.#upMs = upMs;
    this.#restsUntilMs = upMs();
  }

  started(gateway: Pick<Gateway, "pulse">): void {
    this.#gateway = gateway;
    this.#before = undefined;
  }

  /** None runs for `ms`, by intent: what it could not write waits in this process, which therefore must not be ended. */
  rests(ms: number): void {
    this.#gateway = undefined;
    this.#restsUntilMs = this.#upMs() + ms;
  }

  /** @throws GatewayError WATCH_START, WATCH_JOURNAL, and what the journal says */
  async check(): Promise<string> {
    const gateway = this.#gateway;
    if (gateway === undefined) {
      if (this.#upMs() - this.#restsUntilMs < START_WITHIN_MS) return "starts again";
      throw new GatewayError("WATCH_START", "the gateway does not come up", { hint: HINT });
    }
    const pulse = await gateway.pulse();
    const before = this.#before;
    this.#before = pulse;
    if (before !== undefined && pulse.pendingWrites > 0 && pulse.answeredWrites === before.answeredWrites) {
      throw new GatewayError("WATCH_JOURNAL", `${pulse.pendingWrites} writes wait and none is answered`, {
        hint: HINT,
      });
    }
    const { devicesOnline, devices, isConnected, unreceipted } = pulse;
    return `${devicesOnline} of ${devices} devices online, ${isConnected ? "connected" : "not connected"}, ${unreceipted} records wait`;
  }
}

const HINT = "The service manager starts it anew. If it comes again, look at the disk under `state`.";
