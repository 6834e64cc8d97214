import { LIVE_LEASE_MS } from "../../protocol/limits.ts";
import type { LiveLevel } from "../../protocol/session.ts";
import type { EventOf } from "./schema/events.ts";

export interface LiveLeasesOptions {
  readonly nowMs: () => number;
  readonly send: (client: string, event: EventOf<"live">) => void;
}

/** Who watches which meter right now: a lease of 60 s from a client's stream, renewed while the page is looked at. */
export class LiveLeases {
  readonly #options: LiveLeasesOptions;
  readonly #watchers = new Map<string, Map<string, number>>();

  constructor(options: LiveLeasesOptions) {
    this.#options = options;
  }

  /** @returns until when */
  take(node: string, device: string, client: string): number {
    const key = `${node}/${device}`;
    const clients = this.#watchers.get(key) ?? new Map<string, number>();
    const untilMs = this.#options.nowMs() + LIVE_LEASE_MS;
    this.#watchers.set(key, clients.set(client, untilMs));
    return untilMs;
  }

  /** A level came in: to those whose lease stands, and nobody else. */
  level(node: string, device: string, level: LiveLevel): void {
    const key = `${node}/${device}`;
    const clients = this.#watchers.get(key);
    if (clients === undefined) return;
    const nowMs = this.#options.nowMs();
    for (const [client, untilMs] of clients) {
      if (untilMs < nowMs) clients.delete(client);
      else this.#options.send(client, { node, device, level });
    }
    if (clients.size === 0) this.#watchers.delete(key);
  }
}
