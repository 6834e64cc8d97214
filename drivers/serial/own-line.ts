import { Type } from "typebox";
import type { BusSettings, ByteLink, Clock, ConfigFault, DriverContext } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { parseTcpAddress } from "../net/tcp-address.ts";

/** Config keys of a device that has a line of its own. Exactly one of `serial` and `tcp`; see `ownLineFaults`. */
export const ownLineKeys = {
  serial: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 256,
      title: "Serial port",
      description: "By its by-id path, which stays the same when another device is plugged in.",
      examples: ["/dev/serial/by-id/usb-FTDI_FT232R-if00-port0"],
    }),
  ),
  tcp: Type.Optional(
    Type.String({
      pattern: "^(\\[[0-9A-Fa-f:.]+\\]|[^:\\[\\]/\\s]+):[0-9]{1,5}$",
      title: "Serial server",
      description: "host:port that sends the device's bytes as they are.",
      examples: ["192.168.1.20:4001"],
    }),
  ),
};

export interface OwnLine {
  readonly serial?: string;
  readonly tcp?: string;
}

export function ownLineFaults({ serial, tcp }: OwnLine): ConfigFault[] {
  if ((serial === undefined) !== (tcp === undefined)) return [];
  return [
    {
      pointer: "",
      message: serial === undefined ? "neither serial nor tcp is given" : "both serial and tcp are given",
      hint: "Give the port of the device as serial: /dev/serial/by-id/…, or its serial server as tcp: host:port.",
    },
  ];
}

/** @throws DriverError what opening the port or the connection throws */
export function openOwnLine(
  { serial, tcp }: OwnLine,
  settings: BusSettings,
  context: Pick<DriverContext, "openSerial" | "openTcp">,
): Promise<ByteLink> {
  return serial === undefined ? context.openTcp(parseTcpAddress(tcp ?? "")) : context.openSerial(serial, settings);
}

/** What a link that ended by itself is: serial servers close a client when another one comes. */
export function lineClosed(peer: string): DriverError {
  return new DriverError("CONNECTION_LOST", `${peer} closed the connection`, {
    retry: "backoff",
    hint: "Serial servers allow few clients at once: is another one connected?",
  });
}

/** What `next` gives, or "quiet" when it takes longer than `withinMs`; then ask for the same `next` again. */
export async function orQuiet<T>(next: Promise<T>, withinMs: number, clock: Clock): Promise<T | "quiet"> {
  const heard = new AbortController();
  try {
    return await Promise.race([next, clock.sleep(withinMs, heard.signal).then(() => "quiet" as const)]);
  } finally {
    heard.abort();
  }
}
