import type { AlarmBody } from "../../protocol/alarm.ts";
import type { ShedBody } from "../../protocol/bodies.ts";
import type { TimeQuality } from "../../protocol/ids.ts";
import type { Lane } from "../../protocol/record.ts";
import type { SeqRange } from "../../protocol/session.ts";
import type { GatewayFaultSpec, GatewayNegativeControl } from "../contracts/fault-points.ts";
import type {
  JournalNews,
  JournalRestore,
  JournalStatistics,
  JournalWrite,
  RunSummary,
  StoredRecord,
} from "../contracts/journal.ts";
import type { Shelf } from "./shelf.ts";
import type { Story } from "./story-rows.ts";

/** The node's time at one moment, for the records that the journal itself writes (`shed`). */
export interface Stamp {
  readonly upMs: number;
  readonly atMs: number;
  readonly timeQuality: TimeQuality;
}

/** What the journal is told at its start; plain data, because it crosses to the worker thread. */
export interface JournalSettings {
  readonly directory: string;
  /** Largest size of the journal file. */
  readonly quotaBytes: number;
  /** Of the disk, and of the quota, what only alarms may use. */
  readonly reserveBytes: number;
  readonly keepReceiptedMs: number;
  /** The journal grows no more while less than this is free on its disk. */
  readonly minFreeDiskBytes: number;
  readonly stamp: Stamp;
  readonly faultPoint?: GatewayFaultSpec;
  readonly negativeControl?: GatewayNegativeControl;
}

export interface ReadQuery {
  readonly run: string;
  readonly ranges: readonly SeqRange[];
  readonly lanes: readonly Lane[];
  readonly kind?: "evidence";
  readonly maxRecords: number;
  readonly maxBytes: number;
  readonly includeReceipted?: boolean;
}

export type Urgency = "urgent" | "grouped";

/**
 * A record on its way to the thread: encoded but for its seq (`encodeAfterSeq`), and flat. Copying it as an object costs
 * more than writing it.
 */
export type EncodedRecord = readonly [
  shelf: Shelf,
  kind: string,
  upMs: number,
  atMs: number,
  afterSeq: string,
  story?: Story,
];

export interface EncodedWrite extends Omit<JournalWrite, "append" | "closedAlarms"> {
  readonly append: readonly EncodedRecord[];
  /** With the clearing revision, where it travels in the same write: a re-raise within ten minutes goes on from its `rev`. */
  readonly closed: readonly { readonly alarmId: string; readonly last: AlarmBody | undefined }[];
}

/** What became of one write of a batch. */
export type WriteOutcome = { readonly seqs: readonly number[] } | { readonly fault: Fault };

export interface BatchOutcome {
  readonly outcomes: readonly WriteOutcome[];
  /** `shed` records that this batch committed beside what it was asked for. */
  readonly shed: readonly StoredRecord[];
}

/** An error on its way between threads. */
export interface Fault {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** Requests and their answers, by name. */
export interface Calls {
  write: {
    ask: { readonly writes: readonly EncodedWrite[]; readonly urgency: Urgency; readonly stamp: Stamp };
    answer: BatchOutcome;
  };
  receipts: { ask: { readonly run: string; readonly ranges: readonly SeqRange[] }; answer: undefined };
  runs: { ask: undefined; answer: readonly RunSummary[] };
  read: { ask: ReadQuery; answer: readonly StoredRecord[] };
  lacking: { ask: { readonly run: string; readonly ranges: readonly SeqRange[] }; answer: readonly SeqRange[] };
  hash: { ask: { readonly run: string; readonly seq: number }; answer: string | undefined };
  getSetting: { ask: string; answer: string | undefined };
  setSetting: { ask: { readonly key: string; readonly value: string }; answer: undefined };
  statistics: { ask: undefined; answer: JournalStatistics };
  helloContent: { ask: undefined; answer: { readonly runs: readonly RunSummary[]; readonly open: readonly string[] } };
  unreceiptedSheds: { ask: undefined; answer: readonly ShedBody[] };
  beginCustody: { ask: string; answer: undefined };
  flush: { ask: undefined; answer: undefined };
  tend: { ask: Stamp; answer: undefined };
  close: { ask: Stamp; answer: undefined };
}
export type CallName = keyof Calls;

export type ToWorker = {
  [K in CallName]: { readonly id: number; readonly name: K; readonly ask: Calls[K]["ask"] };
}[CallName];
export type FromWorker =
  | { readonly type: "opened"; readonly restored: JournalRestore }
  | { readonly type: "not-opened"; readonly fault: Fault }
  | { readonly type: "checkpoint" }
  /** Records that the journal wrote by itself, outside of any write. */
  | { readonly type: "committed"; readonly rows: readonly StoredRecord[] }
  /** Something that a person should know, once. */
  | { readonly type: "news"; readonly news: JournalNews }
  | { readonly type: "answer"; readonly id: number; readonly answer: unknown }
  | { readonly type: "fault"; readonly id: number; readonly fault: Fault };
