import { sha256Of } from "../../protocol/envelope.ts";
import { commonVersion, encodeHello } from "../../protocol/hello.ts";
import { READABLE_VERSIONS } from "../../protocol/limits.ts";
import { intersect, rangesFrom, rangesOfSeqs, union } from "../../protocol/ranges.ts";
import type { Have, Hello, Receipt, ReceiptMessage } from "../../protocol/session.ts";
import type { RunSummary, StoredRecord } from "../contracts/journal.ts";
import { Envelopes } from "./envelopes.ts";
import { Flight } from "./flight.ts";
import { Handshake } from "./handshake.ts";
import { NO_LANE_THREE } from "./lane-three.ts";
import { type Landing, LinkRate } from "./link-rate.ts";
import { type Line, NextTurn } from "./next-turn.ts";
import { Pace } from "./pace.ts";
import type { SenderCommand, SenderEvent, SenderFacts, SenderOptions } from "./sender-types.ts";
import { askedOf, WantedRun } from "./wanted.ts";
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
  /** Messages of lane 3 that the broker has not taken. */
  readonly #chunks = new Map<number, Landing>();
  readonly #wanted = new WantedRuns();
  readonly #pace: Pace;
  readonly #envelopes: Envelopes;
  readonly #turn: NextTurn;
  #bridge: string | undefined;
  #epoch: string | undefined;
  #session: string | undefined;
  #handshake: Handshake | undefined;
  #liveFrom: number | undefined;
  #isOverfull = false;
  #nowMs = 0;
  #wakeAtMs: number | undefined;
  #out: SenderCommand[] = [];

  constructor(options: SenderOptions) {
    this.#run = options.run;
    this.#bridge = options.bridge;
    this.#epoch = options.epoch;
    const { laneThree = NO_LANE_THREE } = options;
    this.#rate = options.rate ?? new LinkRate(options.rateBytesPerS);
    this.#pace = new Pace(this.#flight, this.#rate, laneThree);
    const line: Line = { flight: this.#flight, laneThree, pace: this.#pace, wanted: this.#wanted };
    this.#envelopes = new Envelopes(options.run, line, options.compress);
    this.#turn = new NextTurn(line);
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
      laneThreeBytes: this.#handshake?.isAnswered === true ? this.#turn.laneThreeBytes(this.#nowMs) : 0,
    };
  }

  /** Whether a live stream may send something now: it is never queued, and goes only where the line has room for it. */
  admitsLive(nowMs: number): boolean {
    return !this.#flight.isStalled && this.#pace.hasRoom("live") && this.#pace.waitMs("live", nowMs, false) === 0;
  }

  /** Largest message of live video that may go now: it stands back for every record of lanes 0 to 2. */
  liveVideoBytes(nowMs: number): number {
    if (this.#handshake?.isAnswered !== true || !this.admitsLive(nowMs)) return 0;
    return this.#wanted.hasAny(["alarm", "urgent", "live"]) ? 0 : this.#pace.messageBytes("live");
  }

  /** It is paid for like all else. @returns what to tell when it has landed */
  liveVideoSent(sizeBytes: number, nowMs: number): Landing {
    this.#pace.spend("live", sizeBytes, nowMs);
    return { wireBytes: sizeBytes, sentAtMs: nowMs, wasUsedUp: this.#pace.isUsedUp(nowMs) };
  }

  liveVideoLanded(landing: Landing, nowMs: number): void {
    this.#rate.landed(landing, nowMs);
  }

  handle(event: SenderEvent): readonly SenderCommand[] {
    this.#out = [];
    this.#nowMs = event.nowMs;
    if (event.socketBytes !== undefined) this.#pace.carried(event.socketBytes, event.nowMs);
    switch (event.type) {
      case "connected":
        this.#session = event.session;
        this.#liveFrom = undefined;
        this.#sayHello(event.nowMs);
        break;
      case "disconnected":
        this.#session = undefined;
        this.#pace.newSession();
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
        this.#land(this.#flight.landOnBroker(event.envelope), event.nowMs);
        break;
      case "ration":
        this.#pace.ration = event.ration;
        break;
      case "chunk-sent":
        this.#pace.spend("chunk", event.wireBytes, event.nowMs);
        this.#chunks.set(event.id, {
          sentAtMs: event.nowMs,
          wireBytes: event.wireBytes,
          wasUsedUp: this.#pace.isUsedUp(event.nowMs),
        });
        break;
      case "chunk-puback":
        this.#land(this.#chunks.get(event.id), event.nowMs);
        this.#chunks.delete(event.id);
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
    else if (due !== undefined) this.#publishHello(due, nowMs);
    this.#sendPassed(nowMs);
    const next = this.#turn.next(nowMs, this.#envelopes.packer.ratio);
    if (next !== undefined) this.#out.push(next);
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
    this.#envelopes.wentBefore(this.#flight.clear());
    this.#chunks.clear();
    this.#chunks.clear();
    this.#wanted.clear();
    this.#turn.pending = undefined;
    this.#isOverfull = false;
  }

  #publishHello(page: Hello, nowMs: number): void {
    this.#out.push({ type: "publish-hello", page });
    this.#pace.spend(undefined, encodeHello(page).length, nowMs);
  }

  #takeContent(runs: readonly RunSummary[], open: readonly string[]): void {
    const handshake = this.#handshake;
    if (this.#session === undefined || handshake === undefined || handshake.isGathered) return;
    handshake.gathered(this.#session, this.#run, runs, open);
    this.#wanted.list(runs);
    this.#envelopes.head = Math.max(this.#envelopes.head, this.#wanted.summary(this.#run)?.head ?? 0);
    this.#liveFrom ??= this.#envelopes.head + 1;
  }

  #takeMessage(message: ReceiptMessage, nowMs: number): void {
    if (this.#session === undefined || !this.#isOurBridge(message.bridge)) return;
    switch (message.type) {
      case "have":
        this.#takeHave(message, nowMs);
        return;
      case "say-hello":
        if (this.#handshake === undefined || this.#handshake.isAnswered) this.#sayHello(nowMs);
        else this.#handshake.isOutdated = true;
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
    this.#envelopes.version = version;
    this.#envelopes.packer.offer(have.dictionaries);
    if (have.epoch !== this.#epoch) {
      const isFirst = have.page === 0 && this.#wanted.isEmpty && this.#flight.flown.length === 0;
      this.#epoch = have.epoch;
      this.#out.push({ type: "epoch", epoch: have.epoch });
      if (!isFirst) {
        this.#sayHello(nowMs);
        return;
      }
    }
    handshake.answered(have);
    for (const entry of have.runs) this.#takeEntry(entry);
    if (handshake.isAnswered && handshake.isOutdated) this.#sayHello(nowMs);
    else if (handshake.isAnswered) {
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
      isCurrent ? this.#envelopes.head : undefined,
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
    if (this.#turn.pending?.run === entry.run) this.#turn.pending = undefined;
    if (!this.#wanted.set(run)) this.#isOverfull = true;
  }

  // ---- receipts ----

  #takeReceipt(receipt: Receipt, nowMs: number): void {
    const refused = rangesOfSeqs(receipt.refused.map(({ seq }) => seq));
    const all = union(rangesFrom(receipt.ranges), refused);
    const seqs = receipt.run === this.#run ? intersect(all, [[1, this.#envelopes.head]]) : all;
    if (seqs.length === 0) return;
    for (const flown of this.#flight.receipt(receipt.run, seqs, nowMs)) this.#land(flown, nowMs);
    this.#wanted.get(receipt.run)?.settle(seqs);
    this.#out.push({ type: "mark-receipted", run: receipt.run, ranges: seqs });
    for (const { seq, code } of receipt.refused) {
      this.#out.push({ type: "notice", notice: { code: "RECORD_REFUSED", run: receipt.run, seq, reason: code } });
    }
  }

  #takeUndecodable(sha256: string, nowMs: number): void {
    const flown = this.#flight.remove(sha256, nowMs);
    if (flown === undefined) return;
    this.#envelopes.packer.distrust();
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
      this.#out.push(this.#envelopes.sendAgain(oldest, nowMs));
      return;
    }
    this.#out.push({ type: "notice", notice: { code: "RECEIPTS_STOPPED", probes: this.#flight.probes - 1 } });
    this.#sayHello(nowMs);
  }

  #sendPassed(nowMs: number): void {
    if (this.#flight.isStalled) return;
    for (const { flown, dueAtMs } of this.#flight.passed) {
      if (nowMs >= dueAtMs) this.#out.push(this.#envelopes.sendAgain(flown, nowMs));
    }
  }

  // ---- rows ----

  #takeCommitted(rows: readonly StoredRecord[], nowMs: number): void {
    const mine = rows.filter(({ run }) => run === this.#run);
    for (const { seq } of mine) this.#envelopes.head = Math.max(this.#envelopes.head, seq);
    const wanted = this.#wanted.get(this.#run);
    if (wanted === undefined) return;
    const { pending } = this.#turn;
    // A new alarm goes at once, without a read, when no older one waits: its rows are in hand.
    const isFree = wanted.isDrained("alarm") && pending?.turn !== "alarm";
    const alarms = mine.filter(({ lane }) => lane === 0);
    wanted.add(mine.filter(({ seq }) => !this.#isFlown(seq)));
    if (pending?.run === this.#run) pending.isOutdated = true;
    if (!isFree || alarms.length === 0 || !this.#pace.hasRoom("alarm")) return;
    if (this.#pace.waitMs("alarm", nowMs, false) > 0) return;
    this.#out.push(this.#envelopes.send(wanted, "alarm", alarms, this.#pace.messageBytes("alarm"), nowMs));
  }

  #isFlown(seq: number): boolean {
    return this.#flight.flown.some(({ run, rows }) => run === this.#run && rows.some((row) => row.seq === seq));
  }

  #takeRows(read: number, rows: readonly StoredRecord[], nowMs: number): void {
    const { pending } = this.#turn;
    if (pending?.read !== read) return;
    this.#turn.pending = undefined;
    const wanted = this.#wanted.get(pending.run);
    if (wanted === undefined) return;
    const due = rows.filter(({ run, seq }) => run === pending.run && wanted.wants(seq));
    if (due.length > 0) {
      this.#out.push(this.#envelopes.send(wanted, pending.turn, due, pending.wireLimit, nowMs));
    } else if (rows.length === 0 && !pending.isOutdated) wanted.drain(pending.turn);
  }

  #land(landed: Landing | undefined, nowMs: number): void {
    if (landed !== undefined) this.#rate.landed(landed, nowMs);
  }

  // ---- order and state ----

  #isIdle(): boolean {
    return this.#flight.flown.length === 0 && this.#turn.pending === undefined && !this.#wanted.hasAny();
  }

  #wake(): void {
    const times = [
      this.#handshake?.wakeAtMs,
      this.#flight.silenceEndsAtMs,
      ...(this.#flight.isStalled ? [] : this.#flight.passed.map(({ dueAtMs }) => dueAtMs)),
      this.#turn.dueAtMs,
    ].filter((time) => time !== undefined);
    // Whole milliseconds, rounded up: a timer that fires a fraction too early would be set again without end.
    const next = this.#session === undefined || times.length === 0 ? undefined : Math.ceil(Math.min(...times));
    if (next === this.#wakeAtMs) return;
    this.#wakeAtMs = next;
    if (next !== undefined) this.#out.push({ type: "wake", atMs: next });
  }
}
