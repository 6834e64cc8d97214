import type { AlarmBody } from "../../protocol/alarm.ts";
import type { ShedBody } from "../../protocol/bodies.ts";
import type { Sha256 } from "../../protocol/ids.ts";
import type { Lane, NewRecord } from "../../protocol/record.ts";
import type { SeqRange } from "../../protocol/session.ts";

/**
 * A committed row as the uplink sends it: the very bytes that were hashed and stored. `lane` is where it waited when it was
 * read, an index that may change: a newer `health` moves the one before it from lane 1 to lane 4.
 */
export interface StoredRecord {
  readonly run: string;
  readonly seq: number;
  readonly lane: Lane;
  readonly upMs: number;
  readonly bytes: Uint8Array;
}

export interface RunSummary {
  readonly run: string;
  readonly first: number;
  readonly head: number;
}

/** An alarm that is open on this node, as its newest revision said. Exempt from retention. */
export interface OpenAlarm {
  readonly device: string;
  readonly subject: string;
  readonly body: AlarmBody;
}

/**
 * One-second levels that are not yet rolled into their minute's record, so that a restart goes on where it stopped.
 * `minuteMs` is the UTC start of the minute.
 */
export interface WorkingLevel {
  readonly device: string;
  readonly atMs: number;
  readonly levelDb: number | null;
  readonly quantity: string;
  readonly flags: readonly string[];
}

/**
 * What a batch may do in one transaction. `append` numbers the records in order. `openAlarms` upserts, `closedAlarms`
 * deletes by alarmId; `levels` go to the working table and `dropLevelsBefore` removes a device's up to (excluding) a time.
 */
export interface JournalWrite {
  readonly append?: readonly NewRecord[];
  readonly openAlarms?: readonly OpenAlarm[];
  readonly closedAlarms?: readonly string[];
  readonly levels?: readonly WorkingLevel[];
  readonly dropLevelsBefore?: readonly { readonly device: string; readonly atMs: number }[];
}

/** What a start finds: enough to go on, whatever the backlog. */
export interface JournalRestore {
  /** The run that this start began. */
  readonly run: string;
  readonly previous?: { readonly run: string; readonly lastSeq: number };
  readonly wasClean: boolean;
  /** A broken file was set aside under this name. */
  readonly setAside?: string;
  /** What of the file that was set aside could be taken over: all of lane 0, open alarms, settings, as far as readable. */
  readonly salvaged?: { readonly runs: number; readonly records: number; readonly isWhole: boolean };
  /** The log was damaged: what stood behind the damage is gone; the log as it was lies under this name. */
  readonly logFault?: { readonly message: string; readonly file: string | undefined };
  /** Rows of what the pipeline takes up again that were damaged: such an alarm is as its newest whole record says. */
  readonly damaged?: { readonly alarms: number; readonly levels: number };
  readonly openAlarms: readonly OpenAlarm[];
  /** Alarms that cleared within SAME_ALARM_MS, by key, so that a re-raise keeps its id. */
  readonly recentAlarms: readonly OpenAlarm[];
  readonly levels: readonly WorkingLevel[];
}

export interface JournalStatistics {
  readonly records: number;
  readonly unreceipted: number;
  /** Unreceipted records by lane 0–4. */
  readonly laneDepth: readonly [number, number, number, number, number];
  readonly oldestUnreceipted?: OldestRecord;
  readonly sizeBytes: number;
  readonly freeDiskBytes?: number;
  /** Until records without a receipt must be given up, if nothing more is receipted; absent while nobody can tell. */
  readonly hoursToFull?: number;
  /** The file whose space only alarms get is there. */
  readonly reserveHeld: boolean;
  readonly runs: number;
  /** Nothing but alarms is taken. */
  readonly full: boolean;
  /** The disk has less free than its floor: the file grows no more. */
  readonly diskLow: boolean;
  /** Latched: alarms have reached their share, and old ones were folded or cut down to their newest revision. */
  readonly alarmStoreFull: boolean;
}

/** The oldest record without a receipt, as far as its age goes. */
export interface OldestRecord {
  /** Written by this very start: then the monotonic clock tells its age. */
  readonly isOfThisRun: boolean;
  readonly upMs: number;
  readonly atMs: number;
  /** Whether the node knew the time when it wrote it. */
  readonly isTimeTrusted: boolean;
}

/** Something that happened in the journal and that a person should hear of. */
export interface JournalNews {
  readonly code: string;
  readonly message: string;
}

/**
 * The node's only memory. One SQLite file behind one worker thread. `urgent` writes commit alone and at once; others wait
 * at most `groupMs` for company. Every promise resolves after the fsync'ed commit and rejects with JOURNAL_FULL,
 * JOURNAL_READ_ONLY or JOURNAL_BROKEN.
 */
export interface Journal extends AsyncDisposable {
  readonly restored: JournalRestore;
  /** @returns the seqs given to `append`, in order */
  write(write: JournalWrite, urgency: "urgent" | "grouped"): Promise<readonly number[]>;
  /** Newest first; every run of the last `keepReceipted`, also empty ones. */
  runs(): Promise<readonly RunSummary[]>;
  /**
   * Rows of one run within `ranges`, by seq, that are not marked as receipted under the current custody generation, limited
   * by count and bytes (at least one row when any is there).
   */
  read(query: {
    readonly run: string;
    readonly ranges: readonly SeqRange[];
    readonly lanes: readonly Lane[];
    /** Only these, of whatever lane. */
    readonly kind?: "evidence";
    readonly maxRecords: number;
    readonly maxBytes: number;
    readonly includeReceipted?: boolean;
  }): Promise<readonly StoredRecord[]>;
  /** Which seqs of `ranges` this node no longer holds. */
  lacking(run: string, ranges: readonly SeqRange[]): Promise<readonly SeqRange[]>;
  /** Notes receipts with the next group commit; a lost mark is harmless. */
  markReceipted(run: string, ranges: readonly SeqRange[]): void;
  /** Sha-256 of the stored bytes, for the hello after a changed epoch. */
  hash(run: string, seq: number): Promise<Sha256 | undefined>;
  /** Small facts that must survive a restart: the paired bridge's id, its last epoch, answered command ids. */
  getSetting(key: string): Promise<string | undefined>;
  setSetting(key: string, value: string): Promise<void>;
  statistics(): Promise<JournalStatistics>;
  /** Commits what waits for company, and brings the log into the file: nothing is at risk until the next write. */
  flush(): Promise<void>;
  /** Called after each commit that appended, so that the uplink wakes at once. */
  onCommitted(listener: (committed: readonly StoredRecord[]) => void): void;
  /** Called for what a person should hear of. */
  onNews(listener: (news: JournalNews) => void): void;
  /** Marks the run as ended cleanly, checkpoints and closes. */
  close(): Promise<void>;
}

/** Is told of every write once, before the disk is asked. */
export interface WriteWitness {
  judged(write: JournalWrite): void;
}

/** What the uplink asks of the journal beyond what every stage may. */
export interface CustodyJournal extends Journal {
  /** Runs and open alarms of one moment: what hello says. */
  helloContent(): Promise<{ readonly runs: readonly RunSummary[]; readonly open: readonly string[] }>;
  /** Every `shed` of this node that has no receipt yet, of whichever run. */
  unreceiptedSheds(): Promise<readonly ShedBody[]>;
  /** Another epoch of the bridge: marks made under an earlier one no longer count. Resolves after the commit. */
  beginCustody(epoch: string): Promise<void>;
}
