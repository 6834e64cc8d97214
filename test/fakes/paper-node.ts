import { randomBytes } from "node:crypto";
import type { NodeIdentity } from "../../gateway/identity/identity-files.ts";
import { type MqttSession, openMqttSession } from "../../gateway/uplink/mqtt-session.ts";
import { encodeEnvelope } from "../../protocol/envelope.ts";
import { decodeReceiptMessage, encodeHello, helloPages } from "../../protocol/hello.ts";
import { encodeLevels } from "../../protocol/level-series.ts";
import { newAlarmId, newRunId } from "../../protocol/new-ids.ts";
import type { NewRecord } from "../../protocol/record.ts";
import { encodeRecord } from "../../protocol/record-codec.ts";
import type { Receipt } from "../../protocol/session.ts";
import { buildTopic } from "../../protocol/topics.ts";

const DEVICE = "noise-01";
const LEVELS_BEFORE_MIN = 10;

export interface PaperSite {
  readonly name: string;
  readonly latitudeDeg: number;
  readonly longitudeDeg: number;
}

/**
 * A node without journal, drivers or supervisor, that speaks the real contract over real mTLS: for tests of what stands
 * behind the broker. What it sends is synthetic.
 */
export class PaperNode {
  readonly #identity: NodeIdentity;
  readonly #run = newRunId();
  readonly #startedAtMs = Date.now();
  readonly #waiting = new Map<number, () => void>();
  #session: MqttSession | undefined;
  #end = new AbortController();
  #seq = 0;
  #live: NodeJS.Timeout | undefined;
  /** dB(A) of its meter, for live levels. */
  levelDb = 56;

  constructor(identity: NodeIdentity) {
    this.#identity = identity;
  }

  async connect(): Promise<void> {
    const { node, mqttUrl, keyPem, certificatePem, caPem } = this.#identity;
    const session = randomBytes(16).toString("base64url");
    const stateOf = (online: boolean) => Buffer.from(JSON.stringify({ v: 1, online, session, version: "0.1.0" }));
    const topic = (channel: "up" | "receipt" | "state" | "down") => buildTopic({ node, channel });
    let welcomed = (): void => {};
    const have = new Promise<void>((resolve) => {
      welcomed = resolve;
    });
    this.#end = new AbortController();
    this.#session = await openMqttSession(
      {
        url: mqttUrl,
        tls: { ca: caPem, cert: certificatePem, key: keyPem },
        clientId: node,
        will: { topic: topic("state"), payload: stateOf(false) },
        subscriptions: [topic("receipt"), topic("down")],
        onMessage: (name, bytes) => {
          if (name === topic("down")) return this.#answerCommand(bytes);
          const message = decodeReceiptMessage(bytes);
          if (message?.type === "have") welcomed();
          if (message?.type === "receipt") this.#settle(message);
        },
      },
      this.#end.signal,
    );
    this.#session.publish(topic("state"), stateOf(true), { qos: 1, retain: true });
    const runs = [{ run: this.#run, first: 1, head: this.#seq }];
    for (const page of helloPages({ session, current: this.#run, runs, open: [] })) {
      this.#session.publish(topic("up"), encodeHello(page), { qos: 1 });
    }
    await have;
  }

  /** Sends records and waits for the bridge's word that they are in its database. */
  async say(
    ...records: readonly (Omit<NewRecord, "upMs" | "timeQuality"> & { readonly atMs: number })[]
  ): Promise<void> {
    const upMs = Date.now() - this.#startedAtMs;
    const items = records.map((record) => {
      this.#seq += 1;
      return encodeRecord(this.#seq, { timeQuality: "gnss", upMs, ...record } as NewRecord);
    });
    const stored = new Promise<void>((resolve) => this.#waiting.set(this.#seq, resolve));
    const bytes = encodeEnvelope({ run: this.#run, head: this.#seq, upMs }, items);
    this.#session?.publish(buildTopic({ node: this.#identity.node, channel: "up" }), bytes, { qos: 1 });
    await stored;
  }

  /** What a box says when it starts: itself, its site, its meter, and ten minutes of an ordinary street. */
  async introduce(site: PaperSite): Promise<void> {
    const nowMs = Date.now();
    const minuteMs = Math.floor(nowMs / 60_000) * 60_000;
    const minutes = Array.from({ length: LEVELS_BEFORE_MIN }, (_, i) => minuteMs - (LEVELS_BEFORE_MIN - i) * 60_000);
    await this.say(
      {
        kind: "start",
        atMs: nowMs,
        body: {
          reason: "first",
          version: "0.1.0",
          configSha256: "0".repeat(64),
          site: { ...site, timeZone: "Asia/Shanghai" },
          devices: [{ id: DEVICE, driver: "modbus-noise", quantity: "LAF" }],
        },
      },
      { kind: "time", atMs: nowMs, body: { upMs: nowMs - this.#startedAtMs, utcMs: nowMs, quality: "gnss" } },
      { kind: "device", atMs: nowMs, device: DEVICE, body: { state: "online", sinceMs: nowMs } },
      this.#health(nowMs),
      ...minutes.map((atMs) => this.#minute(atMs)),
    );
  }

  /** A noise alarm at its first revision. */
  async raise(laeqDb: number): Promise<string> {
    const atMs = Date.now();
    const alarmId = newAlarmId(atMs);
    this.levelDb = laeqDb;
    await this.say({
      kind: "alarm",
      atMs,
      device: DEVICE,
      body: {
        alarmId,
        rev: 1,
        phase: "raised",
        family: "noise",
        nature: "condition",
        rule: "night-noise",
        ruleKind: "trigger",
        raisedAtMs: atMs,
        stateAtMs: atMs,
        limits: { raiseDb: 70, clearDb: 67 },
        windows: [
          { name: "raise", fromMs: atMs - 10_000, toMs: atMs, n: 10, valid: 10, laeqDb, lamaxDb: laeqDb + 3.2 },
        ],
        peak: { value: laeqDb + 4.7, unit: "dB(A)", atMs },
        estimated: true,
        evidence: [],
      },
    });
    return alarmId;
  }

  /** Something that a camera saw and that does not clear by itself. */
  async see(rule: string, evidence: readonly string[] = []): Promise<string> {
    const atMs = Date.now();
    const alarmId = newAlarmId(atMs);
    const times = { raisedAtMs: atMs, stateAtMs: atMs };
    const what = { family: "vision", nature: "event", rule, ruleKind: "violation" } as const;
    const body = { alarmId, rev: 1, phase: "raised" as const, ...what, ...times, limits: {}, windows: [] };
    await this.say({ kind: "alarm", atMs, device: "cam-01", body: { ...body, evidence: [...evidence] } });
    return alarmId;
  }

  /** An officer's call for help, as a gateway with a radio tells it. */
  async callForHelp(
    issi: string,
    position: { readonly latitudeDeg: number; readonly longitudeDeg: number },
  ): Promise<string> {
    const atMs = Date.now();
    const alarmId = newAlarmId(atMs);
    const times = { raisedAtMs: atMs, stateAtMs: atMs };
    const what = { family: "emergency", nature: "event", rule: "emergency", ruleKind: "emergency" } as const;
    const body = { alarmId, rev: 1, phase: "raised" as const, ...what, ...times, limits: {}, windows: [] };
    const subject = { type: "issi" as const, id: issi };
    await this.say({ kind: "alarm", atMs, device: "radio", subject, body: { ...body, position, evidence: [] } });
    return alarmId;
  }

  /** Breaks off without a word, as a cut cable does. */
  async leave(): Promise<void> {
    clearInterval(this.#live);
    this.#end.abort();
    await this.#session?.closed;
  }

  #minute(fromMs: number) {
    const seconds = Array.from({ length: 60 }, (_, i) => ({ levelDb: streetDb(fromMs / 1000 + i), flags: [] }));
    const laeqDb = 56;
    const values = { l5Db: 59, l10Db: 58, l50Db: 55.5, l90Db: 53, l95Db: 52.5, sdDb: 1.8, selDb: 73.8 };
    const statistics = { n: 60, valid: 60, laeqDb, lamaxDb: 60, laminDb: 52, ...values };
    const body = { quantity: "LAF" as const, series: encodeLevels(fromMs, seconds), statistics };
    return { kind: "noise" as const, atMs: fromMs + 60_000, device: DEVICE, body };
  }

  #health(atMs: number) {
    const none = { unsentRecords: 0, laneDepth: [0, 0, 0, 0, 0], missedPolls: 0, eventLoopDelayP99Ms: 4 };
    const body = { rssBytes: 9e7, cpuPct: 2, journalBytes: 4e6, ...none, devices: { [DEVICE]: "online" as const } };
    return { kind: "health" as const, atMs, body };
  }

  #answerCommand(bytes: Uint8Array): void {
    const { kind } = JSON.parse(Buffer.from(bytes).toString()) as { kind: string };
    if (kind !== "live" || this.#live !== undefined) return;
    const topic = buildTopic({ node: this.#identity.node, channel: "live", name: DEVICE });
    this.#live = setInterval(() => {
      const atMs = Date.now();
      const levelDb = Math.round((this.levelDb + streetDb(atMs / 1000) - 56) * 10) / 10;
      this.#session?.publish(topic, Buffer.from(JSON.stringify({ atMs, levelDb, flags: [] })), { qos: 0 });
    }, 250);
  }

  #settle({ ranges }: Receipt): void {
    for (const [seq, resolve] of this.#waiting) {
      if (!ranges.some(([from, to]) => from <= seq && seq <= to)) continue;
      this.#waiting.delete(seq);
      resolve();
    }
  }
}

function streetDb(second: number): number {
  const whole = Math.floor(second);
  const wobble = Math.sin(whole / 7) * 1.6 + Math.sin(whole / 2.3) * 1.1 + ((whole * 7919) % 17) / 9;
  return Math.round((55 + wobble) * 10) / 10;
}
