import type { Ranges } from "../../protocol/ranges.ts";
import type { Lane } from "../../protocol/record.ts";
import type { Hello, ReceiptMessage } from "../../protocol/session.ts";
import type { RunSummary, StoredRecord } from "../contracts/journal.ts";
import type { LaneThree } from "./lane-three.ts";
import type { LinkRate } from "./link-rate.ts";
import type { Ration } from "./pace.ts";
import type { Turn } from "./wanted.ts";

/**
 * What the sender is told. `nowMs` is always the monotonic time of the running run (`upMs`), never UTC. Every `read` must be
 * answered with `rows`, and every `gather-hello` with `hello-content`, however long that takes.
 */
export type SenderEvent = {
  readonly nowMs: number;
  /** Bytes that this session's socket has carried away so far, TLS and all; what was not ours to send is paid for too. */
  readonly socketBytes?: number;
} & (
  | {
      /** A new transport session stands and `receipt` is subscribed. */
      readonly type: "connected";
      readonly session: string;
    }
  | { readonly type: "disconnected" }
  | {
      /**
       * Answer to `gather-hello`. `open` must hold every alarm whose newest committed record within the heads of `runs` is not
       * cleared: read it in the journal's own transaction, or before and after `runs` and unite.
       */
      readonly type: "hello-content";
      /** Newest first, the running run among them. */
      readonly runs: readonly RunSummary[];
      readonly open: readonly string[];
    }
  | {
      /** Rows of the running run that have just been committed, in order. */
      readonly type: "committed";
      readonly rows: readonly StoredRecord[];
    }
  | {
      /** Answer to `read`; empty when the journal holds none of what was asked. */
      readonly type: "rows";
      readonly read: number;
      readonly rows: readonly StoredRecord[];
    }
  | { readonly type: "message"; readonly message: ReceiptMessage }
  | {
      /** The broker took an envelope: it is off the wire, which proves nothing. */
      readonly type: "puback";
      readonly envelope: number;
    }
  | { readonly type: "tick" }
  | {
      /** What the day's budget leaves. */
      readonly type: "ration";
      readonly ration: Ration;
    }
  | {
      /** Lane 3 has published a message of so many bytes, under a number of its own. */
      readonly type: "chunk-sent";
      readonly id: number;
      readonly wireBytes: number;
    }
  | {
      /** The broker took it. */
      readonly type: "chunk-puback";
      readonly id: number;
    }
);

/** What the sender wants done, in this order. */
export type SenderCommand =
  | { readonly type: "gather-hello" }
  | { readonly type: "publish-hello"; readonly page: Hello }
  | {
      /** Read with `includeReceipted`: the bridge's word of what it lacks counts, not the node's marks. */
      readonly type: "read";
      readonly read: number;
      readonly run: string;
      readonly ranges: Ranges;
      readonly lanes: readonly Lane[];
      readonly maxRecords: number;
      readonly maxBytes: number;
    }
  | {
      readonly type: "publish";
      readonly envelope: number;
      readonly run: string;
      readonly seqs: Ranges;
      readonly urgent: boolean;
      readonly bytes: Uint8Array;
    }
  | { readonly type: "mark-receipted"; readonly run: string; readonly ranges: Ranges }
  | {
      /** The bridge asks for these. Declare those that the journal lacks, see lacking.ts. */
      readonly type: "declare-lacking";
      readonly run: string;
      readonly ranges: Ranges;
    }
  | {
      /** The bridge cannot open this record even alone: keep it 30 days and write a lane-0 `shed`. */
      readonly type: "declare-undecodable";
      readonly record: StoredRecord;
      readonly sha256: string;
    }
  | {
      /** The bridge that this node counts from now on: remember it for the next start. */
      readonly type: "pin-bridge";
      readonly bridge: string;
    }
  | {
      /** Custody begins anew: marks made under another epoch no longer count. Comes before this epoch's first marks. */
      readonly type: "epoch";
      readonly epoch: string;
    }
  | {
      /** Send `tick` at this time; replaces an earlier wake. */
      readonly type: "wake";
      readonly atMs: number;
    }
  | { readonly type: "notice"; readonly notice: SenderNotice };

/** For log, health and page. The machine's behaviour does not depend on who listens. */
export type SenderNotice =
  | { readonly code: "BRIDGE_FOREIGN"; readonly bridge: string }
  | { readonly code: "VERSION_UNSUPPORTED"; readonly versions: readonly number[] }
  | { readonly code: "RECORD_REFUSED"; readonly run: string; readonly seq: number; readonly reason: string }
  | { readonly code: "RECEIPTS_STOPPED"; readonly probes: number }
  | { readonly code: "HELLO_ANSWERED"; readonly bridge: string; readonly epoch: string; readonly bridgeUtcMs: number };

export interface SenderOptions {
  /** The running run. */
  readonly run: string;
  /** Id of the bridge that the node is paired with; absent until the first have pins it. */
  readonly bridge?: string;
  /** The epoch that the journal's marks were made under. */
  readonly epoch?: string;
  /** Configured rate of the uplink; absent: measured. */
  readonly rateBytesPerS?: number;
  /** Where others measure the same line too. */
  readonly rate?: LinkRate;
  /** Give false where the line is faster than the processor. */
  readonly compress?: boolean;
  /** What shares the line with lanes 2 and 4. */
  readonly laneThree?: LaneThree;
}

export interface SenderFacts {
  readonly recordsInFlight: number;
  readonly wantedRanges: number;
  readonly rttMs: number | undefined;
  readonly rateBytesPerS: number;
  /** Every page of the hello has its have. */
  readonly isAnswered: boolean;
  /** Nothing is on its way and nothing is left to look for. */
  readonly isIdle: boolean;
  /** Largest message of lane 3 that may go now: 0 while lanes 0–2 have the line, its rate is used up, or receipts stay away. */
  readonly laneThreeBytes: number;
}

/** Rows that were asked of the journal and have not come. */
export interface PendingRead {
  readonly read: number;
  readonly run: string;
  readonly turn: Turn;
  readonly wireLimit: number;
  /** Rows were committed since it was asked: an empty answer does not mean that nothing is there. */
  isOutdated: boolean;
}
