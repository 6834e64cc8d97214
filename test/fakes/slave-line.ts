import { mbapReply, mbapRequests, rtuRequests, slaveReply } from "../../drivers/bus/modbus-slave.ts";
import type { ByteLink, Clock } from "../../drivers/driver.ts";
import { DriverError } from "../../drivers/errors.ts";
import { AsyncQueue } from "../../drivers/net/async-queue.ts";

/** What happens to one answer. */
export interface Fate {
  readonly delayMs?: number;
  /** Never answered. */
  readonly isLost?: boolean;
  /** What comes instead of the answer. */
  readonly spoil?: (reply: Uint8Array) => Uint8Array;
}

/** The value of every register says which unit and address it is, so that a wrong one gives itself away. */
export function tellingRegister(unit: number, functionCode: number, address: number): number {
  return (((unit & 0x1f) << 10) | ((address & 0x1ff) << 1) | (functionCode === 4 ? 1 : 0)) & 0xffff;
}

/**
 * A line with slaves on it, in memory and on a virtual clock. Each unit answers in the order it was asked, as real slaves
 * do; the line outlives connections, so a late answer comes to whoever is connected then, as a serial server does it.
 */
export class SlaveLine {
  readonly #clock: Clock;
  readonly #fate: (unit: number, functionCode: number) => Fate;
  readonly #registerAt: (unit: number, functionCode: number, address: number) => number | undefined;
  readonly #isMbap: boolean;
  #queue: AsyncQueue<Uint8Array> | undefined;
  readonly #busy = new Map<number, Promise<void>>();
  requests = 0;
  opened = 0;

  constructor(options: {
    readonly clock: Clock;
    readonly fate?: (unit: number, functionCode: number) => Fate;
    readonly registerAt?: (unit: number, functionCode: number, address: number) => number | undefined;
    readonly framing?: "rtu" | "tcp";
  }) {
    this.#clock = options.clock;
    this.#fate = options.fate ?? (() => ({}));
    this.#registerAt = options.registerAt ?? tellingRegister;
    this.#isMbap = options.framing === "tcp";
  }

  /** Bytes that no slave sent. */
  inject(bytes: Uint8Array): void {
    this.#queue?.push(bytes);
  }

  /** Pulls the cable. */
  pull(): void {
    this.#queue?.end(new DriverError("PORT_LOST", "the cable was pulled", { retry: "backoff", hint: "Plug it in." }));
  }

  open(): ByteLink {
    const queue = new AsyncQueue<Uint8Array>(1000);
    this.#queue = queue;
    this.opened++;
    const rtu = rtuRequests();
    const mbap = mbapRequests();
    return {
      peer: "line",
      write: async (bytes) => {
        const found = this.#isMbap ? mbap(bytes) : rtu(bytes).map((request) => ({ head: undefined, request }));
        for (const { head, request } of found) {
          this.requests++;
          const { unit, functionCode } = request;
          const fate = this.#fate(unit, functionCode);
          if (fate.isLost === true) continue;
          const reply = slaveReply(request, (code, address) => this.#registerAt(unit, code, address));
          const spoilt = fate.spoil?.(reply) ?? reply;
          const before = this.#busy.get(unit) ?? Promise.resolve();
          const target = queue;
          const after = before
            .then(() => this.#clock.sleep(fate.delayMs ?? 5))
            .then(() => (head === undefined ? this.#queue : target)?.push(head ? mbapReply(head, spoilt) : spoilt));
          this.#busy.set(unit, after);
        }
      },
      [Symbol.asyncIterator]: () => queue[Symbol.asyncIterator](),
      async [Symbol.asyncDispose]() {
        queue.end();
      },
    };
  }
}
