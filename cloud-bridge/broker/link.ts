import type { Refusal } from "./access.ts";

/** What nodes say, as it arrives. A promise that does not resolve holds back that node and no other. */
export interface LinkHandlers {
  /** hello pages and envelopes. The broker has acknowledged them already: custody is by receipts. */
  onUp(node: string, bytes: Uint8Array): void | Promise<void>;
  /** `state`, from the node itself or as its last will. */
  onState(node: string, bytes: Uint8Array): void | Promise<void>;
  onLive(node: string, stream: string, bytes: Uint8Array): void;
  onBlob?(node: string, evidenceId: string, bytes: Uint8Array): void | Promise<void>;
}

export interface LinkCounters {
  readonly connected: number;
  readonly connects: number;
  readonly takeOvers: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly refused: Readonly<Record<Refusal, number>>;
}

/** The bridge's side of MQTT: the broker inside, or a client of one outside. */
export interface Link {
  /** Port on which nodes connect; 0 with a broker outside. */
  readonly port: number;
  /** `away`: a broker outside that does not answer now. */
  readonly state: "embedded" | "connected" | "away";
  /**
   * To one node's `receipt` or `down`. Resolves when the bytes are written, or at once when the node is not there: nothing is
   * queued for it, since receipts are given again and commands are kept by the store.
   * @returns whether the node was connected and listening
   */
  publish(topic: string, bytes: Uint8Array, qos: 0 | 1): Promise<boolean>;
  /** Cuts a node's connection, e.g. after it was revoked; a broker outside is told by its list of revoked certificates. */
  disconnect(node: string): void;
  counters(): LinkCounters;
  close(): Promise<void>;
}
