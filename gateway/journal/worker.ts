import process from "node:process";
import { parentPort, workerData } from "node:worker_threads";
import { newRunId } from "../../protocol/new-ids.ts";
import { killAtFaultPoint } from "../contracts/fault-points.ts";
import type { JournalRestore, StoredRecord } from "../contracts/journal.ts";
import {
  isMarkedBroken,
  lookAtLog,
  makeStateDirectory,
  markBroken,
  openDatabase,
  owedSalvage,
  salvageOver,
  setAside,
} from "./database.ts";
import { diskFault, journalError } from "./disk-fault.ts";
import { JournalStore } from "./journal-store.ts";
import type { BatchOutcome, FromWorker, JournalSettings, Stamp, ToWorker } from "./messages.ts";
import { RunTable } from "./run-table.ts";
import { salvage } from "./salvage.ts";
import { PAGE_BYTES, type SqliteDatabase } from "./sqlite.ts";
import { lockState } from "./state-lock.ts";
import { toFault } from "./thread-fault.ts";

const RECEIPTS_FLUSH_MS = 2000;

const port = parentPort;
if (port === null) throw new Error("worker.ts runs as a worker thread only");
const settings = workerData as JournalSettings;
const tell = (message: FromWorker) => port.postMessage(message);

let flushTimer: NodeJS.Timeout | undefined;
let isCheckpointDue = false;
let isTrimDue = false;

try {
  makeStateDirectory(settings.directory);
  const lock = lockState(settings.directory);
  const { store, restored } = begin(settings);
  port.on("message", (call: ToWorker) => {
    try {
      const given = answer(store, lock, call);
      if (call.name === "read" || call.name === "hash") declareCorrupt(store);
      // Before it is told: who hears of it may start the journal anew at once.
      if (call.name === "write" && isBroken(given as BatchOutcome)) markBroken(settings.directory);
      tell({ type: "answer", id: call.id, answer: given });
    } catch (error) {
      if (diskFault(error) === "broken") markBroken(settings.directory);
      tell({ type: "fault", id: call.id, fault: toFault(journalError(error)) });
    }
    if (store.wantsTrim && !isTrimDue) {
      isTrimDue = true;
      setImmediate(() => trim(store));
    }
    if (store.wantsCheckpoint && !isCheckpointDue) {
      isCheckpointDue = true;
      setImmediate(() => checkpoint(store));
    }
  });
  tell({ type: "opened", restored });
} catch (error) {
  tell({ type: "not-opened", fault: toFault(journalError(error)) });
  port.close();
}

/** A disk that takes no word of what it lost keeps nothing back that is whole; the row is met again at the next read. */
function declareCorrupt(store: JournalStore): void {
  try {
    tellCommitted(store, store.declareCorrupt());
  } catch (error) {
    if (diskFault(error) === "broken") throw error;
  }
}

function begin({ directory, quotaBytes, stamp, faultPoint, negativeControl }: JournalSettings): {
  readonly store: JournalStore;
  readonly restored: JournalRestore;
} {
  const quotaPages = Math.floor(quotaBytes / PAGE_BYTES);
  const logFault = lookAtLog(directory, stamp.atMs);
  const attempt = (aside?: string) => {
    const db = openDatabase(directory, quotaPages, killAtFaultPoint(faultPoint));
    try {
      // A journal with runs has taken over already, or went on without: numbers of runs would get mixed up.
      const isOwed = aside !== undefined && db.prepare("SELECT 1 FROM run LIMIT 1").get() === undefined;
      const salvaged = isOwed ? salvage(db, directory, aside) : undefined;
      if (negativeControl === "synchronous-normal") db.pragma("synchronous = NORMAL");
      const runs = new RunTable(db);
      const previous = runs.newest();
      const run = negativeControl === "run-id-reused" ? countedRunId(previous?.no) : newRunId();
      const current = db.transaction(() => runs.begin(run, stamp.atMs)).immediate();
      if (aside !== undefined) salvageOver(directory);
      const store = new JournalStore(db, runs, current, settings);
      const taken = {
        openAlarms: store.tables.openAlarms(),
        recentAlarms: store.tables.recentAlarms(stamp.atMs),
        levels: store.tables.levels(),
      };
      const { alarms, levels } = store.tables.damaged;
      if (alarms + levels > 0) mend(db, store);
      const restored: JournalRestore = {
        run: current.run,
        ...(previous === undefined ? {} : { previous: { run: previous.run, lastSeq: previous.head } }),
        wasClean: previous?.isClean ?? true,
        ...(aside === undefined ? {} : { setAside: aside }),
        ...(logFault === undefined ? {} : { logFault }),
        ...(salvaged === undefined ? {} : { salvaged }),
        ...(alarms + levels === 0 ? {} : { damaged: { alarms, levels } }),
        ...taken,
      };
      return { store, restored };
    } catch (error) {
      db.close();
      throw error;
    }
  };
  try {
    const marked = () => (isMarkedBroken(directory) ? setAside(directory, stamp.atMs) : undefined);
    return attempt(owedSalvage(directory) ?? marked());
  } catch (error) {
    if (diskFault(error) !== "broken") throw error;
    return attempt(setAside(directory, stamp.atMs));
  }
}

/** A disk that does not take it now is told of its damage again at the next start. */
function mend(db: SqliteDatabase, store: JournalStore): void {
  try {
    db.transaction(() => store.tables.mend()).immediate();
  } catch (error) {
    if (diskFault(error) === "broken") throw error;
  }
}

/** What a node must never do: the same number in another journal names another run. */
function countedRunId(previousNo = 0): string {
  return String(previousNo + 1).padStart(22, "0");
}

function answer(store: JournalStore, lock: Disposable, call: ToWorker): unknown {
  switch (call.name) {
    case "write":
      return store.write(call.ask.writes, call.ask.urgency, call.ask.stamp);
    case "receipts":
      store.markReceipted(call.ask.run, call.ask.ranges);
      flushTimer ??= setTimeout(() => flushReceipts(store), RECEIPTS_FLUSH_MS).unref();
      return undefined;
    case "runs":
      return store.runs();
    case "read":
      return store.reader.read(call.ask);
    case "lacking":
      return store.reader.lacking(call.ask.run, call.ask.ranges);
    case "hash":
      return store.reader.hash(call.ask.run, call.ask.seq);
    case "getSetting":
      return store.getSetting(call.ask);
    case "setSetting":
      store.setSetting(call.ask.key, call.ask.value);
      return undefined;
    case "statistics":
      return store.statistics();
    case "helloContent":
      return { runs: store.runs(), open: store.tables.openAlarms().map(({ body }) => body.alarmId) };
    case "unreceiptedSheds":
      return [...store.reader.shedRows()].map(({ body }) => body);
    case "beginCustody":
      store.beginCustody(call.ask);
      return undefined;
    case "flush":
      store.flushReceipts();
      store.checkpointWhole();
      return undefined;
    case "tend":
      store.tend(call.ask);
      return undefined;
    case "close":
      return close(store, lock, call.ask);
  }
}

/** A refused write is an outcome, not an error of the call. */
function isBroken({ outcomes }: BatchOutcome): boolean {
  return outcomes.some((outcome) => "fault" in outcome && outcome.fault.code === "JOURNAL_BROKEN");
}

function close(store: JournalStore, lock: Disposable, stamp: Stamp): undefined {
  clearTimeout(flushTimer);
  try {
    store.close(stamp);
  } finally {
    lock[Symbol.dispose]();
    setImmediate(() => process.exit());
  }
}

function flushReceipts(store: JournalStore): void {
  flushTimer = undefined;
  try {
    store.flushReceipts();
  } catch {
    // The mark stays in memory and goes with the next commit; a lost one is only sent again.
  }
}

/** After the answer: an alarm does not wait for what the ones before it cost. */
function trim(store: JournalStore): void {
  isTrimDue = false;
  try {
    tellCommitted(store, store.trim());
  } catch {
    // On a failing disk all stays as it is; the next write says what is wrong.
  }
}

function tellCommitted(store: JournalStore, rows: readonly StoredRecord[]): void {
  for (const news of store.takeNews()) tell({ type: "news", news });
  if (rows.length > 0) tell({ type: "committed", rows });
}

function checkpoint(store: JournalStore): void {
  isCheckpointDue = false;
  if (settings.faultPoint?.name === "gateway-mid-checkpoint") tell({ type: "checkpoint" });
  try {
    store.checkpoint();
  } catch {
    // On a full or failing disk the log stays as it is; the next write says what is wrong.
  }
}
