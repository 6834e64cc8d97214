import { declarations } from "../../gateway/uplink/lacking.ts";
import { Sender } from "../../gateway/uplink/sender.ts";
import type { SenderCommand, SenderEvent } from "../../gateway/uplink/sender-types.ts";
import type { AlarmBody } from "../../protocol/alarm.ts";
import { sha256Of } from "../../protocol/envelope.ts";
import { encodeHello } from "../../protocol/hello.ts";
import { SAME_ALARM_MS } from "../../protocol/limits.ts";
import { contains, type Ranges, rangesOfSeqs } from "../../protocol/ranges.ts";
import type { NewRecord } from "../../protocol/record.ts";
import type { Hello, ReceiptMessage } from "../../protocol/session.ts";
import type { CardRun } from "./card.ts";
import { Card, type CardRow } from "./card.ts";
import type { Chance } from "./chance.ts";

/** How the node could be built wrongly: the model must see each. */
export type NodeMutation =
  | "receipt-on-puback"
  | "run-id-reused"
  | "run-id-from-card"
  | "tail-lost"
  | "receipts-of-any-epoch"
  | "forgets-unheard"
  | "hello-in-newest-version";

export interface NodeWorld {
  readonly chance: Chance;
  nowMs(): number;
  after(delayMs: number, act: () => void): void;
  /** Towards the bridge, over the faulty link. */
  up(bytes: Uint8Array): void;
  /** The broker's word that it has a packet. */
  puback(act: () => void): void;
  state(session: string, isOnline: boolean): void;
  /** The node marks these as receipted. */
  marked(run: string, ranges: Ranges, epoch: string | undefined): void;
}

const RULES = ["night", "day", "other"];

/** One start of the gateway on the card that lies in it. */
interface Process {
  readonly run: CardRun;
  readonly sender: Sender;
  readonly startedMs: number;
  /** A program that is still to come: it writes version 2 beside that of this bridge. */
  readonly isLater: boolean;
  session: string | undefined;
  wakeAtMs: number | undefined;
  /** The bridge has named rows as stored to this very process: what is marked was marked under an epoch that stands. */
  isHeard: boolean;
}

/** The node: a card, and a process that can die at any moment. Drives the very sender that the gateway runs. */
export class ModelNode {
  readonly #world: NodeWorld;
  readonly #mutation: NodeMutation | undefined;
  readonly cards: Card[] = [new Card(), new Card()];
  card: Card;
  process: Process | undefined;
  mostInFlight = 0;
  mostWanted = 0;

  constructor(world: NodeWorld, mutation: NodeMutation | undefined) {
    this.#world = world;
    this.#mutation = mutation;
    this.card = this.cards[0] ?? new Card();
  }

  boot(): void {
    if (this.process !== undefined) return;
    const { chance } = this.#world;
    const last = this.card.runs.at(-1);
    const isReused = this.#mutation === "run-id-reused" && last !== undefined;
    const isDerived = this.#mutation === "run-id-from-card" && last !== undefined;
    const id = isDerived ? derivedRun(last.run) : chance.id();
    const run = isReused ? last : this.card.begin(id);
    if (isReused) run.head = 0;
    const { bridge, epoch } = this.card;
    const sender = new Sender({
      run: run.run,
      // Packing takes processor time: some lives do, with a dictionary where the bridge has it.
      compress: chance.below(4) === 0,
      rateBytesPerS: 20_000,
      ...(bridge === undefined ? {} : { bridge }),
      ...(epoch === undefined ? {} : { epoch }),
    });
    this.process = {
      run,
      sender,
      startedMs: this.#world.nowMs(),
      isLater: chance.below(4) === 0,
      session: undefined,
      wakeAtMs: undefined,
      isHeard: false,
    };
    if (this.#mutation === "forgets-unheard") this.card.retain(run);
    this.commit([
      this.#record({
        kind: "start",
        body: { reason: "unclean", version: "1", configSha256: "0".repeat(64), devices: [] },
      }),
    ]);
    this.#beat(this.process);
  }

  /** As the gateway does every minute: also what lets an idle node hear of another epoch. */
  #beat(process: Process): void {
    this.#later(process, 60_000, () => {
      this.commit([
        this.#record({
          kind: "health",
          body: {
            rssBytes: 0,
            cpuPct: 0,
            journalBytes: 0,
            unsentRecords: 0,
            laneDepth: [0, 0, 0, 0, 0],
            missedPolls: 0,
            eventLoopDelayP99Ms: 0,
            devices: {},
          },
        }),
      ]);
      this.#beat(process);
    });
  }

  crash(): void {
    const { process } = this;
    if (process === undefined) return;
    if (process.session !== undefined) this.#world.state(process.session, false);
    this.process = undefined;
    if (this.#mutation !== "tail-lost") return;
    for (const row of [...process.run.rows.values()].slice(-2)) process.run.rows.delete(row.seq);
    process.run.head = Math.max(0, ...process.run.rows.keys());
  }

  swap(index: number): void {
    const card = this.cards[index];
    if (card === undefined || card === this.card) return;
    this.crash();
    this.card = card;
    this.boot();
  }

  /** A month goes by, also for a card that lies in a drawer. */
  growOld(): void {
    for (const card of this.cards) card.growOld();
    if (this.process?.isHeard === true) this.card.retain(this.process.run);
  }

  /** Somebody copies the card that lies in the box, for a second box. */
  cloneCard(): void {
    if (this.cards.length < 3) this.cards.push(this.card.clone());
  }

  connect(): void {
    const { process } = this;
    if (process === undefined || process.session !== undefined) return;
    process.session = this.#world.chance.id();
    this.#world.state(process.session, true);
    this.#tell({ type: "connected", session: process.session });
  }

  disconnect(): void {
    const { process } = this;
    if (process?.session === undefined) return;
    this.#world.state(process.session, false);
    process.session = undefined;
    this.#tell({ type: "disconnected" });
  }

  message(message: ReceiptMessage): void {
    if (this.process?.session === undefined) return;
    if (this.#mutation === "receipts-of-any-epoch" && message.type === "receipt" && this.card.epoch !== undefined) {
      this.#tell({ type: "message", message: { ...message, epoch: this.card.epoch } });
    } else this.#tell({ type: "message", message });
  }

  get isIdle(): boolean {
    const facts = this.process?.sender.facts;
    return facts?.isAnswered === true && facts.isIdle;
  }

  // ---- what happens on site ----

  record(count: number): void {
    this.commit(
      Array.from({ length: count }, () =>
        this.#record({ kind: "message", device: "radio", body: { type: "text", text: "all quiet" } }),
      ),
    );
  }

  spoil(isUrgent: boolean): void {
    if (this.process === undefined) return;
    const type = isUrgent ? "emergency" : "text";
    const rows = this.card.append(
      this.process.run,
      [this.#record({ kind: "message", device: "radio", body: { type } })],
      true,
    );
    this.#tell({ type: "committed", rows });
  }

  raise(key: number): void {
    const rule = RULES[key % RULES.length] ?? "night";
    const { card } = this;
    if ([...card.openAlarms.values()].some((open) => open.rule === rule) || this.process === undefined) return;
    const nowMs = this.#world.nowMs();
    const recent = card.recentAlarms.get(rule);
    const isSame = recent !== undefined && nowMs - recent.stateAtMs <= SAME_ALARM_MS;
    this.#commitAlarm({
      alarmId: isSame ? recent.alarmId : this.#world.chance.alarmId(),
      rev: isSame ? recent.rev + 1 : 1,
      phase: "raised",
      family: "noise",
      nature: "condition",
      rule,
      ruleKind: "trigger",
      raisedAtMs: nowMs,
      stateAtMs: nowMs,
      limits: {},
      windows: [],
      evidence: [],
    });
  }

  revise(phase: "updated" | "cleared"): void {
    const open = this.#world.chance.pick([...this.card.openAlarms.values()]);
    if (open === undefined || this.process === undefined) return;
    this.#commitAlarm({ ...open, rev: open.rev + 1, phase, stateAtMs: this.#world.nowMs() });
  }

  giveUp(count: number): void {
    if (this.process === undefined) return;
    const given = this.card.givable(count);
    for (const [run, rows] of Map.groupBy(given, (row) => row.run)) {
      for (const { seq } of rows) this.card.runs.find((known) => known.run === run)?.rows.delete(seq);
      const ranges = [...rangesOfSeqs(rows.map(({ seq }) => seq))];
      this.commit([this.#record({ kind: "shed", body: { run, ranges, reason: "quota" } })]);
    }
  }

  #commitAlarm(body: AlarmBody): void {
    if (body.phase === "cleared") {
      this.card.openAlarms.delete(body.alarmId);
      this.card.recentAlarms.set(body.rule, body);
    } else this.card.openAlarms.set(body.alarmId, body);
    this.commit([this.#record({ kind: "alarm", device: "noise-01", body })]);
  }

  commit(records: readonly NewRecord[]): readonly CardRow[] {
    if (this.process === undefined) return [];
    const rows = this.card.append(this.process.run, records);
    this.#tell({ type: "committed", rows });
    return rows;
  }

  #record(record: DistributiveOmit<NewRecord, "upMs" | "atMs" | "timeQuality">): NewRecord {
    return { upMs: this.#upMs(), atMs: this.#world.nowMs(), timeQuality: "ntp", ...record } as NewRecord;
  }

  #upMs(): number {
    return this.#world.nowMs() - (this.process?.startedMs ?? 0);
  }

  // ---- the shell around the sender ----

  #tell(event: DistributiveOmit<SenderEvent, "nowMs">): void {
    const { process } = this;
    if (process === undefined) return;
    const commands = process.sender.handle({ nowMs: this.#upMs(), ...event } as SenderEvent);
    const { recordsInFlight, wantedRanges } = process.sender.facts;
    this.mostInFlight = Math.max(this.mostInFlight, recordsInFlight);
    this.mostWanted = Math.max(this.mostWanted, wantedRanges);
    for (const command of commands) this.#obey(process, command);
  }

  /** Answers come later, unless the process has died. */
  #later(process: Process, delayMs: number, act: () => void): void {
    this.#world.after(delayMs, () => {
      if (this.process === process) act();
    });
  }

  #ofLater(page: Hello): Hello {
    return { ...page, versions: [2, ...page.versions], v: this.#mutation === "hello-in-newest-version" ? 2 : page.v };
  }

  #obey(process: Process, command: SenderCommand): void {
    const { chance } = this.#world;
    switch (command.type) {
      case "gather-hello":
        this.#later(process, chance.below(5), () => {
          const runs = this.card.runs.map(({ run, head }) => ({ run, first: 1, head })).reverse();
          this.#tell({ type: "hello-content", runs, open: [...this.card.openAlarms.keys()] });
        });
        break;
      case "publish-hello":
        this.#world.up(encodeHello(process.isLater ? this.#ofLater(command.page) : command.page));
        break;
      case "read":
        this.#later(process, chance.below(3), () => {
          const rows = [...(this.card.runs.find(({ run }) => run === command.run)?.rows.values() ?? [])]
            .filter(({ seq, lane }) => contains(command.ranges, seq) && command.lanes.includes(lane))
            .slice(0, Math.min(command.maxRecords, Math.max(1, Math.floor(command.maxBytes / 250))));
          this.#tell({ type: "rows", read: command.read, rows });
        });
        break;
      case "publish":
        this.#world.up(command.bytes);
        this.#world.puback(() => {
          if (this.process !== process) return;
          this.#tell({ type: "puback", envelope: command.envelope });
          if (this.#mutation !== "receipt-on-puback") return;
          const { bridge, epoch } = this.card;
          const ranges = command.seqs.map(([from, to]): [number, number] => [from, to]);
          if (bridge === undefined || epoch === undefined) return;
          this.message({ v: 1, type: "receipt", bridge, epoch, run: command.run, ranges, refused: [] });
        });
        break;
      case "mark-receipted":
        this.card.mark(command.run, command.ranges);
        process.isHeard = true;
        this.#later(process, 1_000, () => this.card.retain(process.run));
        this.#world.marked(command.run, command.ranges, this.card.epoch);
        break;
      case "declare-lacking": {
        const lacking = this.card.lacking(command.run, command.ranges);
        const sheds = declarations(command.run, lacking, this.card.unreceiptedSheds());
        this.commit(sheds.map((body) => this.#record({ kind: "shed", body })));
        break;
      }
      case "declare-undecodable": {
        const { run, seq } = command.record;
        this.commit([
          this.#record({
            kind: "shed",
            body: { run, ranges: [[seq, seq]], reason: "undecodable", sha256: command.sha256 },
          }),
        ]);
        break;
      }
      case "pin-bridge":
        this.card.bridge = command.bridge;
        break;
      case "epoch":
        this.card.beginCustody(command.epoch);
        break;
      case "wake": {
        const atMs = process.startedMs + command.atMs;
        process.wakeAtMs = atMs;
        this.#later(process, Math.max(0, atMs - this.#world.nowMs()), () => {
          if (process.wakeAtMs === atMs) this.#tell({ type: "tick" });
        });
        break;
      }
      case "notice":
        break;
    }
  }
}

/** What a box must never do: find the name of its next run on the card. */
function derivedRun(last: string): string {
  return Buffer.from(sha256Of(Buffer.from(last)), "hex")
    .toString("base64url")
    .slice(0, 22);
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
