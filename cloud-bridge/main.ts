import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Server as TlsServer } from "node:tls";
import { encodeReceiptMessage } from "../protocol/hello.ts";
import type { Packing } from "../protocol/packing.ts";
import type { ReceiptMessage } from "../protocol/session.ts";
import { buildTopic } from "../protocol/topics.ts";
import { reachableHost, urlOf, welcomeLink } from "./addresses.ts";
import { caseworkPortOf } from "./api/casework-port.ts";
import type { ApiLimits } from "./api/context.ts";
import { deskPortOf } from "./api/desk-port-of.ts";
import type { EventHub } from "./api/event-hub.ts";
import { createApi } from "./api/server.ts";
import type { Link } from "./broker/link.ts";
import { keepCatalogue } from "./cases/catalogue-rows.ts";
import { DEFAULT_CATALOGUE } from "./cases/default-catalogue.ts";
import { channelsOf, open311Of } from "./channels.ts";
import { closeAll } from "./closing.ts";
import type { BridgeConfig } from "./config.ts";
import { configsOf } from "./configs.ts";
import { openConfiguredStore, postgresOf } from "./configured-store.ts";
import { newestEventsOf, shownTo } from "./crew-events.ts";
import { CrewLine } from "./crew-line.ts";
import { deskSettings, evidenceLimits, roomLimits, termsOf } from "./desk-settings.ts";
import { createDesk } from "./dispatch/desk.ts";
import { NodeCommands } from "./dispatch/node-commands.ts";
import { BlobIntake } from "./evidence/blob-intake.ts";
import { FiguresThread } from "./figures-thread.ts";
import { openAuthority } from "./fleet/authority.ts";
import { noteGoneWorkers } from "./fleet/gone-workers.ts";
import { HandsetPositions } from "./handset-positions.ts";
import { Ingest } from "./ingest/ingest.ts";
import { replayKnown } from "./ingest/replay.ts";
import { initialise, metricsTokenFile } from "./initialise.ts";
import { joinOthers, standForElection } from "./join-others.ts";
import { Keeping } from "./keeping.ts";
import { listenError } from "./listen-error.ts";
import { showLive, type Watched } from "./live-level.ts";
import { countOnline, cutRevoked, noteAllGone } from "./node-connections.ts";
import { type OpenLink, openLink } from "./open-link.ts";
import { PresenceNews } from "./presence-news.ts";
import { programVersion } from "./program-version.ts";
import { every } from "./recurring.ts";
import { Relay } from "./relay.ts";
import { type Candidacy, SESSION_PREFIX } from "./store/candidacy.ts";
import { type BridgeClock, systemClock } from "./store/clock.ts";
import { electWriter, type Store } from "./store/database.ts";
import { armFaultPoint, type NegativeControl, noFaultPoints } from "./store/fault-points.ts";
import type { Logger } from "./store/logger.ts";
import { VehiclePositions } from "./vehicle-positions.ts";

const TICK_MS = 200;
const REVOKED_EVERY_MS = 2_000;
const COMMANDS_EVERY_MS = 5_000;
const CREWS_EVERY_MS = 1_000;
const TIDY_EVERY_MS = 60_000;
const OTHERS_EVERY_MS = 1_000;
const RETENTION_EVERY_MS = 3600_000;
const RENEW_EVERY_MS = 12 * 3600_000;
const CONSOLE_FOLDER = join(import.meta.dirname, "console", "dist");

export interface BridgeOptions {
  readonly config: BridgeConfig;
  readonly log: Logger;
  readonly clock?: BridgeClock;
  /** Divides waiting times; rules, latencies and records are never scaled. */
  readonly timeScale?: number;
  /** `NAME[:N]`: die when this point is reached for the N-th time. */
  readonly faultPoint?: string;
  readonly negativeControl?: NegativeControl;
  /** Makes CA and first administrator where there are none; `adminLink` says how to get in. */
  readonly initialise?: boolean;
  /** Never to be the elected writer: takes records and serves pages beside the processes that act. */
  readonly isWorkerOnly?: boolean;
  readonly consoleFolder?: string;
  readonly limits?: ApiLimits;
}

export interface RunningBridge {
  readonly bridge: string;
  /** Of people and of `shao enroll`. */
  readonly url: string;
  readonly mqttUrl: string;
  readonly httpPort: number;
  readonly mqttPort: number;
  readonly caPem: string;
  readonly fingerprint: string;
  /** One-time link of the first administrator, where `initialise` made one. */
  readonly adminLink?: string;
  readonly store: Store;
  /** Resolves once the store has answered; `rounds` grows with each look of the desk at its timers. */
  pulse(): Promise<{ readonly rounds: number; readonly nodesOnline: number }>;
  /** Whether this process is the elected writer now. */
  isElected(): boolean;
  close(): Promise<void>;
}

/**
 * The whole bridge in this process: database and lock, desk, ingest, broker, API.
 * @throws BridgeError BRIDGE_NOT_INITIALISED, BRIDGE_ALREADY_RUNNING, LISTEN_PORT_TAKEN, LISTEN_REFUSED, STORE_…
 */
export async function startBridge(options: BridgeOptions): Promise<RunningBridge> {
  const { config, log, clock = systemClock, timeScale = 1 } = options;
  const { state, listen, topicPrefix, insecureLoopback } = config;
  const holdsConnections = config.broker === "embedded";
  const closers: (() => Promise<void> | void)[] = [];
  try {
    return await start();
  } catch (error) {
    await closeAll(closers, log);
    throw error;
  }

  async function start(): Promise<RunningBridge> {
    const faultPoints = options.faultPoint === undefined ? noFaultPoints : armFaultPoint(options.faultPoint);
    const { negativeControl } = options;
    const store = await openConfiguredStore(config, {
      nowMs: clock.nowMs(),
      faultPoints,
      ...(negativeControl === undefined ? {} : { negativeControl }),
    });
    closers.push(() => store.close());
    const address = postgresOf(config);
    const worker = randomBytes(8).toString("hex");
    let candidacy: Candidacy | undefined = address === undefined ? await ownWriter(state, store) : undefined;
    closers.push(() => candidacy?.close());
    const made =
      options.initialise === true || insecureLoopback ? await initialise(state, store, clock.nowMs()) : undefined;
    const authority = openAuthority(state);
    const host = reachableHost(listen);
    const names = [host, listen.host];
    const tls = insecureLoopback ? ("insecure-loopback" as const) : await authority.serverTls(names, clock.nowMs());
    await keepCatalogue(store.db, DEFAULT_CATALOGUE, "system:default", clock.nowMs());
    if (address === undefined && holdsConnections) await noteAllGone(store.db, clock.nowMs());

    let hub: EventHub | undefined;
    let watched: Watched | undefined;
    let broker: OpenLink | undefined;
    let reach: Link | undefined;
    const commands = new NodeCommands({
      ...{ db: store.db, clock, authority, log: log.child({ room: "commands" }) },
      send: async (node, bytes) =>
        (await reach?.publish(buildTopic({ node, channel: "down" }, topicPrefix), bytes, 1)) === true,
    });
    const { configs, rollouts } = configsOf({ db: store.db, clock, commands, log });
    const relay = new Relay({
      db: store.db,
      worker,
      clock,
      prefix: topicPrefix,
      onEvents: () => hub?.wake(),
      onDesk: () => {
        void wakeDesk();
        crewLine.wake();
      },
      onPresence: (node) => presence.changed(node),
      onLive: (node, device, bytes) => showLive(watched, node, device, bytes),
    });
    const channels = channelsOf(config, { db: store.db, commands, clock });
    const writer = () => candidacy?.elected?.db;
    const desk = createDesk({
      channels,
      db: store.db,
      writer,
      onUnelected: () => relay.desk(),
      clock,
      settings: deskSettings(config, timeScale),
      faultPoints,
      log: log.child({ room: "desk" }),
      publish() {
        hub?.wake();
        relay.events();
        crewLine.wake();
      },
    });
    const crewLine = new CrewLine({
      ...{
        channels,
        desk,
        writer,
        clock,
        settings: deskSettings(config, timeScale),
        log: log.child({ room: "channels" }),
      },
      statuses: config.channels.radio?.statuses ?? {},
      onUnelected: () => relay.desk(),
    });
    const wakeDesk = (): Promise<void> =>
      desk.wake().catch((error: unknown) => log.error({ error: String(error) }, "desk put off until its next tick"));
    closers.push(wakeDesk);
    const presence = new PresenceNews({ db: store.db, clock, log, hub: () => hub });
    closers.push(() => presence.stop());
    const handsets = new HandsetPositions({ log, report: (issi, fix) => desk.onPosition({ issi }, fix) });
    closers.push(() => handsets.idle());
    const vehicles = new VehiclePositions({ db: store.db, log, report: (node, fix) => desk.onPosition({ node }, fix) });
    const sendWaiting = (node: string): Promise<void> =>
      commands.resend(node).catch((error: unknown) => log.warn({ node, error: String(error) }, "commands wait on"));
    const publishReceipt = (node: string, message: ReceiptMessage, packing?: Packing) =>
      broker?.link.publish(
        buildTopic({ node, channel: "receipt" }, topicPrefix),
        encodeReceiptMessage(message, packing),
        1,
      );
    const ingest = new Ingest({
      store,
      clock,
      log: log.child({ room: "ingest" }),
      faults: faultPoints,
      clockSettleMs: config.silence.clockSeconds * 1000,
      publishReceipt,
      onCommitted(batch) {
        if (batch.hasAlarms) void wakeDesk();
        if (batch.hasCrewNews) crewLine.wake();
        handsets.seen(batch.handsets);
        for (const node of batch.greeted) void sendWaiting(node);
        for (const node of batch.nodes) {
          presenceChanged(node);
          vehicles.changed(node);
        }
      },
      ...(holdsConnections ? { worker } : {}),
      onPresence: (node) => presenceChanged(node),
    });
    const presenceChanged = (node: string): void => {
      presence.changed(node);
      relay.presence(node);
    };
    closers.push(() => ingest.idle());
    const blobs = new BlobIntake({
      store,
      state,
      clock,
      log: log.child({ room: "evidence" }),
      faults: faultPoints,
      limits: evidenceLimits(config),
      publishReceipt,
      onAlarms: () => void wakeDesk(),
    });
    closers.push(() => blobs.close());
    const keeping = new Keeping({
      db: store.db,
      writer,
      state,
      clock,
      log: log.child({ room: "keeping" }),
      terms: termsOf(config),
      limits: roomLimits(config),
      onAlarms: () => void wakeDesk(),
    });
    const replayed = await replayKnown(store.db, clock.nowMs());
    if (replayed.quarantined + replayed.raw > 0)
      log.info({ ...replayed }, "records taken up that could not be read before");
    if (address !== undefined) {
      const bus = await joinOthers({ address, worker, store, log, relay, onBack: () => hub?.wake() });
      closers.push(() => bus.close());
      candidacy = await standForElection({
        ...{ address, worker, log, relay, isWorkerOnly: options.isWorkerOnly === true },
        onElected() {
          if (!holdsConnections) blobs.forget();
          void wakeDesk();
          crewLine.wake();
        },
      });
    }

    broker = await openLink({
      config,
      db: store.db,
      authority,
      tls,
      worker,
      clock,
      log: log.child({ room: "broker" }),
      isElected: () => candidacy?.elected !== undefined,
      onGone: (nodes) => nodes.forEach(presenceChanged),
      handlers: {
        onUp: (node, bytes) => ingest.onUp(node, bytes),
        onState: (node, bytes) => ingest.onState(node, bytes),
        onBlob: (node, blob, bytes) => blobs.onBlob(node, blob, bytes),
        onLive(node, device, bytes) {
          showLive(watched, node, device, bytes);
          // A broker outside tells every process.
          if (holdsConnections) relay.live(node, device, bytes);
        },
      },
    });
    const { link, mqttUrl, tend } = broker;
    reach = relay.over(link);
    closers.push(() => link.close());

    const figures = new FiguresThread(config, clock.upMs);
    closers.push(() => figures.close());
    let url = "";
    const api = await createApi({
      store,
      authority,
      desk: deskPortOf(desk, store.db),
      casework: caseworkPortOf(desk, store.db, clock),
      figures,
      evidenceFiles: blobs.files,
      room: keeping,
      ...{ link: reach, commands, configs, rollouts, ...open311Of(config) },
      ...{ clock, tls, mqttUrl, topicPrefix, timeZone: config.timeZone, version: programVersion() },
      log: log.child({ room: "api" }),
      publicUrl: () => url,
      consoleFolder: options.consoleFolder ?? CONSOLE_FOLDER,
      metricsToken: readFileSync(metricsTokenFile(state), "utf8").trim(),
      ...(options.limits === undefined ? {} : { limits: options.limits }),
      facts: () => ({
        bridge: store.bridge,
        worker,
        elected: candidacy?.elected !== undefined,
        epoch: candidacy?.elected?.epoch,
        ...keeping.facts,
        timeScale,
      }),
      onLease: (node, device, untilMs) => relay.lease(node, device, untilMs),
      onVideo: (node, camera, untilMs) => relay.video(node, camera, untilMs),
      isVideoElsewhere: (node, camera) => relay.isVideoElsewhere(node, camera),
      onEventWritten(name, data, account) {
        const assignmentId = name === "assignment" ? shownTo(data, account.crewId) : undefined;
        if (assignmentId === undefined) return;
        desk.onDelivered(assignmentId, account.name).catch((error: unknown) => {
          log.warn({ assignmentId, error: String(error) }, "delivery not noted");
        });
      },
      undelivered: async (crewId) => newestEventsOf(store.db, await desk.undelivered(crewId)),
    });
    hub = api.hub;
    watched = api;
    await api.app.listen({ host: listen.host, port: listen.http }).catch((error: unknown) => {
      throw listenError(error, listen.host, listen.http);
    });
    closers.push(() => api.app.close());
    const bound = api.app.server.address();
    const httpPort = typeof bound === "object" && bound !== null ? bound.port : listen.http;
    url = urlOf(insecureLoopback ? "http" : "https", host, httpPort);

    const stopping = new AbortController();
    const recurring = { signal: stopping.signal, log };
    let rounds = 0;
    const loops = [
      every(TICK_MS, recurring, () => desk.tick().finally(() => (rounds += 1))),
      every(CREWS_EVERY_MS, recurring, () => crewLine.tick()),
      every(COMMANDS_EVERY_MS, recurring, () => commands.tick()),
      every(COMMANDS_EVERY_MS, recurring, async () => void (candidacy?.elected && (await rollouts.tick()))),
      every(TIDY_EVERY_MS, recurring, () => blobs.tick()),
      every(OTHERS_EVERY_MS, recurring, async () => {
        if (address === undefined) return;
        // What another process had committed when it died, before it could tell.
        hub?.wake();
        const { elected } = candidacy ?? {};
        if (elected === undefined) return;
        (await noteGoneWorkers(elected.db, SESSION_PREFIX, clock.nowMs())).forEach(presenceChanged);
      }),
      every(TIDY_EVERY_MS, recurring, () => keeping.look()),
      every(RETENTION_EVERY_MS, recurring, () => keeping.keep()),
      every(REVOKED_EVERY_MS, recurring, async () => {
        await cutRevoked(store.db, link);
        await tend();
      }),
      every(RENEW_EVERY_MS, recurring, async () => {
        if (insecureLoopback) return;
        const renewed = await authority.serverTls(names, clock.nowMs());
        await tend(renewed);
        if (api.app.server instanceof TlsServer) api.app.server.setSecureContext(renewed);
      }),
    ];
    closers.push(async () => {
      stopping.abort();
      keeping.stop();
      await Promise.all(loops);
    });
    log.info({ url, mqttUrl, bridge: store.bridge, fingerprint: authority.fingerprint }, "bridge listens");

    const invitation = made?.invitation;
    return {
      bridge: store.bridge,
      url,
      mqttUrl,
      httpPort,
      mqttPort: link.port,
      caPem: authority.caPem,
      fingerprint: authority.fingerprint,
      ...(invitation === undefined ? {} : { adminLink: welcomeLink(url, invitation.token) }),
      store,
      pulse: async () => ({ rounds, nodesOnline: await countOnline(store.db) }),
      isElected: () => candidacy?.elected !== undefined,
      close: () => closeAll(closers, log),
    };
  }
}

/** On SQLite the process that opened the state folder is the writer, or none is. */
async function ownWriter(state: string, store: Store): Promise<Candidacy> {
  const { epoch, resign } = await electWriter(state, store);
  return { elected: { db: store.db, epoch }, close: async () => resign() };
}
