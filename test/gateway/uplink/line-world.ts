import type { StoredRecord } from "../../../gateway/contracts/journal.ts";
import { Sender } from "../../../gateway/uplink/sender.ts";
import type { SenderCommand, SenderEvent } from "../../../gateway/uplink/sender-types.ts";
import { decodeUp } from "../../../protocol/envelope.ts";
import { encodeHello, encodeReceiptMessage, haveEntry } from "../../../protocol/hello.ts";
import { newAlarmId, newRunId } from "../../../protocol/new-ids.ts";
import { addRange, NO_RANGES, type Ranges, rangesOfSeqs, subtract } from "../../../protocol/ranges.ts";
import type { Lane, NewRecord } from "../../../protocol/record.ts";
import { encodeRecord } from "../../../protocol/record-codec.ts";
import type { ReceiptMessage } from "../../../protocol/session.ts";
import { Chance } from "../../model/chance.ts";
import { alarmRecord, noiseRecord } from "../../protocol/examples.ts";

/** `line`: nothing passes, and the connection breaks if that lasts. `bridge`: it takes everything and answers afterwards. */
export interface Pause {
  readonly who: "line" | "bridge";
  readonly fromMs: number;
  readonly lengthMs: number;
}

export interface LineOptions {
  readonly seed: number;
  readonly rateBytesPerS: number;
  readonly roundTripMs: number;
  /** Of packets of 1400 bytes; TCP repeats them, and what is behind waits. */
  readonly lossShare: number;
  readonly pauses: readonly Pause[];
  readonly configuredBytesPerS?: number;
  /** The line's rate from some time on. */
  readonly later?: { readonly fromMs: number; readonly rateBytesPerS: number };
}

const PACKET_BYTES = 1400;
const OVERHEAD_BYTES = 50;
const PUBACK_BYTES = 30;
const NOTICED_AFTER_MS = 22_000;
const RECONNECT_MS = 3_000;
const COMMIT_MS = 8;

type Told = SenderEvent extends infer E ? (E extends SenderEvent ? Omit<E, "nowMs" | "socketBytes"> : never) : never;

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly act: () => void;
}

/** One direction of a TCP connection over a bad line, in virtual time: in order, paced, late where a packet was lost. */
class Way {
  freeAtMs = 0;
  arrivedAtMs = 0;
  bytes = 0;
}

/** A sender, a line and a bridge in virtual time, without faults other than the line's: what is left is pressure. */
export class LineWorld {
  readonly run = newRunId();
  readonly #options: LineOptions;
  readonly #chance: Chance;
  readonly #sender: Sender;
  readonly #rows: StoredRecord[] = [];
  readonly #committedAtMs: number[] = [];
  readonly stored = new Map<number, number>();
  readonly alarmSeqs: number[] = [];
  repeats = 0;
  hellos = 0;
  nowMs = 0;
  #up = new Way();
  #down = new Way();
  #commitFreeMs = 0;
  #session = 0;
  #isConnected = false;
  #socketBytes = 0;
  #queue: Event[] = [];
  #order = 0;
  #wake = 0;

  constructor(options: LineOptions) {
    this.#options = options;
    this.#chance = new Chance(options.seed);
    const { configuredBytesPerS } = options;
    this.#sender = new Sender({
      run: this.run,
      ...(configuredBytesPerS === undefined ? {} : { rateBytesPerS: configuredBytesPerS }),
    });
    for (const pause of options.pauses) {
      if (pause.who === "line" && pause.lengthMs > NOTICED_AFTER_MS) {
        this.at(pause.fromMs + NOTICED_AFTER_MS, () => this.#disconnect());
        this.at(pause.fromMs + pause.lengthMs + RECONNECT_MS, () => this.connect());
      }
    }
  }

  get facts() {
    return this.#sender.facts;
  }

  get upBytes(): number {
    return this.#up.bytes;
  }

  get isDone(): boolean {
    return this.stored.size === this.#rows.length && this.#sender.facts.isIdle;
  }

  /** From the commit on the node to the commit at the bridge. */
  latencyMs(seq: number): number {
    return (this.stored.get(seq) ?? Number.POSITIVE_INFINITY) - (this.#committedAtMs[seq - 1] ?? 0);
  }

  commit(count: number, lane: Lane = 2): void {
    const rows = Array.from({ length: count }, () => {
      const seq = this.#rows.length + 1;
      const bytes = encodeRecord(seq, lane === 0 ? alarmRecord(newAlarmId(0)) : this.#minute(seq));
      const row = { run: this.run, seq, lane, upMs: this.nowMs, bytes };
      this.#rows.push(row);
      this.#committedAtMs.push(this.nowMs);
      if (lane === 0) this.alarmSeqs.push(seq);
      return row;
    });
    this.#tell({ type: "committed", rows });
  }

  connect(): void {
    this.#isConnected = true;
    this.#session += 1;
    this.#socketBytes = 0;
    this.#tell({ type: "connected", session: this.#sessionId });
  }

  at(atMs: number, act: () => void): void {
    this.#order += 1;
    const event = { atMs, order: this.#order, act };
    let low = 0;
    let high = this.#queue.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#queue[middle]?.atMs ?? 0) > atMs) low = middle + 1;
      else high = middle;
    }
    this.#queue.splice(low, 0, event);
  }

  /** @returns whether `until` came true by then */
  pass(untilMs: number, until: () => boolean = () => false): boolean {
    for (let next = this.#queue.at(-1); next !== undefined && next.atMs <= untilMs; next = this.#queue.at(-1)) {
      this.#queue.pop();
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.act();
      if (until()) return true;
    }
    this.nowMs = untilMs;
    return until();
  }

  /** Levels as random as those of a street: they do not pack well. */
  #minute(seq: number): NewRecord {
    const record = noiseRecord(seq);
    if (record.kind !== "noise") return record;
    const levels = Buffer.from(Array.from({ length: 60 }, () => this.#chance.below(40))).toString("base64");
    return { ...record, body: { ...record.body, series: { ...record.body.series, levels } } };
  }

  get #sessionId(): string {
    return String(this.#session).padStart(22, "s");
  }

  #disconnect(): void {
    if (!this.#isConnected) return;
    this.#isConnected = false;
    this.#session += 1;
    this.#up = Object.assign(new Way(), { bytes: this.#up.bytes });
    this.#down = new Way();
    this.#tell({ type: "disconnected" });
  }

  #tell(event: Told): void {
    const whole = { nowMs: this.nowMs, socketBytes: this.#socketBytes, ...event } as SenderEvent;
    for (const command of this.#sender.handle(whole)) this.#obey(command);
  }

  #obey(command: SenderCommand): void {
    const session = this.#session;
    switch (command.type) {
      case "gather-hello": {
        const runs = [{ run: this.run, first: 1, head: this.#rows.length }];
        this.at(this.nowMs + 1, () => this.#tell({ type: "hello-content", runs, open: [] }));
        break;
      }
      case "publish-hello":
        this.hellos += 1;
        this.#send(this.#up, encodeHello(command.page).length, () => this.#answerHello(command.page.session));
        break;
      case "read": {
        const rows = this.#read(command.ranges, command.lanes, command.maxRecords, command.maxBytes);
        this.at(this.nowMs + 2, () => this.#tell({ type: "rows", read: command.read, rows }));
        break;
      }
      case "publish":
        this.#send(this.#up, command.bytes.length, () => {
          this.#send(this.#down, PUBACK_BYTES, () => {
            if (session === this.#session) this.#tell({ type: "puback", envelope: command.envelope });
          });
          this.#store(command.bytes);
        });
        break;
      case "wake":
        this.#wake += 1;
        {
          const wake = this.#wake;
          this.at(Math.max(this.nowMs, command.atMs), () => wake === this.#wake && this.#tell({ type: "tick" }));
        }
        break;
      default:
    }
  }

  #read(ranges: Ranges, lanes: readonly Lane[], maxRecords: number, maxBytes: number): readonly StoredRecord[] {
    const found: StoredRecord[] = [];
    let bytes = 0;
    for (const [from, to] of ranges) {
      for (let seq = from; seq <= Math.min(to, this.#rows.length); seq += 1) {
        const row = this.#rows[seq - 1];
        if (row === undefined || !lanes.includes(row.lane)) continue;
        bytes += row.bytes.length;
        if (found.length >= maxRecords || (found.length > 0 && bytes > maxBytes)) return found;
        found.push(row);
      }
    }
    return found;
  }

  #send(way: Way, sizeBytes: number, arrive: () => void): void {
    const bytes = sizeBytes + OVERHEAD_BYTES;
    if (way === this.#up) this.#socketBytes += bytes;
    way.bytes += bytes;
    const { roundTripMs, lossShare, later } = this.#options;
    const rate = later !== undefined && this.nowMs >= later.fromMs ? later.rateBytesPerS : this.#options.rateBytesPerS;
    way.freeAtMs = Math.max(this.nowMs, way.freeAtMs) + (bytes * 1000) / rate;
    // What is lost together is repeated together.
    let rounds = 0;
    for (let packet = 0; packet < bytes; packet += PACKET_BYTES) {
      let sends = 0;
      while (this.#chance.is(lossShare)) sends += 1;
      rounds = Math.max(rounds, sends);
    }
    const lateMs = rounds * (roundTripMs + 200);
    let arrivesAtMs = Math.max(way.arrivedAtMs, way.freeAtMs + roundTripMs / 2 + lateMs);
    for (const { who, fromMs, lengthMs } of this.#options.pauses) {
      if (who === "line" && arrivesAtMs >= fromMs && arrivesAtMs < fromMs + lengthMs) {
        arrivesAtMs = fromMs + lengthMs + roundTripMs;
      }
    }
    way.arrivedAtMs = arrivesAtMs;
    const session = this.#session;
    this.at(arrivesAtMs, () => {
      if (session === this.#session) arrive();
    });
  }

  #commitAtMs(): number {
    let atMs = Math.max(this.nowMs, this.#commitFreeMs) + COMMIT_MS;
    for (const { who, fromMs, lengthMs } of this.#options.pauses) {
      if (who === "bridge" && atMs >= fromMs && atMs < fromMs + lengthMs) atMs = fromMs + lengthMs;
    }
    this.#commitFreeMs = atMs;
    return atMs;
  }

  #answerHello(session: string): void {
    this.at(this.#commitAtMs(), () => {
      const head = this.#rows.length;
      const stored = rangesOfSeqs([...this.stored.keys()]);
      const missing = head === 0 ? NO_RANGES : subtract(addRange(NO_RANGES, 1, head), stored);
      const runs = [haveEntry(this.run, head, missing, [], 5000)];
      const stamp = { v: 1, type: "have" as const, bridge: "b", epoch: "e", page: 0, last: true, versions: [1] };
      this.#answer({ ...stamp, session, nowMs: 0, runs });
    });
  }

  #store(bytes: Uint8Array): void {
    const message = decodeUp(bytes);
    if (message.type !== "envelope") throw new Error(message.type);
    const seqs = message.items.map(({ bytes }) => Number(/"seq":(\d+)/.exec(Buffer.from(bytes).toString())?.[1]));
    this.at(this.#commitAtMs(), () => {
      for (const seq of seqs) {
        if (this.stored.has(seq)) this.repeats += 1;
        else this.stored.set(seq, this.nowMs);
      }
      const ranges = [...rangesOfSeqs(seqs)];
      this.#answer({ v: 1, type: "receipt", bridge: "b", epoch: "e", run: this.run, ranges, refused: [] });
    });
  }

  #answer(message: ReceiptMessage): void {
    if (!this.#isConnected) return;
    const session = this.#session;
    this.#send(this.#down, encodeReceiptMessage(message).length, () => {
      if (session === this.#session) this.#tell({ type: "message", message });
    });
  }
}
