/** What the processes of one bridge tell each other. Nothing is kept: who was away asks the database. */
export type BusMessage =
  /** Numbered events are committed. */
  | { readonly kind: "events" }
  /** Alarms wait for the elected writer. */
  | { readonly kind: "desk" }
  /** Presence of these nodes changed. */
  | { readonly kind: "presence"; readonly nodes: readonly string[] }
  /** For the process that holds the node's connection: base64 of what to publish. */
  | { readonly kind: "down"; readonly topic: string; readonly bytes: string }
  /** For the process that holds the node's connection: cut it. */
  | { readonly kind: "cut"; readonly node: string }
  /** Somebody watches this meter or camera at another process until then; `video`, past: nobody watches its video there. */
  | {
      readonly kind: "lease";
      readonly node: string;
      readonly device: string;
      readonly untilMs: number;
      readonly stream?: "video";
    }
  /** A level of a meter that is watched at another process: base64 of what the node sent. */
  | { readonly kind: "live"; readonly node: string; readonly device: string; readonly bytes: string };

export interface Bus {
  /** To every other process; lost where the database cannot be asked. */
  tell(message: BusMessage): void;
  close(): Promise<void>;
}
