import type { ModbusRequest } from "../driver.ts";
import type { EncodedRequest } from "./modbus-codec.ts";
import { encodeLoopback, encodeRequest } from "./modbus-codec.ts";
import { isException, isSameShape, type ReplyShape } from "./reply-shape.ts";

/** An answer that never came may come at any later time. So long it is waited for, unless a barrier settles it sooner. */
const DEBT_MS = 30_000;
/** The same for a unit that answered none of the barriers: it must not stay shut out. */
const UNSETTLED_DEBT_MS = 5_000;
const LADDER_BASE_MS = 1_000;
const LADDER_TOP_MS = 15_000;
const MAX_DEBTS = 16;

const BARRIERS = ["other-length", "other-function", "loopback"] as const;
type BarrierKind = (typeof BARRIERS)[number];

/** A request whose answer cannot be mistaken for any answer that is still owed. */
export interface Barrier {
  readonly kind: BarrierKind;
  readonly request: EncodedRequest;
  /** Whether this answer proves that all answers before it have come, or never will. */
  isProof(reply: Uint8Array): boolean;
}

interface Debt {
  readonly shape: ReplyShape;
  readonly sinceMs: number;
}

/**
 * What one unit of an RTU line owes us. RTU has no transaction id: after a timeout the next answer of the same shape may
 * belong to the request before. A slave answers in order; so a *barrier*, a request whose answer differs in length or
 * function from all that is owed, shows by its answer that nothing older will come. Until then no value of the unit is
 * believed. Beside that stands the ladder by which a silent unit is skipped.
 */
export class UnitTrust {
  #debts: Debt[] = [];
  #failures = 0;
  #nextTryMs = 0;
  #barrierIndex = 0;
  #barriersUnanswered = 0;
  #mark = 1;

  get failures(): number {
    return this.#failures;
  }

  /** Answers that may still come. */
  get overdue(): readonly ReplyShape[] {
    return this.#debts.map((debt) => debt.shape);
  }

  /** Until when polls of this unit are skipped. */
  get nextTryMs(): number {
    return this.#nextTryMs;
  }

  owesReply(nowMs: number): boolean {
    const limitMs = this.#barriersUnanswered >= BARRIERS.length ? UNSETTLED_DEBT_MS : DEBT_MS;
    this.#debts = this.#debts.filter((debt) => nowMs - debt.sinceMs < limitMs);
    return this.#debts.length > 0;
  }

  /** The unit answered the request that was pending, whatever it said. */
  answered(): void {
    this.#failures = 0;
    this.#nextTryMs = 0;
  }

  /** @param by the barrier that proved it: the first choice next time */
  settled(by: Barrier): void {
    this.#debts = [];
    this.#barrierIndex = BARRIERS.indexOf(by.kind);
    this.#barriersUnanswered = 0;
  }

  /** An answer that was owed came, too late to be used. */
  paid(shape: ReplyShape): void {
    const index = this.#debts.findIndex((debt) => isSameShape(debt.shape, shape));
    if (index >= 0) this.#debts.splice(index, 1);
  }

  /** Notes an answer that did not come in time. */
  owes(shape: ReplyShape, nowMs: number): void {
    this.#debts.push({ shape, sinceMs: nowMs });
    if (this.#debts.length > MAX_DEBTS) this.#debts.shift();
  }

  /** One more cycle without an answer: the first is retried in the next slot, then the pauses double. */
  failed(nowMs: number): void {
    this.#failures++;
    if (this.#failures < 2) return;
    this.#nextTryMs = nowMs + Math.min(LADDER_BASE_MS * 2 ** (this.#failures - 2), LADDER_TOP_MS);
  }

  /** The barriers worth trying now, the one that worked last first. */
  barriers(request: ModbusRequest): readonly Barrier[] {
    return BARRIERS.map((_, step) => BARRIERS[(this.#barrierIndex + step) % BARRIERS.length] ?? "loopback")
      .map((kind) => this.#barrier(kind, request))
      .filter((barrier) => barrier !== undefined);
  }

  /** A barrier got no answer at all, or there is none; next time another one leads. */
  barrierUnanswered(): void {
    this.#barrierIndex = (this.#barrierIndex + 1) % BARRIERS.length;
    this.#barriersUnanswered++;
  }

  #barrier(kind: BarrierKind, request: ModbusRequest): Barrier | undefined {
    const { unit, timeoutMs } = request;
    if (kind === "loopback") {
      this.#mark = (this.#mark + 1) & 0xffff;
      return this.#unlessOwed(kind, encodeLoopback(unit, this.#mark, timeoutMs));
    }
    const read = asRead(request);
    if (kind === "other-function") {
      return this.#unlessOwed(kind, encodeRequest({ ...read, function: otherFunction(read.function) }));
    }
    const count = read.count ?? 1;
    const counts = [count - 1, count + 1, count + 2, count + 3].filter((n) => n >= 1 && read.address + n <= 0x10000);
    for (const other of counts) {
      const barrier = this.#unlessOwed(kind, encodeRequest({ ...read, count: other }));
      if (barrier !== undefined) return barrier;
    }
    return undefined;
  }

  /** Of the function that is owed, only a normal answer is a proof: the exception could be the one that is owed. */
  #unlessOwed(kind: BarrierKind, request: EncodedRequest): Barrier | undefined {
    const { shape } = request;
    if (this.#debts.some((debt) => isSameShape(debt.shape, shape))) return undefined;
    const isFunctionOwed = this.#debts.some((debt) => debt.shape.functionCode === shape.functionCode);
    return { kind, request, isProof: (reply) => !isFunctionOwed || !isException(reply) };
  }
}

function asRead(request: ModbusRequest): ModbusRequest {
  const { unit, address, timeoutMs } = request;
  switch (request.function) {
    case "write-coil":
      return { unit, address, timeoutMs, function: "read-coils", count: 1 };
    case "write-holding":
    case "write-registers":
      return { unit, address, timeoutMs, function: "read-holding", count: 1 };
    default:
      return request;
  }
}

function otherFunction(kind: ModbusRequest["function"]): ModbusRequest["function"] {
  switch (kind) {
    case "read-holding":
      return "read-input";
    case "read-input":
      return "read-holding";
    case "read-coils":
      return "read-discrete-inputs";
    default:
      return "read-coils";
  }
}
