import type { BusLease, BusSettings, ByteLink, Clock, ModbusRequest } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { ExchangeLanes } from "./exchange-lanes.ts";
import type { Framing } from "./framing.ts";
import { mbapFraming } from "./mbap-framing.ts";
import { type EncodedRequest, encodeRequest } from "./modbus-codec.ts";
import { pollClock } from "./poll-clock.ts";
import { rtuFraming } from "./rtu-framing.ts";
import { lateHint, refusalError } from "./unit-errors.ts";
import { UnitTrust } from "./unit-trust.ts";

const MAX_WAITING_EXCHANGES = 256;
const BITS_PER_CHARACTER = 11;
const GAP_CHARACTERS = 3.5;
const SHORTEST_GAP_MS = 2;
/** How long the line must be quiet after a timeout before anything else is asked. */
const SILENCE_MS = 50;
/** A line that is never quiet is asked again all the same: its noise can forge no answer. */
const LONGEST_DRAIN_MS = 1_000;
/** Answers missing in a row, of whatever unit, after which a connection is no longer believed in. */
const FRUITLESS_BEFORE_REOPEN = 3;

export interface BusStatistics {
  readonly exchanges: number;
  readonly timeouts: number;
  readonly missedPolls: number;
  readonly droppedBytes: number;
  readonly lateReplies: number;
  readonly reopened: number;
}

export interface BusOwnerOptions {
  /** For messages: the port's path or address. */
  readonly name: string;
  readonly kind: "serial" | "tcp";
  readonly settings: BusSettings;
  readonly clock: Clock;
  open(): Promise<ByteLink>;
  /** What the units of this port are owed and owe, where it outlives one opening of the port. */
  readonly units?: Map<number, UnitTrust>;
  /** Called once, when the link is gone for good. */
  onLost?(): void;
}

/**
 * The one owner of a port: one exchange at a time for all its leases, commands before polls. A value is handed out only
 * if it can be the answer to nothing but the request that was asked for.
 */
export class BusOwner {
  readonly #options: BusOwnerOptions;
  readonly #clock: Clock;
  readonly #lanes = new ExchangeLanes(MAX_WAITING_EXCHANGES);
  readonly #units: Map<number, UnitTrust>;
  readonly #framing: Framing;
  readonly #gapMs: number;
  #link: ByteLink | undefined;
  #lost: DriverError | undefined;
  #isClosed = false;
  #isReopening = false;
  #onReply: ((reply: Uint8Array) => void) | undefined;
  #onLost: (() => void) | undefined;
  #lastByteMs = Number.NEGATIVE_INFINITY;
  #fruitless = 0;
  #exchanges = 0;
  #timeouts = 0;
  #missedPolls = 0;
  #reopened = 0;

  constructor(options: BusOwnerOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#units = options.units ?? new Map();
    const isMbap = options.kind === "tcp" && options.settings.framing !== "rtu";
    this.#framing = isMbap
      ? mbapFraming(1 + Math.floor(options.clock.upMs()))
      : rtuFraming(() => [...this.#units.values()].flatMap((unit) => unit.overdue));
    this.#framing.onLate = (shape) => this.#units.get(shape.unit)?.paid(shape);
    const characterMs = (BITS_PER_CHARACTER * 1000) / (options.settings.baudRate ?? 9600);
    this.#gapMs = isMbap ? 0 : Math.max(SHORTEST_GAP_MS, Math.ceil(GAP_CHARACTERS * characterMs));
  }

  get statistics(): BusStatistics {
    return {
      exchanges: this.#exchanges,
      timeouts: this.#timeouts,
      missedPolls: this.#missedPolls,
      droppedBytes: this.#framing.counters.droppedBytes,
      lateReplies: this.#framing.counters.lateReplies,
      reopened: this.#reopened,
    };
  }

  /** Opens the port. Must have succeeded before a lease is given out. */
  async start(): Promise<void> {
    this.#attach(await this.#options.open());
  }

  /** @param release called when the lease is given back */
  lease(release: () => Promise<void>): BusLease {
    let isReleased = false;
    return {
      modbus: (request, priority = "poll") => this.#modbus(request, priority),
      every: (periodMs, signal) =>
        pollClock(this.#clock, periodMs, signal, (missed) => {
          this.#missedPolls += missed;
        }),
      [Symbol.asyncDispose]: async () => {
        if (isReleased) return;
        isReleased = true;
        await release();
      },
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#lose(
      new DriverError("BUS_LOST", `bus ${this.#options.name} was closed`, {
        retry: "backoff",
        hint: "The gateway is stopping.",
      }),
    );
    await this.#link?.[Symbol.asyncDispose]();
  }

  async #modbus(request: ModbusRequest, priority: "command" | "poll"): Promise<readonly number[]> {
    const encoded = encodeRequest(request);
    if (this.#lanes.isFull) {
      throw new DriverError("BUS_OVERLOADED", `${MAX_WAITING_EXCHANGES} exchanges wait for ${this.#options.name}`, {
        retry: "backoff",
        hint: "Too many devices are polled too fast on one line. Lengthen their periods or use a second bus.",
      });
    }
    return this.#lanes.run(priority, async () => {
      try {
        return await this.#exchange(encoded, priority);
      } catch (error) {
        // A spoilt answer shows that the device lives: it is worth asking once more. A silent one is not.
        const isSpoilt = error instanceof DriverError && error.code === "MODBUS_CRC";
        if (!isSpoilt || this.#unit(request.unit).failures > 1) throw error;
        return this.#exchange(encoded, priority);
      }
    });
  }

  async #exchange(encoded: EncodedRequest, priority: "command" | "poll"): Promise<readonly number[]> {
    if (this.#lost !== undefined) throw this.#lost;
    const { request } = encoded;
    const unit = this.#unit(request.unit);
    if (priority === "poll" && this.#clock.upMs() < unit.nextTryMs) {
      const waitS = Math.ceil((unit.nextTryMs - this.#clock.upMs()) / 1000);
      throw new DriverError("MODBUS_SKIPPED", `unit ${request.unit} is silent, skipped for ${waitS} s`, {
        retry: "backoff",
        hint: "Check power, wiring (A and B not swapped), unit number and baud rate of this meter.",
      });
    }
    if (!this.#framing.namesRequest && unit.owesReply(this.#clock.upMs())) await this.#settle(unit, request);
    return encoded.decode(await this.#ask(encoded, unit));
  }

  /** Asks the unit something whose answer cannot be mistaken, until all that it owes is known to be gone. */
  async #settle(unit: UnitTrust, request: ModbusRequest): Promise<void> {
    for (const barrier of unit.barriers(request)) {
      let reply: Uint8Array;
      try {
        reply = await this.#ask(barrier.request, unit);
      } catch (error) {
        if (error instanceof DriverError && error.code !== "BUS_LOST") unit.barrierUnanswered();
        throw error;
      }
      if (barrier.isProof(reply)) {
        unit.settled(barrier);
        return;
      }
      // The exception may be what was owed; then the answer to this request is still to come.
      unit.owes(barrier.request.shape, this.#clock.upMs());
    }
    unit.barrierUnanswered();
    unit.failed(this.#clock.upMs());
    throw new DriverError("MODBUS_UNEXPECTED", `unit ${request.unit} owes an answer, its next one is not believed`, {
      retry: "backoff",
      hint: lateHint(request.timeoutMs),
    });
  }

  /** One request on the wire. @returns its answer, in RTU form. */
  async #ask(encoded: EncodedRequest, unit: UnitTrust): Promise<Uint8Array> {
    await this.#awaitGap();
    if (this.#lost !== undefined) throw this.#lost;
    const reply = await this.#sendAndWait(encoded);
    if (this.#lost !== undefined) {
      // The line may outlive the link: its answer can still reach whoever opens the port next.
      if (!this.#framing.namesRequest && reply === undefined) unit.owes(encoded.shape, this.#clock.upMs());
      throw this.#lost;
    }
    if (reply !== undefined) {
      unit.answered();
      this.#fruitless = 0;
      return reply;
    }
    const refusal = this.#framing.abandon();
    this.#timeouts++;
    this.#fruitless++;
    unit.failed(this.#clock.upMs());
    if (!this.#framing.namesRequest) unit.owes(encoded.shape, this.#clock.upMs());
    await this.#recover();
    throw refusalError(encoded.request, refusal, this.#framing.counters.lateReplies > 0);
  }

  async #sendAndWait(encoded: EncodedRequest): Promise<Uint8Array | undefined> {
    const answered = new AbortController();
    let reply: Uint8Array | undefined;
    this.#onReply = (bytes) => {
      reply = bytes;
      answered.abort();
    };
    this.#onLost = () => answered.abort();
    const bytes = this.#framing.begin(encoded);
    this.#exchanges++;
    this.#lastByteMs = this.#clock.upMs();
    this.#link?.write(bytes).catch((error: unknown) => this.#lose(this.#linkError(error)));
    await this.#clock.sleep(encoded.request.timeoutMs, answered.signal);
    this.#onReply = undefined;
    this.#onLost = undefined;
    return reply;
  }

  /** After a timeout: a new connection where there is one, and silence on the line before anything else is asked. */
  async #recover(): Promise<void> {
    const isRtuOverTcp = this.#options.kind === "tcp" && !this.#framing.namesRequest;
    const isStuck = this.#framing.isLost || this.#fruitless >= FRUITLESS_BEFORE_REOPEN;
    if (isRtuOverTcp || (this.#options.kind === "tcp" && isStuck)) await this.#reopen();
    if (this.#framing.namesRequest) return;
    this.#lastByteMs = this.#clock.upMs();
    await this.#quietFor(Math.max(this.#gapMs, SILENCE_MS), this.#clock.upMs() + LONGEST_DRAIN_MS);
  }

  async #awaitGap(): Promise<void> {
    if (this.#gapMs > 0) await this.#quietFor(this.#gapMs, this.#clock.upMs() + LONGEST_DRAIN_MS);
  }

  async #quietFor(quietMs: number, untilMs: number): Promise<void> {
    while (this.#lost === undefined) {
      const nowMs = this.#clock.upMs();
      const waitMs = Math.min(this.#lastByteMs + quietMs, untilMs) - nowMs;
      if (!(waitMs > 0)) return;
      await this.#clock.sleep(waitMs);
    }
  }

  async #reopen(): Promise<void> {
    const old = this.#link;
    this.#isReopening = true;
    try {
      await old?.[Symbol.asyncDispose]();
      this.#fruitless = 0;
      this.#reopened++;
      this.#attach(await this.#options.open());
    } catch (error) {
      this.#lose(this.#linkError(error));
    } finally {
      this.#isReopening = false;
    }
  }

  #attach(link: ByteLink): void {
    if (this.#isClosed) {
      void link[Symbol.asyncDispose]();
      return;
    }
    this.#link = link;
    this.#framing.restart();
    void this.#read(link);
  }

  async #read(link: ByteLink): Promise<void> {
    let failure: unknown;
    try {
      for await (const chunk of link) {
        if (link !== this.#link) return;
        this.#lastByteMs = this.#clock.upMs();
        const reply = this.#framing.receive(chunk);
        if (reply !== undefined) this.#onReply?.(reply);
      }
    } catch (error) {
      failure = error;
    }
    if (link !== this.#link || this.#isReopening) return;
    this.#lose(this.#linkError(failure));
    await link[Symbol.asyncDispose]();
  }

  #lose(error: DriverError): void {
    if (this.#lost !== undefined) return;
    this.#lost = error;
    this.#onLost?.();
    this.#options.onLost?.();
  }

  #linkError(cause: unknown): DriverError {
    if (cause instanceof DriverError) return cause;
    return new DriverError("BUS_LOST", `bus ${this.#options.name} is gone`, {
      retry: "backoff",
      hint: "Check the adapter, or the serial server's power and network.",
      cause,
    });
  }

  #unit(number: number): UnitTrust {
    let unit = this.#units.get(number);
    if (unit === undefined) {
      unit = new UnitTrust();
      this.#units.set(number, unit);
    }
    return unit;
  }
}
