import { type ReadMessage, readMessage } from "../../cloud-bridge/ingest/batch.ts";
import { sha256Of } from "../../protocol/envelope.ts";
import { DICTIONARIES, namesDictionary } from "../../protocol/packing.ts";
import type { Have } from "../../protocol/session.ts";
import type { Chance } from "./chance.ts";

/** One process of the bridge. An earlier one, from before there were dictionaries, opens no packet that needs one. */
export interface Worker {
  generation: number;
  buffer: Uint8Array[];
  isScheduled: boolean;
  /** What its `have` says. */
  readonly dictionaries: Pick<Have, "dictionaries">;
}

export function newWorker(chance: Chance): Worker {
  const dictionaries = chance.below(4) === 0 ? {} : { dictionaries: [...DICTIONARIES] };
  return { generation: 0, buffer: [], isScheduled: false, dictionaries };
}

export function readBy({ dictionaries }: Worker, node: string, bytes: Uint8Array): ReadMessage {
  const isOpened = !namesDictionary(bytes) || dictionaries.dictionaries !== undefined;
  if (isOpened) return readMessage(node, bytes);
  return { node, type: "fault", fault: { type: "fault", code: "ENVELOPE_CORRUPT", sha256: sha256Of(bytes) } };
}
