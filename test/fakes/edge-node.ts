import { connectAsync, type MqttClient } from "mqtt";
import type { RunningBridge } from "../../cloud-bridge/main.ts";
import { enroll } from "../../gateway/identity/enroll.ts";
import type { NodeIdentity } from "../../gateway/identity/identity-files.ts";
import { encodeEnvelope } from "../../protocol/envelope.ts";
import { encodeHello, helloPages } from "../../protocol/hello.ts";
import { newRunId } from "../../protocol/new-ids.ts";
import type { NewRecord } from "../../protocol/record.ts";
import { encodeRecord } from "../../protocol/record-codec.ts";
import type { ReceiptMessage } from "../../protocol/session.ts";
import type { ApiClient } from "./api-client.ts";

/** The wire side of a gateway by hand: says hello, sends records, keeps what the bridge answers. */
export class EdgeNode {
  readonly node: string;
  readonly run = newRunId();
  readonly session = newRunId();
  readonly answers: ReceiptMessage[] = [];
  readonly client: MqttClient;
  #seq = 0;
  #last: Uint8Array = new Uint8Array();

  constructor(node: string, client: MqttClient) {
    this.node = node;
    this.client = client;
    client.on("error", () => {});
    client.on("message", (_topic, payload) => this.answers.push(JSON.parse(payload.toString()) as ReceiptMessage));
  }

  /** Offers the token as an operator, redeems it as the box. */
  static async pair(bridge: RunningBridge, operator: ApiClient, node: string): Promise<NodeIdentity> {
    const { json, status, text } = await operator.post("/api/v1/nodes", { node });
    if (status !== 201) throw new Error(text);
    return enroll(bridge.url, (json as { token: string }).token);
  }

  static async connect(identity: NodeIdentity): Promise<EdgeNode> {
    const { keyPem: key, certificatePem: cert, caPem: ca, node, mqttUrl } = identity;
    const client = await connectAsync(mqttUrl, { key, cert, ca, clientId: node, reconnectPeriod: 0 }, false);
    const edge = new EdgeNode(node, client);
    await client.subscribeAsync([`shao/${node}/receipt`, `shao/${node}/down`], { qos: 1 });
    const state = { v: 1, online: true, session: edge.session, version: "test" };
    await client.publishAsync(`shao/${node}/state`, JSON.stringify(state), { qos: 1, retain: true });
    await edge.hello();
    return edge;
  }

  async hello(): Promise<void> {
    const content = {
      session: this.session,
      current: this.run,
      runs: [{ run: this.run, first: 1, head: this.#seq }],
      open: [],
    };
    for (const page of helloPages(content)) {
      await this.client.publishAsync(`shao/${this.node}/up`, Buffer.from(encodeHello(page)), { qos: 1 });
    }
  }

  /** The newest envelope once more, as after a missing receipt. */
  async resend(): Promise<void> {
    await this.client.publishAsync(`shao/${this.node}/up`, Buffer.from(this.#last), { qos: 1 });
  }

  async send(...records: readonly NewRecord[]): Promise<void> {
    const items = records.map((record) => {
      this.#seq += 1;
      return encodeRecord(this.#seq, record);
    });
    this.#last = encodeEnvelope({ run: this.run, head: this.#seq, upMs: 60_000 }, items);
    await this.resend();
  }
}
