import { ageMs } from "../../cloud-bridge/alarms/lateness.ts";
import { isAlarmOpen, reduceRevision, settle } from "../../cloud-bridge/alarms/reduce.ts";
import { groupAlarm } from "../../cloud-bridge/cases/grouping.ts";
import { type ReadMessage, runsTouched } from "../../cloud-bridge/ingest/batch.ts";
import {
  currentHello,
  isBeyondHello,
  isComplete,
  mustSayHello,
  takePage,
} from "../../cloud-bridge/ingest/hello-state.ts";
import { refusalsOf, takeEnvelope } from "../../cloud-bridge/ingest/take-envelope.ts";
import { EMPTY_LEDGER_RUN, haveOf, isAccounted, withHead, withSheds } from "../../cloud-bridge/store/ledger.ts";
import { MAX_RANGES_PER_PAGE } from "../../protocol/hello.ts";
import type { DecodedRecord } from "../../protocol/record-codec.ts";
import type { Hello, ReceiptMessage } from "../../protocol/session.ts";
import type { Chance } from "./chance.ts";
import type { Database, ModelCase } from "./database.ts";
import { newWorker, readBy, type Worker } from "./worker.ts";

/** How the bridge could be built wrongly: the model must see each. */
export type BridgeMutation =
  | "no-unique-key"
  | "receipt-before-commit"
  | "writer-without-lock"
  | "declared-is-a-repeat"
  | "hello-in-newest-version";

export interface BridgeWorld {
  readonly chance: Chance;
  nowMs(): number;
  after(delayMs: number, act: () => void): void;
  down(message: ReceiptMessage): void;
  /** Something that must never be. */
  wrong(sentence: string): void;
}

const NODE = "site-1";
const SITE = { siteId: "site-1", position: { latitudeDeg: 39.9, longitudeDeg: 116.4 } };

/** Two workers and an elected writer over one database, built on the very decisions that the running bridge makes. */
export class ModelBridge {
  readonly #world: BridgeWorld;
  readonly #mutation: BridgeMutation | undefined;
  readonly #workers: readonly Worker[];
  #writers = 0;
  #backup: Database | undefined;
  database: Database;
  isStoreBroken = false;
  mostBuffered = 0;

  constructor(world: BridgeWorld, mutation: BridgeMutation | undefined) {
    this.#world = world;
    this.#mutation = mutation;
    this.#workers = [newWorker(world.chance), newWorker(world.chance)];
    this.database = {
      bridge: world.chance.id(),
      epoch: "",
      lock: 0,
      session: undefined,
      isOnline: false,
      hellos: [],
      isSettled: false,
      ledger: new Map(),
      listed: new Set(),
      inbox: new Map(),
      quarantine: new Map(),
      alarms: new Map(),
      followUps: [],
      cases: [],
    };
    this.elect();
  }

  // ---- faults ----

  /** Another process becomes the writer; the old one may be stalled in the middle of an act. */
  elect(): void {
    this.#writers += 1;
    this.database.lock = this.#writers;
    this.database.epoch = this.#world.chance.id();
    this.#wakeWriter();
  }

  crashWorker(index: number): void {
    const worker = this.#workers[index % 2];
    if (worker === undefined) return;
    worker.generation += 1;
    worker.buffer = [];
    worker.isScheduled = false;
  }

  backUp(): void {
    this.#backup = structuredClone(this.database);
  }

  /** A backup that is older than what nodes keep must not be restored. */
  forgetBackup(): void {
    this.#backup = undefined;
  }

  /** The database as it was; the presence that the broker retains is told again. */
  restore(): void {
    if (this.#backup === undefined) return;
    const { session, isOnline } = this.database;
    this.database = { ...structuredClone(this.#backup), session, isOnline };
    this.elect();
  }

  // ---- workers ----

  state(session: string, isOnline: boolean): void {
    const { database } = this;
    if (!isOnline && database.session !== session) return;
    database.session = session;
    database.isOnline = isOnline;
    database.isSettled = false;
    this.#list(database);
    this.#settle(database);
  }

  receive(bytes: Uint8Array): void {
    const worker = this.#world.chance.pick(this.#workers);
    if (worker === undefined) return;
    worker.buffer.push(bytes);
    this.mostBuffered = Math.max(this.mostBuffered, worker.buffer.length);
    if (worker.isScheduled) return;
    worker.isScheduled = true;
    const { generation } = worker;
    this.#world.after(1 + this.#world.chance.below(20), () => {
      if (worker.generation !== generation) return;
      worker.isScheduled = false;
      const batch = worker.buffer;
      worker.buffer = [];
      const answers = this.#commit(
        batch.map((message) => readBy(worker, NODE, message)),
        worker,
      );
      this.#world.after(this.#world.chance.below(10), () => {
        if (worker.generation !== generation) return;
        for (const answer of answers) this.#world.down(answer);
      });
    });
  }

  /** One transaction: it either happens whole or not at all. */
  #commit(messages: readonly ReadMessage[], worker: Worker): readonly ReceiptMessage[] {
    if (!this.isStoreBroken) return this.#write(this.database, messages, worker);
    const isEarly = this.#mutation === "receipt-before-commit";
    return isEarly ? this.#write(structuredClone(this.database), messages, worker) : [];
  }

  #write(database: Database, messages: readonly ReadMessage[], worker: Worker): readonly ReceiptMessage[] {
    for (const { run } of runsTouched(messages)) {
      if (!database.ledger.has(run)) database.ledger.set(run, EMPTY_LEDGER_RUN);
    }
    const answers: ReceiptMessage[] = [];
    let hasAlarms = false;
    for (const message of messages) {
      // What a bridge does that looks at the version of a page before its list of versions.
      const isUnread = this.#mutation === "hello-in-newest-version" && message.type === "hello" && message.hello.v > 1;
      if (isUnread) answers.push({ ...this.#head(database), type: "say-hello" });
      else if (message.type === "hello") answers.push(...this.#takeHello(database, message.hello, worker));
      else if (message.type === "fault") {
        if (message.fault.code !== "HELLO_INVALID") {
          answers.push({ ...this.#head(database), type: "undecodable", sha256: message.fault.sha256 });
        }
      } else if (this.#takeEnvelope(database, message, answers)) hasAlarms = true;
    }
    if (hasAlarms) database.isSettled = false;
    this.#settle(database);
    this.#wakeWriter();
    return answers;
  }

  #head(database: Database) {
    return { v: 1, bridge: database.bridge, epoch: database.epoch };
  }

  #takeHello(database: Database, hello: Hello, { dictionaries }: Worker): readonly ReceiptMessage[] {
    const before = database.hellos.find(({ state }) => state.session === hello.session);
    const state = takePage(before?.state, hello);
    database.hellos = [...database.hellos.filter((row) => row !== before), { state }].slice(-3);
    database.isSettled = false;
    const standing = currentHello(database.hellos, database.session)?.state;
    let isBeyond = false;
    const runs = hello.runs.map(({ run, head }) => {
      const before = database.ledger.get(run) ?? EMPTY_LEDGER_RUN;
      const ledger = withHead(before, head);
      const heads = { before: before.head, after: ledger.head };
      if (standing !== state && isBeyondHello(standing, run, heads)) isBeyond = true;
      database.ledger.set(run, ledger);
      return haveOf(run, ledger, head, MAX_RANGES_PER_PAGE);
    });
    this.#list(database);
    const { session, page, last } = hello;
    const have = {
      ...this.#head(database),
      type: "have" as const,
      session,
      page,
      last,
      versions: [1],
      ...dictionaries,
      nowMs: 0,
      runs,
    };
    return isBeyond ? [have, { ...this.#head(database), type: "say-hello" }] : [have];
  }

  #list(database: Database): void {
    const hello = currentHello(database.hellos, database.session)?.state;
    if (hello !== undefined && isComplete(hello)) database.listed = new Set(hello.heads.keys());
  }

  #takeEnvelope(
    database: Database,
    message: Extract<ReadMessage, { type: "envelope" }>,
    answers: ReceiptMessage[],
  ): boolean {
    const { header, items } = message;
    const { run } = header;
    const before = database.ledger.get(run) ?? EMPTY_LEDGER_RUN;
    const hashes = new Map<number, string>();
    for (const { decoded } of items) {
      const seq = decoded.ok ? decoded.record.seq : decoded.seq;
      const key = `${run} ${seq}`;
      const known = database.inbox.get(key) ?? database.quarantine.get(key);
      if (seq !== undefined && known !== undefined) hashes.set(seq, known);
    }
    const isDeclaredARepeat = this.#mutation === "declared-is-a-repeat";
    const taken = takeEnvelope(
      isDeclaredARepeat ? { ...before, stored: [...before.stored, ...before.declared] } : before,
      header,
      items,
      hashes,
    );
    database.ledger.set(run, taken.ledger);
    for (const { decoded, sha256 } of taken.accepted) database.inbox.set(`${run} ${decoded.record.seq}`, sha256);
    for (const { seq, sha256 } of taken.refused) database.quarantine.set(`${run} ${seq}`, sha256);
    for (const { run: target } of taken.sheds) {
      const other = database.ledger.get(target) ?? EMPTY_LEDGER_RUN;
      database.ledger.set(target, withSheds(other, target, taken.sheds));
    }
    let hasAlarms = false;
    for (const { decoded } of [...taken.accepted, ...taken.clashes]) {
      if (this.#takeAlarm(database, run, header.upMs, decoded)) hasAlarms = true;
    }
    answers.push({
      ...this.#head(database),
      type: "receipt",
      run,
      ranges: taken.receipted.map(([from, to]) => [from, to]),
      refused: [...refusalsOf(taken)],
    });
    if (taken.hasNameless) answers.push({ ...this.#head(database), type: "undecodable", sha256: message.sha256() });
    const hello = currentHello(database.hellos, database.session)?.state;
    if (mustSayHello(hello, run, { before: before.head, after: taken.ledger.head })) {
      answers.push({ ...this.#head(database), type: "say-hello" });
    }
    return hasAlarms;
  }

  #takeAlarm(database: Database, run: string, envelopeUpMs: number | undefined, decoded: DecodedRecord): boolean {
    if (decoded.known?.kind !== "alarm") return false;
    const { record, known } = decoded;
    const age = ageMs({
      upMs: record.upMs,
      nowMs: this.#world.nowMs(),
      correctedAtMs: record.atMs,
      ...(envelopeUpMs === undefined ? {} : { envelopeUpMs }),
    });
    const { alarmId } = known.body;
    const { state, outcome } = reduceRevision(database.alarms.get(alarmId), {
      node: NODE,
      device: known.device ?? "",
      run,
      seq: record.seq,
      body: known.body,
      ageMs: age,
    });
    database.alarms.set(alarmId, state);
    if (outcome === "raised" || outcome === "revised") this.#oweFollowUp(database, alarmId);
    return true;
  }

  #oweFollowUp(database: Database, alarmId: string): void {
    const known = database.followUps.find((row) => row.alarmId === alarmId);
    if (known === undefined || this.#mutation === "no-unique-key") {
      database.followUps.push({ alarmId, isPending: true });
    } else known.isPending = true;
  }

  #settle(database: Database): void {
    const hello = currentHello(database.hellos, database.session)?.state;
    if (hello === undefined || database.isSettled || !isComplete(hello)) return;
    if (!database.isOnline || database.session !== hello.session) return;
    for (const [run, head] of hello.heads) {
      if (!isAccounted(database.ledger.get(run) ?? EMPTY_LEDGER_RUN, head)) return;
    }
    for (const [alarmId, state] of database.alarms) {
      const settled = settle(state, { current: hello.current, heads: hello.heads, open: new Set(hello.open) });
      if (settled === undefined) continue;
      database.alarms.set(alarmId, settled);
      this.#oweFollowUp(database, alarmId);
    }
    database.isSettled = true;
  }

  // ---- the elected writer ----

  #wakeWriter(): void {
    const writer = this.database.lock;
    this.#world.after(1 + this.#world.chance.below(40), () => {
      const due = this.database.followUps.filter(({ isPending }) => isPending).map(({ alarmId }) => alarmId);
      if (due.length === 0) return;
      const asRead = structuredClone(this.database.cases);
      // Between reading what is due and writing, a writer may stall for long, and another be elected.
      this.#world.after(this.#world.chance.is(0.1) ? 3_000 : 1, () => {
        if (this.isStoreBroken) this.#world.after(500, () => this.#wakeWriter());
        else if (this.database.lock !== writer && this.#mutation !== "writer-without-lock") this.#wakeWriter();
        else for (const alarmId of due) this.#followUp(this.database, alarmId, asRead);
      });
    });
  }

  #followUp(database: Database, alarmId: string, asRead: readonly ModelCase[]): void {
    const row = database.followUps.find((known) => known.alarmId === alarmId && known.isPending);
    const alarm = database.alarms.get(alarmId);
    if (alarm === undefined || (row === undefined && this.#mutation !== "writer-without-lock")) return;
    if (row !== undefined) row.isPending = false;
    const isKnown = database.cases.some(({ alarms }) => alarms.some((joined) => joined.alarmId === alarmId));
    if (isKnown && this.#mutation !== "no-unique-key") return;
    const raisedAtMs = alarm.body.raisedAtMs;
    const cases = this.#mutation === "writer-without-lock" ? asRead : database.cases;
    const decision = groupAlarm({ family: "noise", ...SITE, raisedAtMs, late: alarm.late }, cases);
    if (decision.act === "open") {
      if (database.cases.some(({ isOpen }) => isOpen)) this.#world.wrong("two cases of one kind are open at one site");
      const number = database.cases.length + 1;
      database.cases.push({
        id: `case-${number}`,
        number,
        family: "noise",
        ...SITE,
        isOpen: true,
        state: "open",
        lastAlarmAtMs: raisedAtMs,
        alarms: [{ alarmId, how: "opened" }],
      });
      return;
    }
    const joined = database.cases.find(({ id }) => id === decision.caseId);
    joined?.alarms.push({ alarmId, how: decision.how });
    if (joined !== undefined && !alarm.late) joined.lastAlarmAtMs = Math.max(joined.lastAlarmAtMs, raisedAtMs);
  }

  closeCase(): void {
    const open = this.#world.chance.pick(this.database.cases.filter(({ isOpen }) => isOpen));
    if (open !== undefined) open.isOpen = false;
  }

  get isIdle(): boolean {
    return (
      this.#workers.every(({ buffer }) => buffer.length === 0) &&
      this.database.followUps.every(({ isPending }) => !isPending)
    );
  }

  isAlarmOpen(alarmId: string): boolean {
    const state = this.database.alarms.get(alarmId);
    return state !== undefined && isAlarmOpen(state);
  }
}
