import type { SendResult } from "./act-queue.ts";
import { oneRun } from "./one-run.ts";

/** One picture, kept until the bridge has it. */
export interface QueuedPhoto {
  /** Idempotency key: however often it is sent, it is one photo. */
  readonly key: string;
  /** Who took it: another crew of the same phone may not send it. */
  readonly crewId: string;
  readonly assignmentId: string;
  readonly deviceTimeMs: number;
  readonly position?: { readonly latitudeDeg: number; readonly longitudeDeg: number; readonly accuracyM?: number };
  readonly bytes: Blob;
}

/** Where pictures wait; oldest first. */
export interface PhotoStore {
  all(): Promise<readonly QueuedPhoto[]>;
  put(photo: QueuedPhoto): Promise<void>;
  remove(key: string): Promise<void>;
}

export interface WaitingPhotos {
  readonly own: number;
  /** Of other crews of this phone; they wait until these sign in again. */
  readonly others: number;
}

/** Pictures out of a dead spot: kept by the phone before they are sent, one after another, and let go once the bridge has them. */
export class PhotoQueue {
  readonly #store: PhotoStore;
  readonly #send: (photo: QueuedPhoto) => Promise<SendResult>;
  readonly #onChange: (waiting: WaitingPhotos) => void;
  readonly #crewId: string;

  constructor(
    crewId: string,
    store: PhotoStore,
    send: (photo: QueuedPhoto) => Promise<SendResult>,
    onChange: (waiting: WaitingPhotos) => void,
  ) {
    this.#crewId = crewId;
    this.#store = store;
    this.#send = send;
    this.#onChange = onChange;
  }

  async add(photo: QueuedPhoto): Promise<void> {
    await this.#store.put(photo);
    await this.flush();
  }

  /** Sends what waits until all is there or one must wait; calls at the same time share one run. */
  readonly flush = oneRun(() => this.#run());

  async #run(): Promise<void> {
    for (;;) {
      const all = await this.#store.all();
      const own = all.filter(({ crewId }) => crewId === this.#crewId);
      this.#onChange({ own: own.length, others: all.length - own.length });
      const [first] = own;
      if (first === undefined || (await this.#send(first)) === "later") return;
      await this.#store.remove(first.key);
    }
  }
}
