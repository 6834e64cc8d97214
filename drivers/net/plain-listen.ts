import { Type } from "typebox";
import type { ConfigFault } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { parseTcpAddress } from "./tcp-address.ts";

/** `host:port` to listen on, for devices that know no TLS. */
export function plainListen(port: number) {
  return Type.String({
    pattern: "^(\\[[0-9A-Fa-f:.]+\\]|[^:\\[\\]/\\s]+):[0-9]{1,5}$",
    default: `127.0.0.1:${port}`,
    title: "Listen on",
    description: "host:port to which they connect. Off loopback only with `plain: true`: they know no TLS.",
    examples: [`10.20.0.5:${port}`],
  });
}

/** Consent to listen off loopback without TLS. */
export const plainConsent = Type.Boolean({
  default: false,
  title: "Plain TCP off loopback is meant",
  description: "For a private network: an APN of the operator's, a VPN, a wire of one's own. See docs/security.md.",
});

const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|localhost)$/;

/** Off loopback nobody listens in the clear by accident. */
export function checkPlainListen({ listen, plain }: { readonly listen: string; readonly plain: boolean }) {
  const faults: ConfigFault[] = [];
  const add = (message: string, hint: string) => faults.push({ pointer: "/listen", message, hint });
  try {
    const { host } = parseTcpAddress(listen);
    if (plain || LOOPBACK.test(host)) return faults;
    const hint = "127.0.0.1 behind a VPN or a proxy, or `plain: true` beside it where the network itself is private";
    add(`${host} is not loopback, and these devices know no TLS`, hint);
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    add(error.message, error.hint);
  }
  return faults;
}
