import { createRequire } from "node:module";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket, Server as TlsServer } from "node:tls";
import { Aedes, type AuthenticateError, type Client, type PublishPacket } from "aedes";
import { Value } from "typebox/value";
import { NodeId } from "../../protocol/ids.ts";
import { MAX_CONNECT_PACKET_BYTES, MAX_PACKET_BYTES } from "../../protocol/limits.ts";
import { DEFAULT_TOPIC_PREFIX, parseTopic } from "../../protocol/topics.ts";
import type { Logger } from "../store/logger.ts";
import { publishRefusal, REFUSALS, type Refusal, subscribeRefusal, willRefusal } from "./access.ts";
import { GuardedStream } from "./guarded-stream.ts";
import type { Link, LinkCounters, LinkHandlers } from "./link.ts";

/** A stalled reader is cut after this; until then it holds its own deliveries only. */
const DRAIN_TIMEOUT_MS = 5_000;
const CONNECT_TIMEOUT_MS = 10_000;
/** A node that is silent for longer than 1.5 × this is cut, so that its state is true. */
const KEEPALIVE_LIMIT_S = 300;
const IDENTIFIER_REJECTED = 2;
const SERVER_UNAVAILABLE = 3;
const NOT_AUTHORIZED = 5;

export interface ServerIdentity {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

export interface EmbeddedBrokerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** `insecure-loopback`: plain MQTT where the client id alone is believed; for benches, on 127.0.0.1 or ::1 only. */
  readonly tls: ServerIdentity | "insecure-loopback";
  readonly handlers: LinkHandlers;
  /** Asked at every connect: may the holder of this certificate be this node? Anything but `admitted` is refused. */
  readonly admit: (node: string, certificateSha256: string) => Promise<"admitted" | Refusal>;
  readonly log: Logger;
  readonly prefix?: string;
  /** Called when a connection takes over one that still lived. */
  readonly onTakeOver?: (node: string) => void;
}

export interface EmbeddedBroker extends Link {
  /** New connections get this certificate; those that stand keep theirs. */
  renew(identity: ServerIdentity): void;
}

/** What is known of a connection before and after its CONNECT. */
interface Peer {
  readonly address: string;
  readonly commonName?: string;
  readonly certificateSha256?: string;
  will?: { readonly topic: string; readonly qos: number; readonly retain: boolean };
  persistent: boolean;
  readonly subscribed: Set<string>;
}

/** aedes behind its guards: who may connect, how long a packet may be, and on which topics a node speaks and hears. */
export async function startEmbeddedBroker(options: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
  const { handlers, log, prefix = DEFAULT_TOPIC_PREFIX } = options;
  const refused = Object.fromEntries(REFUSALS.map((refusal) => [refusal, 0])) as Record<Refusal, number>;
  const counts = { connects: 0, takeOvers: 0, messagesIn: 0, messagesOut: 0 };
  const peers = new WeakMap<object, Peer>();
  const connected = new Map<string, Client>();

  const refuse = (refusal: Refusal, address: string, node?: string, facts: object = {}): void => {
    refused[refusal] += 1;
    log.warn({ refusal, address, node, ...facts }, "connection refused");
  };
  const peerOf = (client: Client | null): Peer | undefined => (client === null ? undefined : peers.get(client.conn));

  forgetPacketNumbers();
  const aedes = await Aedes.createBroker({
    drainTimeout: DRAIN_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepaliveLimit: KEEPALIVE_LIMIT_S,
    maxClientsIdLength: 63,
    maxTopicLevels: 8,

    preConnect(client, packet, done) {
      const peer = peerOf(client);
      if (peer === undefined) return done(new Error("connection of unknown origin"), false);
      const { will } = packet;
      if (will !== undefined) peer.will = { topic: will.topic, qos: will.qos ?? 0, retain: will.retain ?? false };
      peer.persistent = packet.clean === false;
      done(null, true);
    },

    authenticate(client, _username, _password, done) {
      const peer = peerOf(client);
      if (peer === undefined) return done(refusalError("no-certificate", NOT_AUTHORIZED), false);
      connectRefusal(client.id, peer).then(
        (refusal) => {
          if (refusal !== undefined) {
            refuse(refusal, peer.address, client.id, { commonName: peer.commonName });
            const returnCode =
              refusal === "hijacked-id" || refusal === "not-a-node-id" ? IDENTIFIER_REJECTED : NOT_AUTHORIZED;
            done(refusalError(refusal, returnCode), false);
            return;
          }
          if (connected.has(client.id)) {
            counts.takeOvers += 1;
            log.warn({ node: client.id, address: peer.address }, "connection takes over one that still lives");
            options.onTakeOver?.(client.id);
          }
          if (client.conn instanceof GuardedStream) client.conn.allow(MAX_PACKET_BYTES);
          done(null, true);
        },
        (error: unknown) => {
          log.error({ node: client.id, error: String(error) }, "cannot ask who may connect");
          done(refusalError("node-unknown", SERVER_UNAVAILABLE), false);
        },
      );
    },

    authorizePublish(client, packet, done) {
      // Only a will comes without its client: one that another broker left behind. There is no other broker.
      if (client === null) return done(new Error("will of an unknown client"));
      const facts = { topic: packet.topic, qos: packet.qos, retain: packet.retain };
      const refusal = publishRefusal(client.id, facts, prefix);
      if (refusal === undefined) return done(null);
      refuse(refusal, peerOf(client)?.address ?? "", client.id, { topic: packet.topic.slice(0, 200) });
      done(new Error(refusal));
    },

    authorizeSubscribe(client, subscription, done) {
      const peer = peerOf(client);
      const refusal = subscribeRefusal(client.id, subscription.topic, prefix);
      if (refusal === undefined && peer !== undefined) {
        peer.subscribed.add(subscription.topic);
        return done(null, subscription);
      }
      refuse(refusal ?? "foreign-subscription", peer?.address ?? "", client.id, {
        topic: subscription.topic.slice(0, 200),
      });
      done(null, null);
    },

    published(packet, client, done) {
      // aedes publishes its own notices too.
      if (client === null || client === undefined) return done(null);
      counts.messagesIn += 1;
      deliver(packet).then(
        () => done(null),
        (error: unknown) => {
          // No receipt goes out, so the node sends again.
          log.error({ node: client.id, topic: packet.topic, error: String(error) }, "message not taken");
          done(null);
        },
      );
    },
  });

  async function connectRefusal(id: string, peer: Peer): Promise<Refusal | undefined> {
    if (!Value.Check(NodeId, id)) return "not-a-node-id";
    if (peer.persistent) return "persistent-session";
    if (options.tls !== "insecure-loopback") {
      if (peer.commonName === undefined || peer.certificateSha256 === undefined) return "no-certificate";
      if (peer.commonName !== id) return "hijacked-id";
      const admission = await options.admit(id, peer.certificateSha256);
      if (admission !== "admitted") return admission;
    }
    return peer.will === undefined ? undefined : willRefusal(id, peer.will, prefix);
  }

  async function deliver(packet: PublishPacket): Promise<void> {
    const topic = parseTopic(packet.topic, prefix);
    if (topic === undefined) return;
    const bytes = typeof packet.payload === "string" ? Buffer.from(packet.payload) : packet.payload;
    if (topic.channel === "up") await handlers.onUp(topic.node, bytes);
    else if (topic.channel === "state") await handlers.onState(topic.node, bytes);
    else if (topic.channel === "live") handlers.onLive(topic.node, topic.name, bytes);
    else if (topic.channel === "blob") await handlers.onBlob?.(topic.node, topic.name, bytes);
  }

  aedes.on("client", (client) => {
    counts.connects += 1;
    // aedes closes the older of two, unless that one was closing already; then it forgets the newer.
    const older = connected.get(client.id);
    connected.set(client.id, client);
    if (older !== undefined && older !== client) older.close();
  });
  aedes.on("clientDisconnect", (client) => {
    if (connected.get(client.id) === client) connected.delete(client.id);
  });
  aedes.on("clientError", (client, error) => {
    if (error.message !== "drain timeout") return;
    refuse("too-slow", peerOf(client)?.address ?? "", client.id);
  });
  // Without a listener an error of a connection that has not said who it is would end the process.
  aedes.on("connectionError", (client, error) => {
    log.debug({ address: peerOf(client)?.address, error: error.message }, "connection ended before it was known");
  });

  const sockets = new Set<Socket>();
  function accept(socket: Socket, facts: Pick<Peer, "commonName" | "certificateSha256">): void {
    socket.setNoDelay(true);
    const address = socket.remoteAddress ?? "";
    const stream = new GuardedStream(socket, {
      limitBytes: MAX_CONNECT_PACKET_BYTES,
      onFault: (fault) => refuse(fault, address, facts.commonName),
    });
    peers.set(stream, { address, ...facts, persistent: false, subscribed: new Set() });
    aedes.handle(stream);
  }

  const server = listenerFor(options, accept, refuse);
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  const port = await listen(server, options.host, options.port);

  return {
    port,
    state: "embedded",
    publish(topic, bytes, qos) {
      const client = connected.get(parseTopic(topic, prefix)?.node ?? "");
      if (client === undefined || !peerOf(client)?.subscribed.has(topic)) return Promise.resolve(false);
      counts.messagesOut += 1;
      // To the client itself, not through the broker's queue, where one stalled reader would hold back all others.
      const packet: PublishPacket = {
        cmd: "publish",
        topic,
        payload: Buffer.from(bytes),
        qos,
        dup: false,
        retain: false,
      };
      return new Promise((resolve) =>
        client.publish(packet, (error) => resolve(error === undefined || error === null)),
      );
    },
    disconnect(node) {
      connected.get(node)?.close();
    },
    counters(): LinkCounters {
      return { connected: connected.size, ...counts, refused: { ...refused } };
    },
    renew(identity) {
      if (server instanceof TlsServer) server.setSecureContext(identity);
    },
    async close() {
      server.close();
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** What aedes writes with would hold a buffer for each of the 65,536 packet numbers: 9 MB. */
function forgetPacketNumbers(): void {
  const { writeToStream } = createRequire(import.meta.resolve("aedes"))("mqtt-packet") as {
    readonly writeToStream: { cacheNumbers: boolean };
  };
  writeToStream.cacheNumbers = false;
}

function listenerFor(
  { tls, host }: EmbeddedBrokerOptions,
  accept: (socket: Socket, facts: Pick<Peer, "commonName" | "certificateSha256">) => void,
  refuse: (refusal: Refusal, address: string) => void,
): Server {
  if (tls === "insecure-loopback") {
    if (host !== "127.0.0.1" && host !== "::1") throw new RangeError(`plain MQTT is for loopback, not for ${host}`);
    return createServer((socket) => accept(socket, {}));
  }
  // Who has no certificate of ours is let through the handshake only to be counted and cut.
  const settings = { ...tls, requestCert: true, rejectUnauthorized: false, handshakeTimeout: CONNECT_TIMEOUT_MS };
  const server = createTlsServer({ ...settings, minVersion: "TLSv1.2" }, (socket: TLSSocket) => {
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined || !socket.authorized) {
      refuse(certificate === undefined ? "no-certificate" : "foreign-certificate", socket.remoteAddress ?? "");
      socket.destroy();
      return;
    }
    const commonName = /^CN=([^\n]+)$/u.exec(certificate.subject)?.[1];
    const certificateSha256 = certificate.fingerprint256.replaceAll(":", "").toLowerCase();
    accept(socket, { certificateSha256, ...(commonName === undefined ? {} : { commonName }) });
  });
  server.on("tlsClientError", (_error, socket) => refuse("no-tls", socket.remoteAddress ?? ""));
  return server;
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

function refusalError(refusal: Refusal, returnCode: number): AuthenticateError {
  return Object.assign(new Error(refusal), { returnCode });
}
