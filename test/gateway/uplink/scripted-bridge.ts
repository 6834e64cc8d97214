import { connectAsync, type MqttClient } from "mqtt";
import { decodeUp } from "../../../protocol/envelope.ts";
import { encodeReceiptMessage, haveEntry } from "../../../protocol/hello.ts";
import { READABLE_VERSIONS } from "../../../protocol/limits.ts";
import { rangesOfSeqs, subtract } from "../../../protocol/ranges.ts";
import type { ReceiptMessage } from "../../../protocol/session.ts";

/** The least that a bridge must do, kept in memory: answers hello, stores items, gives receipts. */
export class ScriptedBridge {
  readonly states: { readonly node: string; readonly online: boolean; readonly session: string }[] = [];
  readonly records = new Map<string, Map<number, unknown>>();
  hellos = 0;
  repeats = 0;
  /** Said in every answer; another value is another election. */
  epoch = "e1";
  /** While set, everything is stored and nothing is answered. */
  isMute = false;
  /** How long it takes for a receipt. */
  answersAfterMs = 0;
  readonly #client: MqttClient;
  readonly #bridge: string;
  #isClosed = false;

  private constructor(client: MqttClient, bridge: string) {
    this.#client = client;
    this.#bridge = bridge;
    client.on("message", (topic, bytes) => {
      const [, node = "", channel] = topic.split("/");
      if (channel === "state") this.states.push({ node, ...JSON.parse(bytes.toString()) });
      else this.#take(node, bytes);
    });
  }

  static async start(url: string, bridge = "b1"): Promise<ScriptedBridge> {
    const client = await connectAsync(url, { clientId: `bridge-${bridge}`, protocolVersion: 4 });
    const self = new ScriptedBridge(client, bridge);
    await client.subscribeAsync(["shao/+/up", "shao/+/state"], { qos: 1 });
    return self;
  }

  stored(run: string): number {
    return this.records.get(run)?.size ?? 0;
  }

  async say(node: string, message: ReceiptMessage): Promise<void> {
    await this.#client.publishAsync(`shao/${node}/receipt`, Buffer.from(encodeReceiptMessage(message)), { qos: 1 });
  }

  async send(node: string, command: object): Promise<void> {
    await this.#client.publishAsync(`shao/${node}/down`, JSON.stringify(command), { qos: 1 });
  }

  /** Reads everything on a node's live topic. */
  async watch(node: string, onLevel: (stream: string, level: unknown) => void): Promise<void> {
    this.#client.on("message", (topic, bytes) => {
      const [, , channel, stream = ""] = topic.split("/");
      if (channel === "live") onLevel(stream, JSON.parse(bytes.toString()));
    });
    await this.#client.subscribeAsync(`shao/${node}/live/+`, { qos: 0 });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#client.endAsync(true);
  }

  #take(node: string, bytes: Uint8Array): void {
    const up = decodeUp(bytes);
    const stamp = { v: 1, bridge: this.#bridge, epoch: this.epoch } as const;
    if (up.type === "hello") {
      this.hellos += 1;
      const runs = up.hello.runs.map(({ run, head }) => {
        const stored = rangesOfSeqs(this.records.get(run)?.keys() ?? []);
        return haveEntry(run, head, head === 0 ? [] : subtract([[1, head]], stored), [], 1000);
      });
      const { session, page, last } = up.hello;
      const versions = [...READABLE_VERSIONS];
      if (!this.isMute) {
        void this.say(node, { ...stamp, type: "have", session, page, last, versions, nowMs: Date.now(), runs });
      }
      return;
    }
    if (up.type !== "envelope") return;
    const { run } = up.header;
    const rows = this.records.get(run) ?? new Map<number, unknown>();
    this.records.set(run, rows);
    const seqs = up.items.map((item) => {
      const record = JSON.parse(Buffer.from(item.bytes).toString());
      if (rows.has(record.seq)) this.repeats += 1;
      rows.set(record.seq, record);
      return record.seq as number;
    });
    const ranges = [...rangesOfSeqs(seqs)];
    if (this.isMute) return;
    setTimeout(() => {
      if (!this.#isClosed) void this.say(node, { ...stamp, type: "receipt", run, ranges, refused: [] });
    }, this.answersAfterMs);
  }
}
