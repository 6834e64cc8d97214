import type { DeviceLinks } from "../drivers/device-links.ts";
import type { Clock } from "../drivers/driver.ts";
import type { GatewayConfig } from "./config/gateway-config.ts";
import type { JournalWrite } from "./contracts/journal.ts";
import type { Logger } from "./contracts/logger.ts";
import type { DeviceHealth, DeviceReading } from "./contracts/readings.ts";
import { type LocalServer, startLocalServer } from "./local/local-server.ts";
import { ProbeServer } from "./local/probe-server.ts";
import type { LocalPage, LocalPageOptions } from "./local-page.ts";
import type { NodeReport } from "./node-report.ts";

export interface LocalServicesOptions {
  readonly config: GatewayConfig;
  readonly log: Logger;
  readonly clock: Clock;
  readonly links: Pick<DeviceLinks, "openBus">;
  readonly report: NodeReport;
  readonly deviceHealth: () => readonly DeviceHealth[];
  readonly page: Omit<LocalPageOptions, "config" | "log" | "report" | "deviceHealth">;
}

/** What the box offers to somebody who stands before it, whether or not there is a bridge. */
export class LocalServices {
  readonly #server: LocalServer | undefined;
  readonly #probe: ProbeServer;
  readonly #page: LocalPage | undefined;

  private constructor(server: LocalServer | undefined, probe: ProbeServer, page: LocalPage | undefined) {
    this.#server = server;
    this.#probe = probe;
    this.#page = page;
  }

  /** @throws GatewayError LOCAL_PORT */
  static async start(options: LocalServicesOptions): Promise<LocalServices> {
    const { config, log, clock, links, report, deviceHealth: health } = options;
    let server: LocalServer | undefined;
    let page: LocalPage | undefined;
    if (config.health !== undefined) {
      const answers = {
        health: () => report.health(),
        metrics: () => report.metrics(),
        page: () => whereThePageIs(config, page),
      };
      server = await startLocalServer({ ...config.health, ...answers });
      log.info({ host: config.health.host, port: server.port }, "local health page listens");
    }
    const probe = await ProbeServer.start({ config, openBus: links.openBus, health, clock, log });
    page = await startPage(options);
    return new LocalServices(server, probe, page);
  }

  /** Of the local health page, where there is one. */
  get port(): number | undefined {
    return this.#server?.port;
  }

  /** Of the page for people, where there is one. */
  get pagePort(): number | undefined {
    return this.#page?.port;
  }

  /** Every reading of a device, whatever becomes of it. */
  heard(heard: DeviceReading): void {
    this.#probe.heard(heard);
    this.#page?.heard(heard);
  }

  /** Every write that a stage asks for. */
  wrote(write: JournalWrite): void {
    this.#page?.wrote(write);
  }

  async close(): Promise<void> {
    await Promise.all([this.#server?.close(), this.#probe.close(), this.#page?.close()]);
  }
}

function whereThePageIs(config: GatewayConfig, page: LocalPage | undefined): string {
  if (config.page === undefined) return "a page for people is made by `page: { port: 8090 }` in the config";
  if (page?.address === undefined) return "the page for people is not served; the log says why";
  return `the page for people is ${page.address}`;
}

/** A node without a page never loads it. */
async function startPage(options: LocalServicesOptions): Promise<LocalPage | undefined> {
  const { config, log, report, deviceHealth, page } = options;
  if (config.page === undefined) return undefined;
  const { LocalPage } = await import("./local-page.ts");
  return LocalPage.start({ ...page, config, log, report, deviceHealth });
}
