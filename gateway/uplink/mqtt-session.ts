import { connect as connectTcp, type LookupFunction, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { MqttClient } from "mqtt";
import { GatewayError } from "../contracts/gateway-error.ts";
import { brokerError } from "./broker-error.ts";

const KEEPALIVE_S = 15;
const CONNECT_TIMEOUT_MS = 20_000;
const SUBSCRIPTION_REFUSED = 128;

/** The node's side of mTLS, as PEM. */
export interface NodeTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface MqttSessionOptions {
  /** `mqtts://host:port`, or `mqtt://` on loopback. */
  readonly url: string;
  /** Absent: plain MQTT. */
  readonly tls?: NodeTls;
  /** How often the line is asked whether it lives; a dead one is dropped after one and a half times this. Default 15. */
  readonly keepaliveS?: number;
  /** Finds the addresses of a name; the system's by default. */
  readonly lookup?: LookupFunction;
  readonly clientId: string;
  readonly will: { readonly topic: string; readonly payload: Uint8Array };
  readonly subscriptions: readonly string[];
  readonly onMessage: (topic: string, bytes: Uint8Array) => void;
}

/** One connection from CONNACK to its end. It never reconnects and queues nothing for a later one. */
export interface MqttSession {
  /** Resolves when the connection is gone, with why; undefined when we ended it. */
  readonly closed: Promise<GatewayError | undefined>;
  /** Bytes that wait in this process for the socket. */
  readonly bufferedBytes: number;
  /** What this connection has sent and received so far, TLS and its handshake included. */
  readonly bytesWritten: number;
  readonly bytesRead: number;
  /** @returns false when the connection is gone: nothing was queued */
  publish(
    topic: string,
    bytes: Uint8Array,
    options: { readonly qos: 0 | 1; readonly retain?: boolean },
    onAcknowledged?: () => void,
  ): boolean;
  /** DISCONNECT, so that the will is not sent; resolves when the socket is closed. */
  end(): Promise<void>;
}

/**
 * Connects and subscribes.
 * @throws GatewayError BROKER_UNREACHABLE, BROKER_REFUSED, BROKER_CERTIFICATE, BROKER_LOST, BROKER_INSECURE
 */
export async function openMqttSession(options: MqttSessionOptions, signal: AbortSignal): Promise<MqttSession> {
  const { host, port } = addressOf(options);
  const address = `${host}:${port}`;
  // A socket of its own below TLS, because that one counts what really goes over the line.
  const line = await openLine(
    { host, port, ...(options.lookup === undefined ? {} : { lookup: options.lookup }) },
    signal,
  );
  let socket: Socket | undefined;
  let lastError: Error | undefined;
  const client = new MqttClient(
    () => {
      const { tls } = options;
      const stream = tls === undefined ? line : connectTls({ socket: line, host, ...tls, minVersion: "TLSv1.2" });
      const note = (error: Error) => {
        lastError ??= error;
      };
      line.on("error", note).once("close", () => stream.destroy());
      stream.on("error", note);
      socket = stream;
      return stream;
    },
    {
      clientId: options.clientId,
      protocolVersion: 4,
      clean: true,
      keepalive: options.keepaliveS ?? KEEPALIVE_S,
      // A ping goes out whatever else does: else a half-open line that we keep writing to would never be noticed.
      reschedulePings: false,
      reconnectPeriod: 0,
      connectTimeout: CONNECT_TIMEOUT_MS,
      resubscribe: false,
      queueQoSZero: false,
      // It would hold a buffer for each of the 65,536 packet numbers: 7 MB in a small box.
      writeCache: false,
      will: {
        topic: options.will.topic,
        payload: Buffer.from(options.will.payload),
        qos: 1,
        retain: true,
      },
    },
  );
  let isEnding = false;
  client.on("error", (error) => {
    lastError ??= error;
  });
  client.on("message", (topic, payload) => options.onMessage(topic, payload));
  const closed = new Promise<GatewayError | undefined>((resolve) => {
    client.once("close", () => resolve(isEnding ? undefined : brokerError(lastError, address)));
  });
  const end = async () => {
    isEnding = true;
    await new Promise<void>((resolve) => client.end(!client.connected, () => resolve()));
    socket?.destroy();
  };
  const onAbort = () => void end();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await raceWithEnd(closed, (resolve) => client.once("connect", () => resolve()));
    await raceWithEnd(closed, (resolve, reject) => subscribe(client, options.subscriptions, address, resolve, reject));
  } catch (error) {
    signal.removeEventListener("abort", onAbort);
    await end();
    throw error;
  }
  void closed.then(() => {
    signal.removeEventListener("abort", onAbort);
    // Frees timers and the socket of a client whose line is dead.
    client.end(true);
    socket?.destroy();
  });
  return {
    closed,
    get bufferedBytes() {
      return (socket?.writableLength ?? 0) + (socket === line ? 0 : line.writableLength);
    },
    get bytesWritten() {
      return line.bytesWritten;
    },
    get bytesRead() {
      return line.bytesRead;
    },
    publish(topic, bytes, { qos, retain = false }, onAcknowledged) {
      if (!client.connected || isEnding) return false;
      client.publish(topic, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), { qos, retain }, (error) => {
        if (error === undefined || error === null) onAcknowledged?.();
      });
      return true;
    },
    end,
  };
}

/**
 * Connected before TLS is laid on it: while Node still tries one address of a name after another, it exchanges the handle
 * below, and TLS on the first one ends the process with a segmentation fault.
 */
function openLine(
  to: { readonly host: string; readonly port: number; readonly lookup?: LookupFunction },
  signal: AbortSignal,
): Promise<Socket> {
  const address = `${to.host}:${to.port}`;
  return new Promise((resolve, reject) => {
    const line = connectTcp({ ...to, noDelay: true, timeout: CONNECT_TIMEOUT_MS });
    const give = (error?: Error) => {
      line.destroy();
      reject(brokerError(error, address));
    };
    const onAbort = () => give();
    const onTimeout = () => give(Object.assign(new Error("no answer in time"), { code: "ETIMEDOUT" }));
    signal.addEventListener("abort", onAbort, { once: true });
    line
      .once("error", give)
      .once("timeout", onTimeout)
      .once("connect", () => {
        signal.removeEventListener("abort", onAbort);
        line.off("error", give).off("timeout", onTimeout).setTimeout(0);
        if (signal.aborted) give();
        else resolve(line);
      })
      .once("close", () => signal.removeEventListener("abort", onAbort));
    if (signal.aborted) give();
  });
}

function subscribe(
  client: MqttClient,
  topics: readonly string[],
  address: string,
  resolve: () => void,
  reject: (error: Error) => void,
): void {
  client.subscribe([...topics], { qos: 1 }, (error, granted) => {
    const refused = granted?.find(({ qos }) => qos === SUBSCRIPTION_REFUSED);
    if (error === null && refused === undefined) resolve();
    else reject(brokerError(Object.assign(new Error(`topic ${refused?.topic ?? ""}`), { code: 5 }), address));
  });
}

/** Whichever comes first: the step is done, or the connection is gone. */
function raceWithEnd(
  closed: Promise<GatewayError | undefined>,
  step: (resolve: () => void, reject: (error: Error) => void) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    step(resolve, reject);
    void closed.then((error) => reject(error ?? brokerError(undefined, "the broker")));
  });
}

function addressOf({ url, tls }: MqttSessionOptions): { readonly host: string; readonly port: number } {
  const { hostname, port, protocol } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  if (tls === undefined && (protocol !== "mqtt:" || (host !== "127.0.0.1" && host !== "::1"))) {
    throw new GatewayError("BROKER_INSECURE", `${url} without TLS is not for anything but loopback`, {
      hint: "Enrol the node (`shao enroll`), and use mqtts:// in `bridge.url`.",
    });
  }
  return { host, port: port === "" ? (protocol === "mqtt:" ? 1883 : 8883) : Number(port) };
}
