import type { CrewAct } from "../../../api/schema/desk.ts";
import { oneRun } from "./one-run.ts";

/** One press of a button, kept until the bridge has answered it. */
export interface QueuedAct {
  /** Idempotency key: however often it is sent, it is one act. */
  readonly key: string;
  readonly assignmentId: string;
  readonly act: CrewAct;
}

export type SendResult = "taken" | "later" | "refused";

export interface ActStore {
  read(): string | null;
  write(text: string): void;
}

export interface ActQueueOptions {
  readonly store: ActStore;
  /** `later`: not reached, keep it · `refused`: the bridge will never take it, and has said why. */
  readonly send: (queued: QueuedAct) => Promise<SendResult>;
  readonly onChange: (waiting: readonly QueuedAct[]) => void;
}

/**
 * Acts in the order in which they were pressed. They are on disk before they are sent, so that a dead spot, a closed tab or
 * an empty battery loses none; the order is kept, because "on scene" before "acknowledge" would be refused.
 */
export class ActQueue {
  readonly #options: ActQueueOptions;
  #waiting: QueuedAct[];

  constructor(options: ActQueueOptions) {
    this.#options = options;
    this.#waiting = parse(options.store.read());
  }

  get waiting(): readonly QueuedAct[] {
    return this.#waiting;
  }

  add(queued: QueuedAct): void {
    this.#set([...this.#waiting, queued]);
  }

  /** Sends what waits, oldest first, until all is answered or one must wait; calls at the same time share one run. */
  readonly flush = oneRun(() => this.#run());

  async #run(): Promise<void> {
    for (;;) {
      const [first] = this.#waiting;
      if (!first) return;
      const result = await this.#options.send(first);
      if (result === "later") return;
      this.#set(this.#waiting.filter(({ key }) => key !== first.key));
    }
  }

  #set(waiting: QueuedAct[]): void {
    this.#waiting = waiting;
    this.#options.store.write(JSON.stringify(waiting));
    this.#options.onChange(waiting);
  }
}

function parse(text: string | null): QueuedAct[] {
  try {
    const value: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(value) ? value.filter(isQueuedAct) : [];
  } catch {
    return [];
  }
}

const isQueuedAct = (value: unknown): value is QueuedAct =>
  typeof value === "object" &&
  value !== null &&
  "key" in value &&
  typeof value.key === "string" &&
  "assignmentId" in value &&
  typeof value.assignmentId === "string" &&
  "act" in value &&
  typeof value.act === "object";
