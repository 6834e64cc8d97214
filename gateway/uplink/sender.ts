import { sha256Of } from "../../protocol/envelope.ts";
import { commonVersion } from "../../protocol/hello.ts";
import { PROTOCOL_VERSION, READABLE_VERSIONS } from "../../protocol/limits.ts";
import { intersect, NO_RANGES, type Ranges, rangesFrom, rangesOfSeqs, union } from "../../protocol/ranges.ts";
import type { Lane } from "../../protocol/record.ts";
import type { Have, Receipt, ReceiptMessage } from "../../protocol/session.ts";
import type { RunSummary, StoredRecord } from "../contracts/journal.ts";
import { Flight, type Flown, firstFlight } from "./flight.ts";
import { Handshake } from "./handshake.ts";
import { LinkRate } from "./link-rate.ts";
import { BULK, Pace, URGENT } from "./pace.ts";
import { Packer, type PackHeader } from "./packer.ts";
import type { PendingRead, SenderCommand, SenderEvent, SenderFacts, SenderOptions } from "./sender-types.ts";
import { askedOf, TURNS, type Turn, WantedRun } from "./wanted.ts";
import { WantedRuns } from "./wanted-runs.ts";

/**
 * The node's half of custody, as a pure machine: events with their time go in, commands come out. It reads no clock, does
 * no I/O, and holds no more than the window and the ranges that the bridge asked for. Running code and the model under
 * test/model drive this very class.
 */
export class Sender {
  readonly #run: string;
  readonly #rate: LinkRate;
  readonly #flight = new Flight();
  readonly #pace: Pace;
  readonly #wanted = new WantedRuns();
  readonly #packer: Packer;
  #bridge: string | undefined;
  #epoch: string | undefined;
  #session: string | undefined;
  #handshake: Handshake | undefined;
  /** Newest committed seq of the running run. */
  #head = 0;
  #version = PROTOCOL_VERSION;
  #liveFrom: number | undefined;
  #pending: PendingRead | undefined;
  #numbers = 0;
  #oldRows: ReadonlyMap<string, Ranges> = new Map();
  #isOverfull = false;
  #laneOneDueAtMs: number | undefined;
  #wakeAtMs: number | undefined;
  #out: SenderCommand[] = [];

  constructor(options: SenderOptions) {
    this.#run = options.run;
    this.#bridge = options.bridge;
    this.#epoch = options.epoch;
    this.#packer = new Packer(options.compress);
    this.#rate = new LinkRate(options.rateBytesPerS);
    this.#pace = new Pace(this.#flight, this.#rate, options.laneThree);
  }

  /** For health and tests. */
  get facts(): SenderFacts {
    return {
      recordsInFlight: this.#flight.records,
      wantedRanges: this.#wanted.ranges,
      rttMs: this.#flight.roundTripMs,
      rateBytesPerS: this.#rate.bytesPerS,
      isAnswered: this.#handshake?.isAnswered ?? false,
      isIdle: this.#isIdle(),
      laneThreeBytes: this.#laneThreeBytes(),
    };
  }

  handle(event: SenderEvent): readonly SenderCommand[] {
    this.#out = [];
    switch (event.type) {
      case "connected":
        this.#session = event.session;
        this.#liveFrom = undefined;
        this.#sayHello(event.nowMs);
        break;
      case "disconnected":
        this.#session = undefined;
        this.#forget();
        this.#handshake = undefined;
        break;
      case "hello-content":
        this.#takeContent(event.runs, event.open);
        break;
      case "committed":
        this.#takeCommitted(event.rows, event.nowMs);
        break;
      case "rows":
        this.#takeRows(event.read, event.rows, event.nowMs);
        break;
      case "puback":
        this.#flight.landOnBroker(event.envelope);
        break;
      case "message":
        this.#takeMessage(event.message, event.nowMs);
        break;
      case "tick":
        this.#wakeAtMs = undefined;
        break;
    }
    if (this.#session !== undefined) this.#work(event.nowMs);
    this.#wake();
    return this.#out;
  }

  #work(nowMs: number): void {
    this.#endSilence(nowMs);
    const due = this.#handshake?.due(nowMs);
    if (due === "gather") this.#out.push({ type: "gather-hello" });
    else if (due !== undefined) this.#out.push({ type: "publish-hello", page: due });
    this.#sendPassed(nowMs);
    this.#readNext(nowMs);
    if (this.#isOverfull && this.#isIdle()) this.#sayHello(nowMs);
  }

  // ---- hello ----

  /** Everything that was under way is forgotten; the have will name what arrived. */
  #sayHello(nowMs: number): void {
    this.#forget();
    this.#handshake = new Handshake(nowMs);
    this.#out.push({ type: "gather-hello" });
  }

  #forget(): void {
    const went = this.#flight.clear();
    if (went.size > 0) this.#oldRows = went;
    this.#wanted.clear();
    this.#pending = undefined;
    this.#isOverfull = false;
  }

  #takeContent(runs: readonly RunSummary[], open: readonly string[]): void {
    const handshake = this.#handshake;
    if (this.#session === undefined || handshake === undefined || handshake.isGathered) return;
    handshake.gathered(this.#session, this.#run, runs, open);
    this.#wanted.list(runs);
    this.#head = Math.max(this.#head, this.#wanted.summary(this.#run)?.head ?? 0);
    this.#liveFrom ??= this.#head + 1;
  }

  #takeMessage(message: ReceiptMessage, nowMs: number): void {
    if (this.#session === undefined || !this.#isOurBridge(message.bridge)) return;
    switch (message.type) {
      case "have":
        this.#takeHave(message, nowMs);
        return;
      case "say-hello":
        if (this.#handshake === undefined || this.#handshake.isAnswered) this.#sayHello(nowMs);
        return;
      case "receipt":
      case "undecodable":
        if (this.#handshake === undefined || this.#epoch === undefined) return;
        if (message.epoch !== this.#epoch) {
          if (this.#handshake.isAnswered) this.#sayHello(nowMs);
          return;
        }
        if (message.type === "receipt") this.#takeReceipt(message, nowMs);
        else this.#takeUndecodable(message.sha256, nowMs);
    }
  }

  #isOurBridge(bridge: string): boolean {
    if (this.#bridge === undefined) {
      this.#bridge = bridge;
      this.#out.push({ type: "pin-bridge", bridge });
    }
    if (this.#bridge === bridge) return true;
    this.#out.push({ type: "notice", notice: { code: "BRIDGE_FOREIGN", bridge } });
    return false;
  }

  #takeHave(have: Have, nowMs: number): void {
    const handshake = this.#handshake;
    if (handshake === undefined || have.session !== this.#session || !handshake.covers(have)) return;
    const version = commonVersion(READABLE_VERSIONS, have.versions);
    if (version === undefined) {
      handshake.hold(nowMs);
      this.#out.push({ type: "notice", notice: { code: "VERSION_UNSUPPORTED", versions: have.versions } });
      return;
    }
    this.#version = version;
    if (have.epoch !== this.#epoch) {
      const isFirst = have.page === 0 && this.#wanted.isEmpty && this.#flight.flown.length === 0;
      this.#epoch = have.epoch;
      this.#out.push({ type: "epoch", epoch: have.epoch });
      if (!isFirst) {
        this.#sayHello(nowMs);
        return;
      }
    }
    const roundTripMs = handshake.answered(have, nowMs);
    if (roundTripMs !== undefined) this.#rate.sample(roundTripMs, nowMs);
    for (const entry of have.runs) this.#takeEntry(entry);
    if (handshake.isAnswered) {
      this.#out.push({
        type: "notice",
        notice: { code: "HELLO_ANSWERED", bridge: have.bridge, epoch: have.epoch, bridgeUtcMs: have.nowMs },
      });
    }
  }

  #takeEntry(entry: Have["runs"][number]): void {
    const summary = this.#wanted.summary(entry.run);
    if (summary === undefined) return;
    const isCurrent = entry.run === this.#run;
    const asked = askedOf(
      { ...entry, missing: [...rangesFrom(entry.missing)], declared: [...rangesFrom(entry.declared)] },
      summary,
      isCurrent ? this.#head : undefined,
    );
    if (asked.stored.length > 0) this.#out.push({ type: "mark-receipted", run: entry.run, ranges: asked.stored });
    if (asked.due.length > 0) this.#out.push({ type: "declare-lacking", run: entry.run, ranges: asked.due });
    if (!isCurrent && asked.wanted.length === 0) {
      this.#wanted.delete(entry.run);
      return;
    }
    const run = new WantedRun(
      entry.run,
      isCurrent ? (this.#liveFrom ?? 1) : Number.MAX_SAFE_INTEGER,
      asked.wanted,
      asked.declared,
    );
    for (const flown of this.#flight.flown) {
      if (flown.run === entry.run) run.take(rangesOfSeqs(flown.rows.map(({ seq }) => seq)));
    }
    if (this.#pending?.run === entry.run) this.#pending = undefined;
    if (!this.#wanted.set(run)) this.#isOverfull = true;
  }

  // ---- receipts ----

  #takeReceipt(receipt: Receipt, nowMs: number): void {
    const refused = rangesOfSeqs(receipt.refused.map(({ seq }) => seq));
    const all = union(rangesFrom(receipt.ranges), refused);
    const seqs = receipt.run === this.#run ? intersect(all, [[1, this.#head]]) : all;
    if (seqs.length === 0) return;
    for (const roundTripMs of this.#flight.receipt(receipt.run, seqs, nowMs)) this.#rate.sample(roundTripMs, nowMs);
    this.#wanted.get(receipt.run)?.settle(seqs);
    this.#out.push({ type: "mark-receipted", run: receipt.run, ranges: seqs });
    for (const { seq, code } of receipt.refused) {
      this.#out.push({ type: "notice", notice: { code: "RECORD_REFUSED", run: receipt.run, seq, reason: code } });
    }
  }

  #takeUndecodable(sha256: string, nowMs: number): void {
    const flown = this.#flight.remove(sha256, nowMs);
    if (flown === undefined) return;
    const run = this.#wanted.get(flown.run);
    const [only] = flown.rows;
    if (only === undefined) return;
    if (!flown.wasAlone) {
      run?.addSingly(flown.rows);
      return;
    }
    run?.settle([[only.seq, only.seq]]);
    if (run === undefined || intersect(run.declared, [[only.seq, only.seq]]).length > 0) return;
    this.#out.push({ type: "declare-undecodable", record: only, sha256: sha256Of(only.bytes) });
  }

  // ---- silence ----

  #endSilence(nowMs: number): void {
    const endsAtMs = this.#flight.silenceEndsAtMs;
    if (endsAtMs === undefined || nowMs < endsAtMs) return;
    const oldest = this.#flight.probe(nowMs);
    if (oldest !== undefined) {
      this.#sendAgain(oldest, nowMs);
      return;
    }
    this.#out.push({ type: "notice", notice: { code: "RECEIPTS_STOPPED", probes: this.#flight.probes - 1 } });
    this.#sayHello(nowMs);
  }

  #sendPassed(nowMs: number): void {
    if (this.#flight.isStalled) return;
    for (const { flown, dueAtMs } of this.#flight.passed) if (nowMs >= dueAtMs) this.#sendAgain(flown, nowMs);
  }

  // ---- rows ----

  #takeCommitted(rows: readonly StoredRecord[], nowMs: number): void {
    const mine = rows.filter(({ run }) => run === this.#run);
    for (const { seq } of mine) this.#head = Math.max(this.#head, seq);
    const wanted = this.#wanted.get(this.#run);
    if (wanted === undefined) return;
    // A new alarm goes at once, without a read, when no older one waits: its rows are in hand.
    const isFree = wanted.isDrained("alarm") && this.#pending?.turn !== "alarm";
    const alarms = mine.filter(({ lane }) => lane === 0);
    wanted.add(mine.filter(({ seq }) => !this.#flight.holds(this.#run, seq)));
    if (this.#pending?.run === this.#run) this.#pending.isOutdated = true;
    if (isFree && alarms.length > 0 && this.#pace.hasRoom("alarm")) {
      this.#send(wanted, "alarm", alarms, this.#pace.messageBytes("alarm"), nowMs);
    }
  }

  /** One read at a time, in the order of turns; the answer brings the next. */
  #readNext(nowMs: number): void {
    this.#laneOneDueAtMs = undefined;
    if (this.#pending !== undefined) return;
    for (const turn of TURNS) {
      if (this.#flight.isStalled && turn !== "alarm") return;
      if (!this.#pace.hasRoom(turn)) continue;
      for (const wanted of this.#wanted.oldestFirst()) {
        const ask = wanted.ask(turn);
        if (ask === undefined) continue;
        if (turn === "urgent" && this.#mustWait(nowMs)) break;
        this.#read(wanted.run, turn, ask);
        return;
      }
    }
  }

  #mustWait(nowMs: number): boolean {
    const hasBulk = this.#flight.recordsOf(BULK) > 0 || this.#wanted.hasAny(BULK);
    const waitMs = hasBulk ? this.#pace.laneOneWaitMs(nowMs) : 0;
    if (waitMs > 0) this.#laneOneDueAtMs = nowMs + waitMs;
    return waitMs > 0;
  }

  #read(run: string, turn: Turn, ask: { readonly ranges: Ranges; readonly lanes: readonly Lane[] }): void {
    this.#numbers += 1;
    this.#pending = { read: this.#numbers, run, turn, wireLimit: this.#pace.messageBytes(turn), isOutdated: false };
    this.#out.push({
      type: "read",
      read: this.#numbers,
      run,
      ...ask,
      maxRecords: this.#pace.recordRoom(turn),
      maxBytes: this.#pace.readBytes(turn, this.#packer.ratio),
    });
  }

  #takeRows(read: number, rows: readonly StoredRecord[], nowMs: number): void {
    const pending = this.#pending;
    if (pending?.read !== read) return;
    this.#pending = undefined;
    const wanted = this.#wanted.get(pending.run);
    if (wanted === undefined) return;
    const due = rows.filter(({ run, seq }) => run === pending.run && wanted.wants(seq));
    if (due.length > 0) this.#send(wanted, pending.turn, due, pending.wireLimit, nowMs);
    else if (rows.length === 0 && !pending.isOutdated) wanted.drain(pending.turn);
  }

  /** A message holds at least one record, and of what goes singly only one. */
  #send(wanted: WantedRun, turn: Turn, rows: readonly StoredRecord[], wireLimit: number, nowMs: number): void {
    const together = wanted.together(rows).slice(0, Math.max(1, this.#pace.recordRoom(turn)));
    const packed = this.#packer.fit(this.#header(wanted.run, nowMs), together, wireLimit);
    if (turn === "urgent") this.#pace.spendLaneOne(packed.bytes.length);
    const seqs = rangesOfSeqs(packed.rows.map(({ seq }) => seq));
    wanted.take(seqs);
    this.#numbers += 1;
    const hasOldRows = intersect(this.#oldRows.get(wanted.run) ?? NO_RANGES, seqs).length > 0;
    const flown = firstFlight({ id: this.#numbers, run: wanted.run, turn, hasOldRows, sentAtMs: nowMs }, packed);
    this.#flight.add(flown);
    this.#emit(flown, packed.bytes);
  }

  #sendAgain(flown: Flown, nowMs: number): void {
    const bytes = this.#packer.pack(this.#header(flown.run, nowMs), flown.rows);
    this.#flight.again(flown, nowMs, bytes.length, sha256Of(bytes));
    this.#emit(flown, bytes);
  }

  #emit({ id, run, rows, turn }: Flown, bytes: Uint8Array): void {
    const seqs = rangesOfSeqs(rows.map(({ seq }) => seq));
    this.#out.push({ type: "publish", envelope: id, run, seqs, urgent: URGENT.includes(turn), bytes });
  }

  #header(run: string, nowMs: number): PackHeader {
    if (run !== this.#run) return { v: this.#version, run, head: this.#wanted.summary(run)?.head ?? 0 };
    return { v: this.#version, run, head: this.#head, upMs: Math.max(0, Math.floor(nowMs)) };
  }

  // ---- order and state ----

  #laneThreeBytes(): number {
    if (this.#handshake?.isAnswered !== true || this.#flight.isStalled) return 0;
    const isAhead = this.#pending === undefined ? this.#wanted.hasAny(["live"]) : this.#pending.turn !== "backlog";
    return isAhead && this.#pace.hasRoom("live") ? 0 : this.#pace.laneThreeBytes;
  }

  #isIdle(): boolean {
    return this.#flight.flown.length === 0 && this.#pending === undefined && !this.#wanted.hasAny();
  }

  #wake(): void {
    const times = [
      this.#handshake?.wakeAtMs,
      this.#flight.silenceEndsAtMs,
      ...(this.#flight.isStalled ? [] : this.#flight.passed.map(({ dueAtMs }) => dueAtMs)),
      this.#laneOneDueAtMs,
    ].filter((time) => time !== undefined);
    // Whole milliseconds, rounded up: a timer that fires a fraction too early would be set again without end.
    const next = this.#session === undefined || times.length === 0 ? undefined : Math.ceil(Math.min(...times));
    if (next === this.#wakeAtMs) return;
    this.#wakeAtMs = next;
    if (next !== undefined) this.#out.push({ type: "wake", atMs: next });
  }
}
