import { sql } from "kysely";
import { commonVersion, MAX_RANGES_PER_PAGE } from "../../protocol/hello.ts";
import { PROTOCOL_VERSION, READABLE_VERSIONS } from "../../protocol/limits.ts";
import { DICTIONARIES, type Packing } from "../../protocol/packing.ts";
import { NO_RANGES, type Ranges, union } from "../../protocol/ranges.ts";
import type { Hello, Receipt } from "../../protocol/session.ts";
import { clearFault, raiseFault } from "../alarms/faults.ts";
import { isIdShared } from "../fleet/shared-id.ts";
import { currentEpoch, type Trx } from "../store/database.ts";
import type { FaultPoints } from "../store/fault-points.ts";
import { haveOf, withHead, withSheds } from "../store/ledger.ts";
import { overRows } from "../store/over-rows.ts";
import { type Answer, type CommittedBatch, type ReadMessage, runsTouched } from "./batch.ts";
import { FleetFacts } from "./fleet-facts.ts";
import {
  forgetOldHellos,
  loadHellos,
  loadSession,
  loadSessions,
  markSettled,
  type NodeSession,
  saveHello,
} from "./hello-rows.ts";
import { isBeyondHello, isComplete, mustSayHello, takePage } from "./hello-state.ts";
import { type InboxRow, insertInbox, type Placed, storedHashes } from "./inbox-rows.ts";
import { keyOf, type LedgerRow, lockLedger, saveLedger } from "./ledger-rows.ts";
import { addLevelHours } from "./level-hours.ts";
import { quarantine } from "./quarantine.ts";
import { applyRecord, type EffectContext, noteTime, type TakenAlarm } from "./record-effects.ts";
import { listRuns, noteUnexplained, settleSession } from "./settle-session.ts";
import { type Accepted, refusalsOf, repeatsIn, takeEnvelope } from "./take-envelope.ts";

export interface BatchContext {
  readonly bridge: string;
  readonly nowMs: number;
  readonly quarantineBytes: number;
  readonly clockSettleMs: number;
  readonly faults: FaultPoints;
}

/** One transaction: everything that these messages say is written, or nothing, and only then is anything answered. */
export async function commitBatch(
  trx: Trx,
  messages: readonly ReadMessage[],
  context: BatchContext,
): Promise<CommittedBatch> {
  const batch = new Batch(trx, context, await currentEpoch(trx));
  await batch.begin(messages);
  for (const message of messages) await batch.take(message);
  context.faults.reach(messages.some(({ type }) => type === "envelope") ? "bridge-mid-ingest" : "bridge-mid-hello");
  return batch.finish();
}

const noteSeen = overRows<{ node: string; nowMs: number }>(
  { node: "text", nowMs: "bigint" },
  (given) => sql`insert into nodes (id, created_at_ms, last_seen_at_ms)
    select given.node, given."nowMs", given."nowMs" from ${given} where true order by given.node
    on conflict (id) do update set last_seen_at_ms = excluded.last_seen_at_ms`,
);

const CREW_NEWS = new Set<string | undefined>(["result", "act", "message"]);

interface ReceiptDraft {
  readonly node: string;
  readonly run: string;
  ranges: Ranges;
  refused: Receipt["refused"];
  packing: Packing;
}

class Batch {
  readonly #trx: Trx;
  readonly #context: BatchContext;
  readonly #epoch: string;
  #ledger = new Map<string, LedgerRow>();
  #sessions = new Map<string, NodeSession>();
  readonly #changed = new Set<LedgerRow>();
  readonly #inbox: InboxRow[] = [];
  readonly #effects: (() => boolean | Promise<boolean>)[] = [];
  readonly #receipts = new Map<string, ReceiptDraft>();
  readonly #answers: Answer[] = [];
  readonly #facts = new FleetFacts();
  readonly #alarms: TakenAlarm[] = [];
  readonly #alarmNodes = new Set<string>();
  /** Heads of hellos that were heard whole in this batch. */
  readonly #heard = new Map<string, ReadonlyMap<string, number>>();
  #hasAlarms = false;
  #hasCrewNews = false;

  constructor(trx: Trx, context: BatchContext, epoch: string) {
    this.#trx = trx;
    this.#context = context;
    this.#epoch = epoch;
  }

  async begin(messages: readonly ReadMessage[]): Promise<void> {
    const { nowMs } = this.#context;
    const nodes = [...new Set(messages.map((message) => message.node))].sort();
    // A node's row is locked by whatever writes about it: its runs, its faults and its alarms change one batch at a time.
    await noteSeen(
      this.#trx,
      nodes.map((node) => ({ node, nowMs })),
    );
    this.#ledger = await lockLedger(this.#trx, runsTouched(messages), nowMs);
    this.#sessions = await loadSessions(this.#trx, nodes);
  }

  async take(message: ReadMessage): Promise<void> {
    switch (message.type) {
      case "hello":
        return this.#takeHello(message.node, message.hello);
      case "fault":
        return this.#takeFault(message);
      case "envelope":
        return this.#takeEnvelope(message);
    }
  }

  async finish(): Promise<CommittedBatch> {
    const { nowMs } = this.#context;
    await insertInbox(this.#trx, this.#inbox, nowMs);
    await addLevelHours(this.#trx, this.#inbox);
    for (const effect of this.#effects) {
      const changed = effect();
      if (changed === true || (changed !== false && (await changed))) this.#hasAlarms = true;
    }
    if (await this.#facts.write(this.#trx, nowMs)) this.#hasAlarms = true;
    await saveLedger(this.#trx, [...this.#changed], nowMs);
    for (const [node, heads] of this.#heard) if (await listRuns(this.#trx, node, heads, nowMs)) this.#hasAlarms = true;
    for (const node of this.#unlistedNodes()) if (await noteUnexplained(this.#trx, node, nowMs)) this.#hasAlarms = true;
    for (const [node, standing] of this.#sessions) {
      const { hello } = standing;
      if (hello === undefined || (hello.isSettled && !this.#alarmNodes.has(node))) continue;
      if (hello.isSettled) await markSettled(this.#trx, node, hello.state.session, false);
      const unsettled = { ...standing, hello: { ...hello, isSettled: false } };
      if (await settleSession(this.#trx, node, unsettled, nowMs)) this.#hasAlarms = true;
    }
    for (const { node, run, ranges, refused, packing } of this.#receipts.values()) {
      const message: Receipt = { ...this.#head(), type: "receipt", run, ranges: [...ranges], refused };
      this.#answers.unshift({ node, message, packing });
    }
    return {
      answers: this.#answers,
      hasAlarms: this.#hasAlarms,
      nodes: this.#facts.nodes,
      handsets: this.#facts.handsets,
      records: this.#inbox.length,
      hasCrewNews: this.#hasCrewNews,
      greeted: new Set(this.#heard.keys()),
      alarms: this.#alarms,
    };
  }

  /** Nodes of which a run changed that their hello no longer lists: what is unexplained of it may have become less. */
  #unlistedNodes(): ReadonlySet<string> {
    const rows = [...this.#changed].filter(({ node, isListed }) => !isListed && !this.#heard.has(node));
    return new Set(rows.map(({ node }) => node));
  }

  #head() {
    return { v: PROTOCOL_VERSION, bridge: this.#context.bridge, epoch: this.#epoch };
  }

  #row(node: string, run: string): LedgerRow {
    const row = this.#ledger.get(keyOf({ node, run }));
    if (row === undefined) throw new Error(`run ${run} of ${node} was not locked`);
    return row;
  }

  // ---- hello ----

  async #takeHello(node: string, hello: Hello): Promise<void> {
    const { nowMs } = this.#context;
    if (await isIdShared(this.#trx, node, hello)) await this.#raise(node, "node-id-shared");
    const rows = await loadHellos(this.#trx, node);
    const before = rows.find((row) => row.state.session === hello.session);
    const state = takePage(before?.state, hello);
    await saveHello(this.#trx, node, state, isComplete(state) ? 1 : 0, nowMs);
    const standing = await loadSession(this.#trx, node);
    const isCurrent = standing.hello?.state.session === hello.session;
    this.#sessions.set(node, standing);
    await forgetOldHellos(this.#trx, node, rows);
    let isBeyond = false;
    let budget = MAX_RANGES_PER_PAGE;
    const runs = hello.runs.map(({ run, head }) => {
      const row = this.#row(node, run);
      const ledger = withHead(row.ledger, head);
      const heads = { before: row.ledger.head, after: ledger.head };
      if (!isCurrent && isBeyondHello(standing.hello?.state, run, heads)) isBeyond = true;
      const isNews = ledger !== row.ledger || (isCurrent && !row.isListed);
      if (isNews) this.#changed.add(row);
      if (isCurrent) row.isListed = true;
      row.ledger = ledger;
      const entry = haveOf(run, row.ledger, head, budget);
      budget -= entry.missing.length + entry.declared.length;
      return entry;
    });
    if (isBeyond) this.#answers.push({ node, message: { ...this.#head(), type: "say-hello" } });
    // A node that writes no version of ours holds what it has: only a person can bring the two together.
    if (commonVersion(hello.versions, READABLE_VERSIONS) === undefined) await this.#raise(node, "version-unreadable");
    else await clearFault(this.#trx, { node, rule: "version-unreadable" }, nowMs);
    if (isCurrent && isComplete(state)) this.#heard.set(node, state.heads);
    this.#answers.push({
      node,
      message: {
        ...this.#head(),
        type: "have",
        session: hello.session,
        page: hello.page,
        last: hello.last,
        versions: [...READABLE_VERSIONS],
        dictionaries: [...DICTIONARIES],
        nowMs,
        runs,
      },
    });
  }

  // ---- envelopes ----

  async #takeFault({ node, fault }: Extract<ReadMessage, { type: "fault" }>): Promise<void> {
    if (fault.code === "ENVELOPE_VERSION") {
      await this.#raise(node, "version-unreadable");
      this.#answers.push({ node, message: { ...this.#head(), type: "say-hello" } });
    } else if (fault.code !== "HELLO_INVALID") {
      this.#answers.push({ node, message: { ...this.#head(), type: "undecodable", sha256: fault.sha256 } });
    }
  }

  async #takeEnvelope(message: Extract<ReadMessage, { type: "envelope" }>): Promise<void> {
    const { node, header, items } = message;
    const { run } = header;
    const { nowMs, quarantineBytes } = this.#context;
    const row = this.#row(node, run);
    const repeats = repeatsIn(row.ledger, items);
    const hashes = repeats.length === 0 ? new Map<number, string>() : await this.#hashesOf(row, repeats);
    const taken = takeEnvelope(row.ledger, header, items, hashes);
    const headBefore = row.ledger.head;
    if (taken.ledger !== row.ledger) this.#changed.add(row);
    row.ledger = taken.ledger;
    // Whoever offers records of a run holds it, until its hello says otherwise: the say-hello below asks for that.
    const hello = this.#sessions.get(node)?.hello;
    if (!row.isListed && hello?.state.heads.has(run) !== true) row.isListed = true;
    for (const item of taken.accepted) this.#inbox.push({ row, item, ...this.#placeOf(node, item) });
    for (const { run: target } of taken.sheds) {
      const other = this.#row(node, target);
      other.ledger = withSheds(other.ledger, target, taken.sheds);
      this.#changed.add(other);
    }
    if (taken.refused.length + taken.clashes.length > 0) {
      await quarantine(this.#trx, { node, run }, [...taken.refused, ...taken.clashes], quarantineBytes, nowMs);
      this.#hasAlarms = true;
    }
    const effects: EffectContext = {
      trx: this.#trx,
      row,
      envelopeUpMs: header.upMs,
      isCurrentRun: header.upMs !== undefined || hello === undefined || hello.state.current === run,
      facts: this.#facts,
      alarms: this.#alarms,
      clockSettleMs: this.#context.clockSettleMs,
      nowMs,
    };
    for (const { decoded } of taken.accepted) {
      if (decoded.known?.kind === "time") await noteTime(effects, decoded);
      if (decoded.known?.kind === "alarm") this.#alarmNodes.add(node);
      if (CREW_NEWS.has(decoded.known?.kind)) this.#hasCrewNews = true;
      this.#effects.push(() => applyRecord(effects, decoded));
    }
    for (const { decoded } of taken.clashes) {
      if (decoded.known?.kind !== "alarm") continue;
      this.#alarmNodes.add(node);
      this.#effects.push(() => applyRecord(effects, decoded));
    }
    this.#draft(message, taken.receipted, refusalsOf(taken));
    if (taken.hasNameless) {
      this.#answers.push({ node, message: { ...this.#head(), type: "undecodable", sha256: message.sha256() } });
    }
    if (mustSayHello(hello?.state, run, { before: headBefore, after: row.ledger.head })) {
      this.#answers.push({ node, message: { ...this.#head(), type: "say-hello" } });
    }
  }

  /** Minutes that stand for records of another run are placed by that run's clock. */
  #placeOf(node: string, { decoded: { known } }: Accepted): { readonly placed?: Placed } {
    if (known?.kind !== "noise" || known.body.standsFor === undefined) return {};
    const { run, seq, upMs, atMs } = known.body.standsFor;
    return { placed: { row: this.#row(node, run), record: { seq, upMs, atMs, timeQuality: known.timeQuality } } };
  }

  /** Stored hashes of repeats, also of records that an earlier envelope of this very batch brought. */
  async #hashesOf(row: LedgerRow, seqs: readonly number[]): Promise<Map<number, string>> {
    const hashes = await storedHashes(this.#trx, row.node, row.run, seqs);
    for (const { row: other, item } of this.#inbox) {
      if (other === row) hashes.set(item.decoded.record.seq, item.sha256);
    }
    return hashes;
  }

  #draft(
    { node, header: { run }, hasDictionary }: Extract<ReadMessage, { type: "envelope" }>,
    receipted: Ranges,
    refused: readonly { seq: number; code: string }[],
  ): void {
    const key = keyOf({ node, run });
    const draft = this.#receipts.get(key) ?? { node, run, ranges: NO_RANGES, refused: [], packing: "dictionary" };
    if (!hasDictionary) draft.packing = "plain";
    draft.ranges = union(draft.ranges, receipted);
    draft.refused = [...draft.refused, ...refused];
    this.#receipts.set(key, draft);
  }

  async #raise(node: string, rule: "node-id-shared" | "version-unreadable"): Promise<void> {
    await raiseFault(this.#trx, { node, rule }, this.#context.nowMs);
    this.#hasAlarms = true;
  }
}
