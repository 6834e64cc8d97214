import { rtuRequests, type SlaveRequest, slaveReply } from "../drivers/bus/modbus-slave.ts";
import type { ByteLink, Clock } from "../drivers/driver.ts";
import { AsyncQueue } from "../drivers/net/async-queue.ts";

const BITS_PER_CHARACTER = 10;
const BYTES_AT_ONCE = 4;

interface Sleeper {
  readonly atMs: number;
  readonly wake: () => void;
}

/** Time that passes as fast as the machine can, so that what it does beside has no part in the result. */
export class SimulatedClock implements Clock {
  #nowMs = 0;
  #sleepers: Sleeper[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  upMs(): number {
    return this.#nowMs;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const sleeper: Sleeper = { atMs: this.#nowMs + Math.max(0, ms), wake: resolve };
    const after = this.#sleepers.findIndex(({ atMs }) => atMs > sleeper.atMs);
    this.#sleepers.splice(after < 0 ? this.#sleepers.length : after, 0, sleeper);
    const onAbort = () => {
      this.#sleepers = this.#sleepers.filter((one) => one !== sleeper);
      resolve();
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    await promise;
    signal?.removeEventListener("abort", onAbort);
  }

  async run(untilMs: number): Promise<void> {
    await settled();
    for (let next = this.#sleepers[0]; next !== undefined && next.atMs <= untilMs; next = this.#sleepers[0]) {
      this.#sleepers.shift();
      this.#nowMs = next.atMs;
      next.wake();
      await settled();
    }
    this.#nowMs = untilMs;
  }
}

export interface SimulatedLineOptions {
  readonly clock: Clock;
  readonly baudRate: number;
  readonly registerAt: (unit: number, functionCode: number, address: number) => number;
  /** How long the unit thinks, ms; undefined: it is dead. */
  readonly thinkMs: (unit: number) => number | undefined;
  /** Share of all bytes that arrive with one bit flipped. */
  readonly noiseShare: number;
  readonly random: () => number;
}

/**
 * An RS-485 line: every byte takes its time at the baud rate, only one may talk, and who talks while another does spoils
 * both. Each slave answers in the order in which it was asked.
 */
export class SimulatedLine {
  readonly #options: SimulatedLineOptions;
  readonly #characterMs: number;
  readonly #lastOfUnit = new Map<number, Promise<void>>();
  readonly #requests = rtuRequests();
  #talking = 0;
  /** Takes what arrives at the master. */
  onBytes: (bytes: Uint8Array) => void = () => undefined;
  collisions = 0;
  flippedBytes = 0;

  constructor(options: SimulatedLineOptions) {
    this.#options = options;
    this.#characterMs = (BITS_PER_CHARACTER * 1000) / options.baudRate;
  }

  /** The master talks. */
  async send(bytes: Uint8Array): Promise<void> {
    await this.#talk(bytes, (part) => {
      for (const request of this.#requests(part)) {
        const before = this.#lastOfUnit.get(request.unit) ?? Promise.resolve();
        this.#lastOfUnit.set(
          request.unit,
          before.then(() => this.#answer(request)),
        );
      }
    });
  }

  link(): ByteLink {
    const queue = new AsyncQueue<Uint8Array>(1000);
    this.onBytes = (bytes) => queue.push(bytes);
    return {
      peer: "line",
      write: async (bytes) => void this.send(bytes),
      [Symbol.asyncIterator]: () => queue[Symbol.asyncIterator](),
      async [Symbol.asyncDispose]() {
        queue.end();
      },
    };
  }

  async #answer(request: SlaveRequest): Promise<void> {
    const { clock, thinkMs, registerAt } = this.#options;
    const thinksMs = thinkMs(request.unit);
    if (thinksMs === undefined) return;
    await clock.sleep(thinksMs);
    const reply = slaveReply(request, (code, address) => registerAt(request.unit, code, address));
    await this.#talk(reply, (part) => this.onBytes(part));
  }

  async #talk(bytes: Uint8Array, heard: (part: Uint8Array) => void): Promise<void> {
    const { clock, random } = this.#options;
    this.#talking++;
    for (let at = 0; at < bytes.length; at += BYTES_AT_ONCE) {
      const part = bytes.slice(at, at + BYTES_AT_ONCE);
      await clock.sleep(part.length * this.#characterMs);
      if (this.#talking > 1) this.collisions++;
      heard(this.#talking > 1 ? part.map(() => Math.floor(random() * 256)) : part.map((byte) => this.#flip(byte)));
    }
    this.#talking--;
  }

  #flip(byte: number): number {
    const { noiseShare, random } = this.#options;
    if (random() >= noiseShare) return byte;
    this.flippedBytes++;
    return byte ^ (1 << Math.floor(random() * 8));
  }
}

/** Lets everything that is ready run. */
async function settled(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setImmediate(resolve);
  await promise;
}
