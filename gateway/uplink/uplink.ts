import { decodeReceiptMessage, encodeHello } from "../../protocol/hello.ts";
import { PROTOCOL_VERSION } from "../../protocol/limits.ts";
import { newRunId } from "../../protocol/new-ids.ts";
import type { NewRecord } from "../../protocol/record.ts";
import type { NodeState } from "../../protocol/session.ts";
import { buildTopic } from "../../protocol/topics.ts";
import type { BlobFiles } from "../contracts/evidence.ts";
import { type GatewayFaultPoints, NO_FAULT_POINTS } from "../contracts/fault-points.ts";
import type { GatewayError } from "../contracts/gateway-error.ts";
import type { CustodyJournal } from "../contracts/journal.ts";
import type { Logger } from "../contracts/logger.ts";
import { BackOff } from "./back-off.ts";
import { BlobUplink } from "./blob-uplink.ts";
import { type BudgetFacts, BudgetKeeper } from "./budget-keeper.ts";
import { declareLacking, declareUndecodable } from "./declare.ts";
import { JournalAnswers } from "./journal-answers.ts";
import { LinkTrouble } from "./link-trouble.ts";
import { LiveLane } from "./live-lane.ts";
import { type MqttSession, type NodeTls, openMqttSession } from "./mqtt-session.ts";
import { Sender } from "./sender.ts";
import type { SenderCommand, SenderEvent, SenderNotice } from "./sender-types.ts";

const BRIDGE_SETTING = "custody.bridge";
const EPOCH_SETTING = "custody.epoch";

export interface UplinkOptions {
  readonly node: string;
  readonly version: string;
  readonly url: string;
  readonly tls?: NodeTls;
  readonly topicPrefix: string;
  /** Id of the bridge that this node was enrolled at; absent: the first that answers is pinned. */
  readonly bridge?: string;
  /** Of the line: its rate where it is known, and what it may carry on one day of the site's zone. */
  readonly line?: { readonly rateBytesPerS?: number; readonly dailyBytes?: number };
  readonly timeZone?: string;
  /** Default 15. */
  readonly keepaliveS?: number;
  readonly journal: CustodyJournal;
  /** What lane 3 carries; absent: nothing. */
  readonly files?: BlobFiles;
  readonly stamp: () => Pick<NewRecord, "upMs" | "atMs" | "timeQuality">;
  /** Monotonic, from the start of the run. */
  readonly upMs: () => number;
  readonly log: Logger;
  /** What came on `down`; verified there. */
  readonly onCommand: (bytes: Uint8Array) => void;
  /** A page of the journal cannot be read: what lies there will never be sent from this file. */
  readonly onJournalBroken?: () => void;
  readonly faultPoints?: GatewayFaultPoints;
  /** Takes a PUBACK for a receipt, which loses records: for the test that must go red. */
  readonly negativeControl?: "receipt-on-puback";
}

export interface UplinkFacts {
  readonly isConnected: boolean;
  /** The bridge has answered all of this session's hello. */
  readonly isAnswered: boolean;
  readonly rttMs?: number;
  readonly rateBytesPerS: number;
  readonly recordsInFlight: number;
  /** Of a metered line. */
  readonly budget?: BudgetFacts;
  /** Why there is no connection. */
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly hint: string;
    readonly repeated: number;
  };
}

/**
 * Carries the journal to the bridge. All decisions are the Sender's; this gives it time, rows and a connection, and does
 * what it says. One MQTT client per session: a dead socket is replaced, never revived.
 */
export class Uplink {
  /** What is sent only while somebody looks. */
  readonly live: LiveLane;
  readonly #options: UplinkOptions;
  readonly #sender: Sender;
  readonly #blobs: BlobUplink | undefined;
  readonly #faultPoints: GatewayFaultPoints;
  readonly #backOff = new BackOff();
  readonly #trouble: LinkTrouble;
  readonly #answers: JournalAnswers;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #session: MqttSession | undefined;
  #sessionId = "";
  readonly #commands: SenderCommand[] = [];
  #budget: BudgetKeeper | undefined;
  #wake: NodeJS.Timeout | undefined;
  #endPause: (() => void) | undefined;

  private constructor(options: UplinkOptions, bridge: string | undefined, epoch: string | undefined) {
    this.#options = options;
    this.#faultPoints = options.faultPoints ?? NO_FAULT_POINTS;
    this.#trouble = new LinkTrouble(options.log);
    const { log, onJournalBroken } = options;
    this.#answers = new JournalAnswers({ log, onJournalBroken, trouble: this.#trouble, signal: this.#stop.signal });
    this.#blobs = this.#blobUplink();
    const rateBytesPerS = options.line?.rateBytesPerS;
    this.#sender = new Sender({
      run: options.journal.restored.run,
      ...(bridge === undefined ? {} : { bridge }),
      ...(epoch === undefined ? {} : { epoch }),
      ...(rateBytesPerS === undefined ? {} : { rateBytesPerS }),
      ...(this.#blobs === undefined ? {} : { laneThree: this.#blobs.laneThree }),
    });
    this.live = new LiveLane({
      sender: this.#sender,
      session: () => this.#session,
      topic: (name) => this.#topic({ channel: "live", name }),
      upMs: options.upMs,
    });
    options.journal.onCommitted((rows) => this.#feed({ type: "committed", nowMs: options.upMs(), rows }));
    this.#running = this.#run();
  }

  #blobUplink(): BlobUplink | undefined {
    const { files, upMs, log } = this.#options;
    return files === undefined
      ? undefined
      : new BlobUplink({
          ...{ files, upMs, log, faultPoints: this.#faultPoints, facts: () => this.#sender.facts },
          tell: (event) => this.#feed(event),
          publish: (name, bytes, onTaken) =>
            this.#session?.publish(this.#topic({ channel: "blob", name }), bytes, { qos: 1 }, onTaken),
        });
  }

  static async start(options: UplinkOptions): Promise<Uplink> {
    const { journal } = options;
    const bridge = options.bridge ?? (await journal.getSetting(BRIDGE_SETTING));
    const uplink = new Uplink(options, bridge, await journal.getSetting(EPOCH_SETTING));
    await uplink.#openBudget();
    return uplink;
  }

  async #openBudget(): Promise<void> {
    const { line, timeZone = "UTC", journal, log, stamp } = this.#options;
    if (line?.dailyBytes === undefined) return;
    this.#budget = await BudgetKeeper.open({
      dailyBytes: line.dailyBytes,
      timeZone,
      journal,
      log,
      stamp,
      session: () => this.#session,
      onRation: (ration) => this.#feed({ ...this.#at("ration"), ration }),
    });
  }

  get facts(): UplinkFacts {
    const { isAnswered, rttMs, rateBytesPerS, recordsInFlight } = this.#sender.facts;
    const error = this.#trouble.current;
    return {
      isConnected: this.#session !== undefined,
      isAnswered,
      rateBytesPerS,
      recordsInFlight,
      ...(rttMs === undefined ? {} : { rttMs }),
      ...(this.#budget === undefined ? {} : { budget: this.#budget.facts }),
      ...(error === undefined ? {} : { error }),
    };
  }

  /** Says goodbye, so that the bridge knows of a clean end, and closes. */
  async close(): Promise<void> {
    const session = this.#session;
    if (session !== undefined) {
      const gone = new Promise<void>((resolve) => {
        if (!this.#publishState(session, false, resolve)) resolve();
      });
      await Promise.race([gone, session.closed, after(1000)]);
    }
    this.#stop.abort();
    this.#endPause?.();
    clearTimeout(this.#wake);
    this.#blobs?.close();
    await session?.end();
    await this.#running;
    this.#budget?.close();
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const error = await this.#oneSession();
      if (this.#stop.signal.aborted) return;
      const retryInMs = this.#backOff.next();
      if (error !== undefined) this.#trouble.note(error, retryInMs);
      await this.#pause(retryInMs);
    }
  }

  async #oneSession(): Promise<GatewayError | undefined> {
    const { node, url, tls, keepaliveS, onCommand } = this.#options;
    this.#sessionId = newRunId();
    const receipt = this.#topic({ channel: "receipt" });
    const down = this.#topic({ channel: "down" });
    let session: MqttSession;
    try {
      session = await openMqttSession(
        {
          url,
          ...(tls === undefined ? {} : { tls }),
          ...(keepaliveS === undefined ? {} : { keepaliveS }),
          clientId: node,
          will: { topic: this.#topic({ channel: "state" }), payload: this.#state(false) },
          subscriptions: [receipt, down],
          onMessage: (topic, bytes) => {
            if (topic === receipt) this.#takeReceipt(bytes);
            else if (topic === down) onCommand(bytes);
          },
        },
        this.#stop.signal,
      );
    } catch (error) {
      return error as GatewayError;
    }
    this.#session = session;
    this.#publishState(session, true);
    this.#feed({ type: "connected", nowMs: this.#options.upMs(), session: this.#sessionId });
    const error = await session.closed;
    this.#budget?.ended();
    this.#session = undefined;
    this.#blobs?.disconnected();
    this.#feed({ type: "disconnected", nowMs: this.#options.upMs() });
    return error;
  }

  #takeReceipt(bytes: Uint8Array): void {
    const message = decodeReceiptMessage(bytes);
    if (message === undefined) {
      this.#options.log.warn({ code: "RECEIPT_UNREADABLE", sizeBytes: bytes.length }, "message on receipt ignored");
      return;
    }
    if (message.type === "blob") {
      if (this.#sender.facts.isAnswered) this.#blobs?.receipt(message);
      return;
    }
    if (message.type === "receipt") this.#faultPoints.reach("gateway-after-receipt");
    this.#feed({ type: "message", nowMs: this.#options.upMs(), message });
  }

  /** Commands are obeyed in the order in which they were given, also those that an act brings on the way. */
  #feed(event: SenderEvent): void {
    const { length } = this.#commands;
    this.#commands.push(...this.#sender.handle({ socketBytes: this.#session?.bytesWritten ?? 0, ...event }));
    if (length > 0) return;
    for (let command = this.#commands[0]; command !== undefined; command = this.#commands[0]) {
      this.#act(command);
      this.#commands.shift();
    }
    this.#blobs?.look();
  }

  #act(command: SenderCommand): void {
    const { journal, log } = this.#options;
    switch (command.type) {
      case "gather-hello":
        this.#untilThere(
          () => journal.helloContent(),
          (content) => this.#feed({ ...this.#at("hello-content"), ...content }),
        );
        return;
      case "publish-hello":
        this.#session?.publish(this.#topic({ channel: "up" }), encodeHello(command.page), { qos: 1 });
        this.#faultPoints.reach("gateway-after-hello");
        return;
      case "read": {
        const { read, run, ranges, lanes, maxRecords, maxBytes } = command;
        // The bridge's word of what it lacks counts, not our marks; the negative control believes its marks.
        const includeReceipted = this.#options.negativeControl === undefined;
        this.#untilThere(
          () => journal.read({ run, ranges, lanes, maxRecords, maxBytes, includeReceipted }),
          (found) => this.#feed({ ...this.#at("rows"), read, rows: found }),
        );
        return;
      }
      case "publish":
        this.#publish(command);
        return;
      case "mark-receipted":
        journal.markReceipted(command.run, command.ranges);
        return;
      case "declare-lacking":
        this.#answers.later(declareLacking(this.#options, command), () => {});
        return;
      case "declare-undecodable":
        this.#answers.later(declareUndecodable(this.#options, command), () => {});
        return;
      case "pin-bridge":
        this.#answers.later(journal.setSetting(BRIDGE_SETTING, command.bridge), () => {});
        return;
      case "epoch":
        if (this.#options.negativeControl === undefined)
          this.#answers.later(journal.beginCustody(command.epoch), () => {});
        return;
      case "wake":
        clearTimeout(this.#wake);
        this.#wake = setTimeout(
          () => this.#feed(this.#at("tick")),
          Math.max(0, Math.ceil(command.atMs - this.#options.upMs())),
        );
        return;
      case "notice":
        this.#notice(command.notice);
        return;
      default:
        log.error({ command }, "sender asked for what this uplink does not know");
    }
  }

  #untilThere<T>(ask: () => Promise<T>, then: (value: T) => void): void {
    const id = this.#sessionId;
    this.#answers.untilThere(ask, then, () => id === this.#sessionId);
  }

  #publish({ envelope, run, seqs, bytes }: Extract<SenderCommand, { type: "publish" }>): void {
    this.#faultPoints.reach("gateway-before-publish");
    const id = this.#sessionId;
    this.#session?.publish(this.#topic({ channel: "up" }), bytes, { qos: 1 }, () => {
      if (id !== this.#sessionId) return;
      this.#feed({ ...this.#at("puback"), envelope });
      if (this.#options.negativeControl === "receipt-on-puback") this.#options.journal.markReceipted(run, seqs);
    });
    this.#faultPoints.reach("gateway-after-publish");
  }

  #notice(notice: SenderNotice): void {
    const { log } = this.#options;
    switch (notice.code) {
      case "HELLO_ANSWERED":
        this.#backOff.reset();
        this.#trouble.end();
        this.#blobs?.answered(notice.epoch);
        log.info(
          { bridge: notice.bridge, epoch: notice.epoch, skewMs: this.#options.stamp().atMs - notice.bridgeUtcMs },
          "bridge answered",
        );
        return;
      case "RECEIPTS_STOPPED":
        log.warn(notice, "no receipts come, hello again");
        return;
      case "RECORD_REFUSED":
        log.warn(notice, "bridge keeps this record in quarantine");
        return;
      case "BRIDGE_FOREIGN":
        this.#trouble.once(notice.code, () =>
          log.error(notice, "this is not the bridge that the node was enrolled at"),
        );
        return;
      case "VERSION_UNSUPPORTED":
        this.#trouble.once(notice.code, () =>
          log.error(notice, "bridge reads no version that this node writes, records wait"),
        );
    }
  }

  #at<T extends SenderEvent["type"]>(type: T): { readonly type: T; readonly nowMs: number } {
    return { type, nowMs: this.#options.upMs() };
  }

  #publishState(session: MqttSession, online: boolean, onAcknowledged?: () => void): boolean {
    return session.publish(
      this.#topic({ channel: "state" }),
      this.#state(online),
      { qos: 1, retain: true },
      onAcknowledged,
    );
  }

  #state(online: boolean): Uint8Array {
    const { version } = this.#options;
    const state: NodeState = { v: PROTOCOL_VERSION, online, session: this.#sessionId, version };
    return Buffer.from(JSON.stringify(state));
  }

  #topic(tail: { channel: "up" | "receipt" | "state" | "down" } | { channel: "live" | "blob"; name: string }): string {
    return buildTopic({ node: this.#options.node, ...tail }, this.#options.topicPrefix);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
