import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type ListenSettings, reachableHost, urlOf } from "./addresses.ts";
import { startEmbeddedBroker } from "./broker/embedded-broker.ts";
import { type ClientIdentity, connectExternalBroker } from "./broker/external-broker.ts";
import type { Link, LinkHandlers } from "./broker/link.ts";
import { tellBroker } from "./broker/tell-broker.ts";
import { tendBrokerFiles } from "./broker-files.ts";
import type { BridgeConfig } from "./config.ts";
import { AdmittedNodes } from "./fleet/admitted-nodes.ts";
import type { Authority, ServerTls } from "./fleet/authority.ts";
import { admit } from "./fleet/enrolment.ts";
import { listenError } from "./listen-error.ts";
import { noteSilentGone } from "./node-connections.ts";
import type { BridgeClock } from "./store/clock.ts";
import type { Db } from "./store/database.ts";
import { BridgeError } from "./store/errors.ts";
import type { Logger } from "./store/logger.ts";

/** A broker that lost its sessions hears of a node again when that has noticed: so long nobody is called gone. */
const COME_BACK_MS = 45_000;

/** What the bridge needs of whichever broker it has. */
export interface OpenLink {
  readonly link: Link;
  /** What nodes are told at their enrolment. */
  readonly mqttUrl: string;
  /** Called by the clock: certificates, what the broker must know of them, and who puts files together. */
  readonly tend: (renewed?: ServerTls) => Promise<void>;
}

export interface OpenLinkOptions {
  readonly config: BridgeConfig;
  readonly db: Db;
  readonly authority: Authority;
  readonly tls: ServerTls | "insecure-loopback";
  readonly handlers: LinkHandlers;
  readonly worker: string;
  readonly clock: BridgeClock;
  readonly log: Logger;
  /** Whether this process is the elected writer now: it alone takes files from a broker that others share. */
  readonly isElected: () => boolean;
  /** Nodes that were taken for connected and are not. */
  readonly onGone: (nodes: readonly string[]) => void;
}

/** @throws BridgeError LISTEN_PORT_TAKEN, LISTEN_REFUSED, BROKER_FILES */
export async function openLink(options: OpenLinkOptions): Promise<OpenLink> {
  return options.config.broker === "embedded" ? embedded(options) : external(options, options.config.broker.external);
}

async function embedded({ config, db, tls, handlers, log }: OpenLinkOptions): Promise<OpenLink> {
  const { listen, topicPrefix, insecureLoopback } = config;
  const broker = await startEmbeddedBroker({
    host: listen.host,
    port: listen.mqtt,
    tls,
    prefix: topicPrefix,
    log,
    admit: (node, certificateSha256) => admit(db, node, certificateSha256),
    handlers,
  }).catch((error: unknown) => {
    throw listenError(error, listen.host, listen.mqtt);
  });
  return {
    link: broker,
    mqttUrl: urlOf(insecureLoopback ? "mqtt" : "mqtts", reachableHost(listen), broker.port),
    async tend(renewed) {
      if (renewed !== undefined) broker.renew(renewed);
    },
  };
}

type ExternalSettings = Exclude<BridgeConfig["broker"], string>["external"];

async function external(options: OpenLinkOptions, settings: ExternalSettings): Promise<OpenLink> {
  const { config, db, authority, handlers, worker, clock, log, isElected, onGone } = options;
  const isPlain = settings.url.startsWith("mqtt://");
  const own = await authority.brokerClient(clock.nowMs());
  const tls = isPlain ? undefined : identityOf(settings, authority.caPem, own);
  const admitted = new AdmittedNodes(db);
  // Whoever knew its name could join the group, and what the broker hands to that one would reach nobody.
  const group = createHash("sha256").update(own.keyPem).digest("hex").slice(0, 32);
  let lookAgain: NodeJS.Timeout | undefined;
  const shared = {
    ...handlers,
    // One process takes it, in the order of the broker: another that stood still would bring back a session that is over.
    onState: (node: string, bytes: Uint8Array) => (isElected() ? handlers.onState(node, bytes) : undefined),
  };
  const broker = connectExternalBroker({
    url: settings.url,
    ...(tls === undefined ? {} : { tls }),
    clientId: `shao-bridge-${worker}`,
    prefix: config.topicPrefix,
    log,
    ...(config.store === "sqlite" ? {} : { group }),
    admit: async (node) => (config.insecureLoopback ? "admitted" : admitted.ask(node)),
    handlers: shared,
    onConnected() {
      // Who lives is heard of again: by its retained state at once, or after a restart of the broker when it is back.
      const sinceMs = clock.nowMs();
      clearTimeout(lookAgain);
      lookAgain = setTimeout(() => {
        noteSilentGone(db, sinceMs, clock.nowMs()).then(onGone, (error: unknown) => {
          log.warn({ error: String(error) }, "nodes that did not come back not noted");
        });
      }, COME_BACK_MS).unref();
    },
  });
  const folder = brokerFolder(config);
  return {
    link: broker,
    mqttUrl: nodesUrl(config, settings),
    async tend() {
      broker.act(isElected());
      if (isPlain || !isElected() || !existsSync(folder)) return;
      const hosts = [new URL(settings.url).hostname, new URL(nodesUrl(config, settings)).hostname];
      const nowMs = clock.nowMs();
      if (await tendBrokerFiles({ authority, db, settings: { folder }, hosts, nowMs }))
        tellBroker(settings.pidFile, log);
    },
  };
}

/** Where `shao bridge broker-config` writes. */
export function brokerFolder({ broker, state }: Pick<BridgeConfig, "broker" | "state">): string {
  return (broker === "embedded" ? undefined : broker.external.folder) ?? join(state, "broker");
}

/** Where nodes connect. */
export function nodesUrl(
  {
    listen,
    insecureLoopback,
  }: { readonly listen: ListenSettings & { readonly mqtt: number }; insecureLoopback: boolean },
  settings: ExternalSettings,
): string {
  return settings.nodesUrl ?? urlOf(insecureLoopback ? "mqtt" : "mqtts", reachableHost(listen), listen.mqtt);
}

function identityOf(
  { caFile, certFile, keyFile }: ExternalSettings,
  caPem: string,
  own: { readonly certificatePem: string; readonly keyPem: string },
): ClientIdentity {
  const read = (path: string | undefined, otherwise: string) => (path === undefined ? otherwise : readPem(path));
  return { ca: read(caFile, caPem), cert: read(certFile, own.certificatePem), key: read(keyFile, own.keyPem) };
}

function readPem(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new BridgeError("BROKER_FILES", `${path} cannot be read`, {
      status: 503,
      hint: "`broker.external` in the bridge's config names it: see that it is there and that the bridge may read it.",
      cause,
    });
  }
}
