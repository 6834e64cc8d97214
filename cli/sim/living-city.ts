import { startGpsSimulator } from "../../drivers/gps-nmea/simulator.ts";
import { startNoiseSimulator } from "../../drivers/modbus-noise/simulator.ts";
import type { ApiClient } from "./api-client.ts";
import type { Child } from "./child.ts";
import { City, SITES, VEHICLES } from "./city.ts";
import { type LinkProxy, startLinkProxy } from "./link-proxy.ts";
import type { LocalSystem } from "./local-system.ts";

/** The site whose link to the bridge drops once. */
export const SITE_WITH_BAD_LINK = "site-jinsong";

export interface LivingCity extends AsyncDisposable {
  readonly city: City;
  /** The link of SITE_WITH_BAD_LINK. */
  readonly link: LinkProxy;
  /** Starts the gateways of all sites and vehicles. */
  startNodes(): readonly Child[];
}

/**
 * The devices of the city, speaking the real protocols on loopback, and a paired, configured gateway for each site and
 * vehicle. The first site's meters stand behind a serial server (RTU over TCP), the second's speaks Modbus TCP.
 * @param cameras of the first site, as its config names them
 */
export async function buildCity(
  system: LocalSystem,
  admin: ApiClient,
  progress: (done: number, of: number) => void,
  cameras: Readonly<Record<string, unknown>> = {},
): Promise<LivingCity> {
  const city = new City();
  await using closing = new AsyncDisposableStack();
  const link = await startLinkProxy({ to: { host: "127.0.0.1", port: system.mqttPort } });
  closing.defer(() => link.close());
  const nodes = [...SITES, ...VEHICLES].map(({ node }) => node);
  let done = 0;

  for (const [index, site] of SITES.entries()) {
    const framing = index === 0 ? "rtu" : "tcp";
    const meters = await startNoiseSimulator({
      listen: { tcp: { host: "127.0.0.1", port: 0 }, framing },
      units: site.meters.map(({ unit }) => unit),
      levelAt: (unit, atMs) => city.levelDb(site.node, unit, atMs),
    });
    closing.defer(() => meters.close());
    const devices = site.meters.map(({ device, unit }) => [device, { driver: "modbus-noise", bus: "meters", unit }]);
    const rules = site.meters.map(({ device }) => [`loud-${device}`, { kind: "trigger", device, byDay: true }]);
    const watched = index === 0 ? Object.keys(cameras) : [];
    const violations = watched.map((camera) => [
      `open-bed-${camera}`,
      { kind: "violation", cameras: [camera], classes: ["truck/uncovered"], dwellS: 5 },
    ]);
    const { name, latitudeDeg, longitudeDeg } = site;
    const config = {
      site: { name, timeZone: "Asia/Shanghai", latitudeDeg, longitudeDeg },
      buses: { meters: { tcp: `127.0.0.1:${meters.port}`, framing } },
      devices: Object.fromEntries(devices),
      rules: Object.fromEntries([...rules, ...violations]),
      ...(index === 0 ? { cameras } : {}),
    };
    system.writeNodeConfig(site.node, config, site.node === SITE_WITH_BAD_LINK ? link.port : system.mqttPort);
  }

  for (const vehicle of VEHICLES) {
    const receiver = await startGpsSimulator({
      listen: { tcp: { host: "127.0.0.1", port: 0 } },
      positionAt: (atMs) => city.position(vehicle.node, atMs),
    });
    closing.defer(() => receiver.close());
    system.writeNodeConfig(vehicle.node, {
      timeZone: "Asia/Shanghai",
      devices: { gps: { driver: "gps-nmea", tcp: `127.0.0.1:${receiver.port}` } },
    });
  }

  for (const node of nodes) {
    await system.pair(admin, node);
    done += 1;
    progress(done, nodes.length);
  }
  const all = closing.move();
  return {
    city,
    link,
    startNodes: () => nodes.map((node) => system.startNode(node)),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** Units, crews and tonight's roster, as an operator would enter them. */
export async function enterRoster(admin: ApiClient, nowMs: number): Promise<void> {
  await admin.call("POST", "/api/v1/units", { id: "chaoyang", name: "Chaoyang district", level: "district" });
  const street = { id: "jianwai", name: "Jianwai street", level: "street", parentId: "chaoyang" };
  await admin.call("POST", "/api/v1/units", street);
  for (const { crewId, crewName, node } of VEHICLES) {
    await admin.call("POST", "/api/v1/crews", { id: crewId, name: crewName, unitId: "jianwai", vehicleNode: node });
    await admin.call("POST", "/api/v1/rosters", { crewId, fromMs: nowMs - 3_600_000, toMs: nowMs + 12 * 3_600_000 });
  }
}
