import { decodeUp, type EnvelopeHeader, sha256Of, type UpMessage } from "../../protocol/envelope.ts";
import type { Packing } from "../../protocol/packing.ts";
import { isKind } from "../../protocol/record-codec.ts";
import type { ReceiptMessage } from "../../protocol/session.ts";
import type { HandsetFix } from "./fleet-facts.ts";
import type { RunKey } from "./ledger-rows.ts";
import type { TakenAlarm } from "./record-effects.ts";
import { type ReadItem, readItems } from "./take-envelope.ts";

/** A message of `up`, opened and read before any transaction. */
export type ReadMessage =
  | { readonly node: string; readonly type: "hello"; readonly hello: Extract<UpMessage, { type: "hello" }>["hello"] }
  | { readonly node: string; readonly type: "fault"; readonly fault: Extract<UpMessage, { type: "fault" }> }
  | {
      readonly node: string;
      readonly type: "envelope";
      readonly header: EnvelopeHeader;
      readonly items: readonly ReadItem[];
      readonly hasDictionary: boolean;
      /** Of the packet as it came, taken only when an answer needs it. */
      readonly sha256: () => string;
    };

export function readMessage(node: string, bytes: Uint8Array): ReadMessage {
  const message = decodeUp(bytes);
  switch (message.type) {
    case "hello":
      return { node, type: "hello", hello: message.hello };
    case "fault":
      return { node, type: "fault", fault: message };
    case "envelope":
      return {
        node,
        type: "envelope",
        header: message.header,
        items: readItems(message.items),
        hasDictionary: message.hasDictionary,
        sha256: () => sha256Of(bytes),
      };
  }
}

/** Every (node, run) whose ledger a batch touches: of envelopes, of what their sheds declare or stand for, of hellos. */
export function runsTouched(messages: readonly ReadMessage[]): readonly RunKey[] {
  return messages.flatMap((message): RunKey[] => {
    const { node } = message;
    if (message.type === "hello") return message.hello.runs.map(({ run }) => ({ node, run }));
    if (message.type === "fault") return [];
    const keys = [{ node, run: message.header.run }];
    for (const { decoded } of message.items) {
      if (!decoded.ok) continue;
      if (isKind(decoded.known, "shed")) keys.push({ node, run: decoded.known.body.run });
      if (isKind(decoded.known, "noise") && decoded.known.body.standsFor !== undefined) {
        keys.push({ node, run: decoded.known.body.standsFor.run });
      }
    }
    return keys;
  });
}

/** What to say to a node once the batch is committed. */
export interface Answer {
  readonly node: string;
  readonly message: ReceiptMessage;
  /** Default `plain`, which every node reads. */
  readonly packing?: Packing;
}

/** What the other rooms may want to know of a committed batch. */
export interface CommittedBatch {
  readonly answers: readonly Answer[];
  /** Alarms or follow-ups changed: wake the desk. */
  readonly hasAlarms: boolean;
  /** Nodes whose presence, position or health changed. */
  readonly nodes: ReadonlySet<string>;
  /** Newest fix of each handset that a radio told of. */
  readonly handsets: readonly HandsetFix[];
  readonly records: number;
  /** Answers to commands, acts of crews, statuses of radios: wake the courier. */
  readonly hasCrewNews: boolean;
  /** Nodes whose hello was heard whole: what waited for them can be sent. */
  readonly greeted: ReadonlySet<string>;
  readonly alarms: readonly TakenAlarm[];
}
