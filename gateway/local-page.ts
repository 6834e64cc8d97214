import type { ActsOfNode } from "./acts-of-node.ts";
import type { GatewayConfig } from "./config/gateway-config.ts";
import type { BlobFiles, EvidenceRoom } from "./contracts/evidence.ts";
import { codeOf, GatewayError } from "./contracts/gateway-error.ts";
import type { JournalWrite, OpenAlarm } from "./contracts/journal.ts";
import type { LiveView } from "./contracts/live-view.ts";
import type { Logger } from "./contracts/logger.ts";
import type { DeviceHealth, DeviceReading } from "./contracts/readings.ts";
import type { LogMemory } from "./diagnostics/log-memory.ts";
import { Door } from "./local/page/door.ts";
import type { PageServer } from "./local/page/page-server.ts";
import type { PageSource } from "./local/page/page-source.ts";
import { Pin } from "./local/page/pin.ts";
import { Recent } from "./local/page/recent.ts";
import { type NodeReport, problemOf } from "./node-report.ts";
import { TestAlarm } from "./test-alarm.ts";
import type { TimeKeeper } from "./time/time-keeper.ts";

const EVIDENCE_SHOWN = 50;

export interface LocalPageOptions {
  readonly config: GatewayConfig;
  readonly log: Logger;
  readonly logs: LogMemory;
  readonly report: NodeReport;
  readonly time: TimeKeeper;
  readonly upMs: () => number;
  readonly deviceHealth: () => readonly DeviceHealth[];
  readonly openAlarms: readonly OpenAlarm[];
  readonly acts: ActsOfNode;
  readonly evidence: BlobFiles & EvidenceRoom;
  readonly write: (write: JournalWrite) => void;
  /** What only the person who starts the box may read: the PIN when it is made, and where the page is. */
  readonly tell: (text: string) => void;
  /** Undefined: this node has none, or they have not started yet. */
  readonly cameras: () => LiveView | undefined;
}

/** The page of this box: what it hears, how it is, and in a vehicle the assignment; with or without a cloud. */
export class LocalPage {
  readonly #options: LocalPageOptions;
  readonly #recent: Recent;
  readonly #testAlarm: TestAlarm;
  #server: PageServer | undefined;

  private constructor(options: LocalPageOptions) {
    this.#options = options;
    this.#recent = new Recent(options.openAlarms);
    const write = (writes: JournalWrite) => {
      this.#recent.wrote(writes);
      options.write(writes);
    };
    this.#testAlarm = new TestAlarm({ stamp: () => options.time.stamp(), write, openAlarms: options.openAlarms });
  }

  /** A page that cannot be served keeps no meter from being read. */
  static async start(options: LocalPageOptions): Promise<LocalPage> {
    const page = new LocalPage(options);
    try {
      await page.#listen();
    } catch (error) {
      const problem = error instanceof GatewayError ? problemOf(error) : { code: codeOf(error), error: String(error) };
      options.log.error(problem, "there is no local page");
    }
    return page;
  }

  get port(): number | undefined {
    return this.#server?.port;
  }

  /** Where a browser finds it; undefined where it could not be served. */
  get address(): string | undefined {
    const { page } = this.#options.config;
    if (page === undefined || this.#server === undefined) return undefined;
    const host = page.host.includes(":") ? `[${page.host}]` : page.host;
    const at = isLoopback(page.host) ? `http://${host}` : "https://ADDRESS-OF-THIS-BOX";
    return `${at}:${this.#server.port}`;
  }

  heard(reading: DeviceReading): void {
    this.#recent.heard(reading);
  }

  wrote(write: JournalWrite): void {
    this.#recent.wrote(write);
  }

  async close(): Promise<void> {
    this.#testAlarm.stop();
    await this.#server?.close();
  }

  async #listen(): Promise<void> {
    const { config, log, tell, time, upMs } = this.#options;
    const { page, state, node } = config;
    if (page === undefined) return;
    const { startPageServer } = await import("./local/page/page-server.ts");
    const certificate = isLoopback(page.host)
      ? undefined
      : await (await import("./local/page/certificate.ts")).pageCertificate(state, time.nowMs());
    const { pin, fresh } = await Pin.open(state);
    const door = new Door((given) => pin.is(given), upMs);
    this.#server = await startPageServer({
      ...{ host: page.host, port: page.port, door, source: this.#source(), log },
      ...(certificate === undefined ? {} : { certificate }),
    });
    const { port } = this.#server;
    log.info({ host: page.host, port, fingerprint: certificate?.fingerprint }, "local page listens");
    if (fresh === undefined) return;
    const proof = certificate === undefined ? "" : `\n  certificate SHA-256 ${certificate.fingerprint}`;
    const pretty = `${fresh.slice(0, 4)} ${fresh.slice(4)}`;
    tell(
      `${node}: local page ${this.address}\n  PIN ${pretty}  (said once; \`shao gateway --new-pin\` makes another)${proof}\n`,
    );
  }

  #source(): PageSource {
    const { logs, acts, cameras } = this.#options;
    return {
      live: cameras,
      state: () => this.#state(),
      logs: (since) => logs.since(since),
      seen: () => acts.assignments.seen(),
      act: (assignmentId, act, cause) => acts.assignments.act(assignmentId, act, cause),
      testAlarm: async () => this.#testAlarm.raise(),
      diagnostics: async () => (await acts.diagnostics()).bytes,
    };
  }

  async #state(): Promise<object> {
    const { config, report, deviceHealth, acts, evidence } = this.#options;
    const { devices: _, ...health } = await report.health();
    const kept = await evidence.kept();
    const drivers = new Map(config.devices.map(({ id, driver }) => [id, driver.kind]));
    const all = deviceHealth();
    const subjects = Map.groupBy(
      all.filter(({ subject }) => subject !== undefined),
      ({ device }) => device,
    );
    return {
      ...health,
      site: config.site?.name,
      timeZone: config.timeZone,
      devices: all
        .filter(({ subject }) => subject === undefined)
        .map(({ device, body }) => ({
          ...{ id: device, driver: drivers.get(device) ?? "camera", ...body },
          subjects: (subjects.get(device) ?? []).map(({ subject, body: of }) => ({ id: subject?.id, state: of.state })),
        })),
      levels: this.#recent.levels,
      alarms: this.#recent.alarms,
      assignments: acts.assignments.assignments,
      cameras: this.#options.cameras()?.cameras ?? [],
      evidence: {
        ...evidence.facts(),
        files: kept
          .toSorted((a, b) => b.takenAtMs - a.takenAtMs)
          .slice(0, EVIDENCE_SHOWN)
          .map(({ blob, sizeBytes, type, takenAtMs, storedEpoch }) => {
            return { blob, sizeBytes, type, takenAtMs, isStored: storedEpoch !== undefined };
          }),
        count: kept.length,
      },
    };
  }
}

function isLoopback(host: string): boolean {
  return host === "127.0.0.1" || host === "::1";
}
