import { connect, type IClientOptions, type MqttClient } from "mqtt";
import { MAX_PACKET_BYTES } from "../../protocol/limits.ts";
import { DEFAULT_TOPIC_PREFIX, parseTopic } from "../../protocol/topics.ts";
import type { Logger } from "../store/logger.ts";
import { REFUSALS, type Refusal } from "./access.ts";
import { ConnectedNodes } from "./connected-nodes.ts";
import type { Link, LinkCounters, LinkHandlers } from "./link.ts";
import { SendWindow } from "./send-window.ts";

const KEEPALIVE_S = 15;
const CONNECT_TIMEOUT_MS = 10_000;
const RETRY_FIRST_MS = 250;
const RETRY_LAST_MS = 10_000;
/** Messages taken from the broker and not yet handled; beyond it the broker waits with the next one. */
const IN_HAND = 512;
/** MQTT 5 §3.4.2.1: a publish that nobody hears. */
const NO_MATCHING_SUBSCRIBERS = 0x10;
const SESSION_TAKEN_OVER = 0x8e;

/** The bridge's side of mTLS, as PEM. */
export interface ClientIdentity {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

export interface ExternalBrokerOptions {
  /** `mqtts://host:port` of the listener for bridges. */
  readonly url: string;
  /** Absent: plain MQTT, for tests on loopback. */
  readonly tls?: ClientIdentity;
  /** Another one for each process of the bridge. */
  readonly clientId: string;
  readonly handlers: LinkHandlers;
  /** Asked of each message: the broker lets in who has a certificate, and we know which nodes were revoked. */
  readonly admit: (node: string) => Promise<"admitted" | Refusal>;
  readonly log: Logger;
  readonly prefix?: string;
  /** Processes that give the same name share what nodes send on `up`; absent: this one takes all. No node may guess it. */
  readonly group?: string;
  /** Subscribed, at the first connect and after each break: the broker may have forgotten everybody. */
  readonly onConnected?: () => void;
}

export interface ExternalBroker extends Link {
  /**
   * Whether this process is the one that acts; false at first. Files go to it alone, since they come in pieces and must be put
   * together in one place, and it hears every node's `state` anew.
   */
  act(isActing: boolean): void;
}

/**
 * The bridge as a client of an MQTT 5 broker. It starts whether the broker is there or not, comes back by itself with a new
 * session each time, and queues nothing over a break: receipts are given again, commands are kept by the store.
 */
export function connectExternalBroker(options: ExternalBrokerOptions): ExternalBroker {
  const { handlers, log, prefix = DEFAULT_TOPIC_PREFIX, group } = options;
  const refused = Object.fromEntries(REFUSALS.map((refusal) => [refusal, 0])) as Record<Refusal, number>;
  const counts = { connects: 0, takeOvers: 0, messagesIn: 0, messagesOut: 0 };
  const nodes = new ConnectedNodes();
  const told = new Map<string, Refusal>();
  let client: MqttClient | undefined;
  let window = new SendWindow(0);
  let isConnected = false;
  let isClosing = false;
  let wantsBlobs = false;
  let isTold = false;
  let retryMs = RETRY_FIRST_MS;
  let retry: NodeJS.Timeout | undefined;
  let inHand = 0;
  let release: (() => void) | undefined;
  const unheard = new Set<number>();
  const unanswered = new Set<(isHeard: boolean) => void>();

  const upFilter = group === undefined ? `${prefix}/+/up` : `$share/${group}/${prefix}/+/up`;
  const stateFilter = `${prefix}/+/state`;
  const blobFilter = `${prefix}/+/blob/+`;

  async function isAdmitted(node: string): Promise<boolean> {
    const answer = await options.admit(node);
    if (answer === "admitted") {
      told.delete(node);
      return true;
    }
    refused[answer] += 1;
    if (told.get(node) !== answer) log.warn({ refusal: answer, node }, "message refused");
    told.set(node, answer);
    return false;
  }

  async function take(text: string, bytes: Uint8Array, isRetained: boolean): Promise<void> {
    const topic = parseTopic(text, prefix);
    if (topic === undefined) return;
    if (isRetained && topic.channel !== "state") {
      refused.retained += 1;
      return;
    }
    if (bytes.length > MAX_PACKET_BYTES) {
      refused.oversized += 1;
      return;
    }
    if (!(await isAdmitted(topic.node))) return;
    counts.messagesIn += 1;
    const done = deliver(topic, bytes);
    if (done === undefined) return;
    inHand += 1;
    void done
      .catch((error: unknown) => {
        // No receipt goes out, so the node sends again.
        log.error({ node: topic.node, topic: text, error: String(error) }, "message not taken");
      })
      .finally(() => {
        inHand -= 1;
        release?.();
        release = undefined;
      });
    if (inHand >= IN_HAND) {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
    }
  }

  function deliver(topic: NonNullable<ReturnType<typeof parseTopic>>, bytes: Uint8Array): Promise<void> | undefined {
    switch (topic.channel) {
      case "up":
        return Promise.resolve(handlers.onUp(topic.node, bytes));
      case "state":
        nodes.hear(topic.node, bytes, counts);
        return Promise.resolve(handlers.onState(topic.node, bytes));
      case "blob":
        return Promise.resolve(handlers.onBlob?.(topic.node, topic.name, bytes));
      case "live":
        handlers.onLive(topic.node, topic.name, bytes);
        return undefined;
      default:
        return undefined;
    }
  }

  function start(): void {
    const { tls } = options;
    const settings: IClientOptions = {
      clientId: options.clientId,
      protocolVersion: 5,
      clean: true,
      properties: { sessionExpiryInterval: 0 },
      keepalive: KEEPALIVE_S,
      reschedulePings: false,
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectPeriod: 0,
      resubscribe: false,
      queueQoSZero: false,
      ...(tls === undefined ? {} : { ...tls, minVersion: "TLSv1.2" as const }),
    };
    const own = connect(options.url, settings);
    client = own;
    let lastError: string | undefined;
    own.on("error", (error) => {
      lastError = error.message;
    });
    own.on("disconnect", ({ reasonCode }) => {
      lastError = `the broker ended it, reason 0x${(reasonCode ?? 0).toString(16)}`;
      if (reasonCode === SESSION_TAKEN_OVER) lastError += ": another process has the same client id";
    });
    // mqtt.js keeps this reason to itself: the callback of `publish` gets what was sent.
    own.on("packetreceive", (packet) => {
      if (packet.cmd === "puback" && packet.reasonCode === NO_MATCHING_SUBSCRIBERS) unheard.add(packet.messageId ?? 0);
    });
    own.handleMessage = (packet, done) => {
      const bytes = typeof packet.payload === "string" ? Buffer.from(packet.payload) : packet.payload;
      take(packet.topic, bytes, packet.retain).then(
        () => done(),
        (error: unknown) => {
          log.error({ topic: packet.topic, error: String(error) }, "message not taken");
          done();
        },
      );
    };
    own.once("connect", ({ properties }) => {
      window = new SendWindow(properties?.receiveMaximum ?? 65_535);
      const filters = [stateFilter, upFilter, `${prefix}/+/live/+`, ...(wantsBlobs ? [blobFilter] : [])];
      own.subscribe(filters, { qos: 1 }, (error, granted = []) => {
        const refusedFilter = granted.find(({ qos }) => qos >= 128)?.topic;
        if (error !== null || refusedFilter !== undefined) {
          lastError = `topic ${refusedFilter ?? ""} refused: ${error?.message ?? "see the broker's ACL"}`;
          own.end(true);
          return;
        }
        isConnected = true;
        isTold = false;
        retryMs = RETRY_FIRST_MS;
        log.info({ url: options.url }, "broker answers");
        options.onConnected?.();
      });
    });
    own.once("close", () => {
      isConnected = false;
      nodes.clear();
      window.drop();
      for (const give of [...unanswered]) give(false);
      unheard.clear();
      own.end(true);
      if (isClosing) return;
      // Said once: it is tried again for as long as it takes.
      if (!isTold) {
        isTold = true;
        const hint =
          "Nodes keep what they have. See that the broker runs, and `broker.external` in the bridge's config.";
        log.error({ code: "BROKER_AWAY", url: options.url, error: lastError ?? "connection ended", hint }, "no broker");
      }
      retry = setTimeout(start, retryMs * (0.5 + Math.random() / 2));
      retryMs = Math.min(retryMs * 2, RETRY_LAST_MS);
    });
  }
  start();

  return {
    port: 0,
    get state() {
      return isConnected ? ("connected" as const) : ("away" as const);
    },
    async publish(topic, bytes, qos) {
      const own = client;
      const mine = window;
      if (!isConnected || own === undefined || !(await mine.enter())) return false;
      counts.messagesOut += 1;
      return new Promise<boolean>((resolve) => {
        const give = (isHeard: boolean) => {
          if (!unanswered.delete(give)) return;
          mine.leave();
          resolve(isHeard);
        };
        unanswered.add(give);
        own.publish(topic, Buffer.from(bytes), { qos }, (error, packet) => {
          const isHeard = !unheard.delete(packet?.messageId ?? 0);
          give((error === undefined || error === null) && isHeard);
        });
      });
    },
    act(isActing) {
      if (isActing === wantsBlobs) return;
      wantsBlobs = isActing;
      if (!isConnected) return;
      // A second subscription of the same filter brings what is retained once more.
      if (isActing) client?.subscribe([blobFilter, stateFilter], { qos: 1 }, (error) => noteError(error));
      else client?.unsubscribe(blobFilter, (error) => noteError(error));
    },
    disconnect() {
      // Its certificate is on the list that the broker reads; what it still says is refused here.
    },
    counters(): LinkCounters {
      return { connected: nodes.size, ...counts, refused: { ...refused } };
    },
    async close() {
      isClosing = true;
      clearTimeout(retry);
      await new Promise<void>((resolve) => {
        if (client === undefined) resolve();
        else client.end(!isConnected, () => resolve());
      });
    },
  };

  function noteError(error: Error | null | undefined): void {
    if (error !== null && error !== undefined) log.warn({ error: error.message }, "subscription of files not changed");
  }
}
