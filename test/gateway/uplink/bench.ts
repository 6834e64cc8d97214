import type { StoredRecord } from "../../../gateway/contracts/journal.ts";
import { Sender } from "../../../gateway/uplink/sender.ts";
import type { SenderCommand, SenderEvent, SenderOptions } from "../../../gateway/uplink/sender-types.ts";
import { decodeUp } from "../../../protocol/envelope.ts";
import { newAlarmId, newRunId } from "../../../protocol/new-ids.ts";
import { contains, rangesOfSeqs } from "../../../protocol/ranges.ts";
import type { Lane } from "../../../protocol/record.ts";
import { encodeRecord } from "../../../protocol/record-codec.ts";
import type { Have, ReceiptMessage } from "../../../protocol/session.ts";
import { alarmRecord, noiseRecord } from "../../protocol/examples.ts";

type EventOf<T extends SenderEvent["type"]> = Omit<Extract<SenderEvent, { type: T }>, "nowMs" | "type">;

/** A sender with a journal in memory, a virtual clock, and a log of what it published. */
export class SenderBench {
  readonly run = newRunId();
  readonly session = newRunId();
  readonly rows: StoredRecord[] = [];
  readonly published: { atMs: number; run: string; seqs: number[]; bytes: Uint8Array }[] = [];
  readonly pages: { atMs: number; page: number }[] = [];
  readonly others: SenderCommand[] = [];
  readonly sender: Sender;
  readonly runs: { run: string; first: number; head: number }[];
  nowMs = 0;
  wakeAtMs: number | undefined;
  readonly #commands: SenderCommand[] = [];

  constructor(options: Partial<SenderOptions> = {}, earlier: { run: string; first: number; head: number }[] = []) {
    this.sender = new Sender({ run: this.run, ...options });
    this.runs = [{ run: this.run, first: 1, head: 0 }, ...earlier];
  }

  send<T extends SenderEvent["type"]>(type: T, event: EventOf<T>): void {
    this.#run(this.sender.handle({ type, nowMs: this.nowMs, ...event } as unknown as SenderEvent));
  }

  connect(): void {
    this.send("connected", { session: this.session });
  }

  /** Time passes, with every wake that falls due. */
  pass(ms: number): void {
    const endMs = this.nowMs + ms;
    for (let turns = 0; this.wakeAtMs !== undefined && this.wakeAtMs <= endMs; turns += 1) {
      if (turns > 10_000) throw new Error("the sender never sleeps");
      this.nowMs = Math.max(this.nowMs, this.wakeAtMs);
      this.wakeAtMs = undefined;
      this.send("tick", {});
    }
    this.nowMs = endMs;
  }

  have(runs: Have["runs"], change: Partial<Have> = {}): void {
    this.message({
      v: 1,
      type: "have",
      bridge: "b",
      epoch: "e",
      session: this.session,
      page: 0,
      last: true,
      versions: [1],
      nowMs: 0,
      runs,
      ...change,
    });
  }

  receipt(seqs: number[], change: { run?: string; epoch?: string; bridge?: string } = {}): void {
    const ranges = [...rangesOfSeqs(seqs)];
    this.message({ v: 1, type: "receipt", bridge: "b", epoch: "e", run: this.run, ranges, refused: [], ...change });
  }

  message(message: ReceiptMessage): void {
    this.send("message", { message });
  }

  commit(count: number, lane: Lane = 2, run = this.run): number[] {
    const summary = this.runs.find((found) => found.run === run);
    if (summary === undefined) throw new Error("no such run");
    const rows = Array.from({ length: count }, () => {
      summary.head += 1;
      const record = lane === 0 ? alarmRecord(newAlarmId(0)) : noiseRecord(summary.head);
      const seq = summary.head;
      return { run, seq, lane, upMs: 0, bytes: encodeRecord(seq, record) };
    });
    this.rows.push(...rows);
    if (run === this.run) this.send("committed", { rows });
    return rows.map(({ seq }) => seq);
  }

  /** The journal has moved these to another lane, as it does with older health. The sender is not told. */
  move(seqs: readonly number[], lane: Lane, run = this.run): void {
    for (const [at, row] of this.rows.entries()) {
      if (row.run === run && seqs.includes(row.seq)) this.rows[at] = { ...row, lane };
    }
  }

  get seqs(): number[][] {
    return this.published.map(({ seqs }) => seqs);
  }

  /** In the order in which they were given, also those that an answer on the way brings. */
  #run(commands: readonly SenderCommand[]): void {
    this.#commands.push(...commands);
    if (this.#commands.length > commands.length) return;
    for (let command = this.#commands[0]; command !== undefined; command = this.#commands[0]) {
      this.#obey(command);
      this.#commands.shift();
    }
  }

  #obey(command: SenderCommand): void {
    switch (command.type) {
      case "gather-hello":
        this.send("hello-content", { runs: this.runs.map((run) => ({ ...run })), open: [] });
        break;
      case "publish-hello":
        this.pages.push({ atMs: this.nowMs, page: command.page.page });
        break;
      case "read": {
        const found = this.rows.filter(
          ({ run, seq, lane }) => run === command.run && contains(command.ranges, seq) && command.lanes.includes(lane),
        );
        let bytes = 0;
        const fitting = found.slice(0, command.maxRecords).filter((row, i) => {
          bytes += row.bytes.length;
          return i === 0 || bytes <= command.maxBytes;
        });
        this.send("rows", { read: command.read, rows: fitting });
        break;
      }
      case "publish": {
        const message = decodeUp(command.bytes);
        if (message.type !== "envelope") throw new Error(message.type);
        const seqs = message.items.map(({ bytes }) => Number(/"seq":(\d+)/.exec(Buffer.from(bytes).toString())?.[1]));
        this.published.push({ atMs: this.nowMs, run: command.run, seqs, bytes: command.bytes });
        break;
      }
      case "wake":
        this.wakeAtMs = command.atMs;
        break;
      default:
        this.others.push(command);
    }
  }
}
