import { Worker } from "node:worker_threads";
import type { Figures, FiguresAnswers, FiguresRequest } from "./analysis/figures.ts";
import type { BridgeDocument } from "./config-schema.ts";
import { BridgeError } from "./store/errors.ts";

const MOST_WAITING = 20;
/** The same question again within this time gets the same answer: ten pages that show a figure ask once. */
const SAME_ANSWER_MS = 15_000;
/** A year of cases takes memory, which is given back when nobody asks. */
const IDLE_MS = 60_000;

interface Answer {
  readonly id: number;
  readonly answer?: unknown;
  readonly fault?: { readonly code: string; readonly status: number; readonly hint: string; readonly message: string };
}

type Waiting = PromiseWithResolvers<unknown>;

/**
 * Figures from a thread of their own, one question after another: SQLite reads block whoever asks, and neither an alarm nor
 * a receipt may wait for a year of cases. The thread is there while somebody asks.
 */
export class FiguresThread implements Figures {
  readonly #store: Pick<BridgeDocument, "store" | "state">;
  readonly #upMs: () => number;
  readonly #waiting = new Map<number, Waiting>();
  readonly #recent = new Map<string, { readonly atMs: number; readonly answer: Promise<unknown> }>();
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  #ids = 0;

  constructor(store: Pick<BridgeDocument, "store" | "state">, upMs: () => number) {
    this.#store = { store: store.store, state: store.state };
    this.#upMs = upMs;
  }

  ask<K extends FiguresRequest["kind"]>(request: Extract<FiguresRequest, { kind: K }>): Promise<FiguresAnswers[K]> {
    const { nowMs: _, ...question } = request;
    const key = JSON.stringify(question, (__, value: unknown) => (value instanceof Set ? [...value] : value));
    const atMs = this.#upMs();
    for (const [old, { atMs: askedMs }] of this.#recent) if (atMs - askedMs > SAME_ANSWER_MS) this.#recent.delete(old);
    const same = this.#recent.get(key);
    const answer = same?.answer ?? this.#send(request);
    if (same === undefined) {
      this.#recent.set(key, { atMs, answer });
      answer.catch(() => this.#recent.delete(key));
    }
    return answer as Promise<FiguresAnswers[K]>;
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    const worker = this.#worker;
    this.#worker = undefined;
    this.#failAll("the bridge ends");
    await worker?.terminate();
  }

  #send(request: FiguresRequest): Promise<unknown> {
    if (this.#waiting.size >= MOST_WAITING) return Promise.reject(busy(`${MOST_WAITING} questions wait already`));
    clearTimeout(this.#idle);
    const id = ++this.#ids;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiting);
    this.#thread().postMessage({ id, request });
    return waiting.promise;
  }

  #thread(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(new URL("./figures-worker.ts", import.meta.url), { workerData: this.#store });
    this.#worker = worker;
    worker.unref();
    worker.on("message", (answer: Answer) => this.#take(answer));
    worker.on("error", (error) => this.#failAll(error.message));
    worker.on("exit", () => {
      if (this.#worker === worker) this.#worker = undefined;
      else if (this.#worker !== undefined) return;
      this.#failAll("its thread ended");
    });
    return worker;
  }

  #take({ id, answer, fault }: Answer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (fault === undefined) waiting?.resolve(answer);
    else waiting?.reject(new BridgeError(fault.code, fault.message, fault));
    if (this.#waiting.size > 0) return;
    this.#idle = setTimeout(() => {
      const worker = this.#worker;
      this.#worker = undefined;
      void worker?.terminate();
    }, IDLE_MS);
    this.#idle.unref();
  }

  #failAll(why: string): void {
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of all) reject(busy(why));
  }
}

function busy(why: string): BridgeError {
  return new BridgeError("FIGURES_BUSY", `figures could not be counted: ${why}`, {
    status: 503,
    hint: "Ask again in a minute, or for a shorter period.",
  });
}
