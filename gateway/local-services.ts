import type { DeviceLinks } from "../drivers/device-links.ts";
import type { Clock } from "../drivers/driver.ts";
import type { Position } from "../protocol/ids.ts";
import type { GatewayConfig } from "./config/gateway-config.ts";
import type { Logger } from "./contracts/logger.ts";
import type { DeviceHealth, DeviceReading } from "./contracts/readings.ts";
import { type LocalServer, startLocalServer } from "./local/local-server.ts";
import { ProbeServer } from "./local/probe-server.ts";
import type { NodeReport } from "./node-report.ts";

export interface LocalServicesOptions {
  readonly config: GatewayConfig;
  readonly log: Logger;
  readonly clock: Clock;
  readonly links: Pick<DeviceLinks, "openBus">;
  readonly report: NodeReport;
  readonly deviceHealth: () => readonly DeviceHealth[];
}

/** What the box offers to somebody who stands before it, whether or not there is a bridge. */
export class LocalServices {
  readonly #server: LocalServer | undefined;
  readonly #probe: ProbeServer;
  #position: Position | undefined;

  private constructor(server: LocalServer | undefined, probe: ProbeServer) {
    this.#server = server;
    this.#probe = probe;
  }

  /** @throws GatewayError LOCAL_PORT */
  static async start(options: LocalServicesOptions): Promise<LocalServices> {
    const { config, log, clock, links, report, deviceHealth: health } = options;
    let server: LocalServer | undefined;
    if (config.health !== undefined) {
      const answers = { health: () => report.health(), metrics: () => report.metrics() };
      server = await startLocalServer({ ...config.health, ...answers });
      log.info({ host: config.health.host, port: server.port }, "local health page listens");
    }
    const probe = await ProbeServer.start({ config, openBus: links.openBus, health, clock, log });
    return new LocalServices(server, probe);
  }

  /** Of the local health page, where there is one. */
  get port(): number | undefined {
    return this.#server?.port;
  }

  /** Where this node is, by its own receiver's newest fix. */
  get position(): Position | undefined {
    return this.#position;
  }

  /** Every reading of a device, whatever becomes of it. */
  heard(heard: DeviceReading): void {
    this.#probe.heard(heard);
    const { reading, subject } = heard;
    if (reading.kind !== "position" || subject !== undefined) return;
    const { latitudeDeg, longitudeDeg, accuracyM } = reading;
    this.#position = { latitudeDeg, longitudeDeg, ...(accuracyM === undefined ? {} : { accuracyM }) };
  }

  async close(): Promise<void> {
    await Promise.all([this.#server?.close(), this.#probe.close()]);
  }
}
