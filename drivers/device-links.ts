import type { BusStatistics } from "./bus/bus-owner.ts";
import { BusRegistry } from "./bus/bus-registry.ts";
import type { Clock, DriverContext } from "./driver.ts";
import { openTcpLink } from "./net/tcp-client.ts";
import { listenTcpLinks } from "./net/tcp-listener.ts";
import { openUdpLink } from "./net/udp-link.ts";
import { openSerialLink } from "./serial/serial-link.ts";

/** The part of a driver's context that reaches the outside. */
export type DeviceLinks = Pick<DriverContext, "openBus" | "openSerial" | "openTcp" | "openUdp" | "listenTcp">;

/** Real ports and sockets, shared by all drivers of a node. */
export function deviceLinks(clock: Clock): DeviceLinks & { readonly busStatistics: () => BusStatistics } {
  const buses = new BusRegistry(clock);
  return {
    openBus: (port, settings) => buses.openBus(port, settings),
    openSerial: (path, settings) => openSerialLink(path, settings),
    openTcp: (address) => openTcpLink(address),
    openUdp: (address) => openUdpLink(address),
    listenTcp: (address) => listenTcpLinks(address),
    busStatistics: () => buses.statistics,
  };
}
