import type { TcpAddress } from "../driver.ts";
import { DriverError } from "../errors.ts";

/** @param text `host:port`, or `[address]:port` for IPv6 */
export function parseTcpAddress(text: string): TcpAddress {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]/\s]+)):([0-9]{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new DriverError("ADDRESS_INVALID", `"${text}" is no host:port`, {
      retry: "never",
      hint: "Write it as 192.168.1.20:502, or [fd00::20]:502 for IPv6.",
    });
  }
  return { host, port };
}

export function formatTcpAddress({ host, port }: TcpAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
