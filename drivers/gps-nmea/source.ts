import type { DatagramLink, DriverContext, TcpAddress } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { formatTcpAddress, parseTcpAddress } from "../net/tcp-address.ts";
import type { GpsNmeaConfig } from "./config.ts";

/** The bytes of one receiver, however they come. */
export interface NmeaSource extends AsyncDisposable, AsyncIterable<Uint8Array> {
  readonly peer: string;
}

const SILENT_AFTER_PERIODS = 3;

/** @throws DriverError what opening a port or a socket throws */
export async function openSource(config: GpsNmeaConfig, context: DriverContext): Promise<NmeaSource> {
  const { serial, tcp, udp, baudRate } = config;
  if (serial !== undefined) return context.openSerial(serial, { baudRate });
  if (tcp !== undefined) return context.openTcp(parseTcpAddress(tcp));
  const local = parseTcpAddress(udp ?? "");
  const link = await context.openUdp({ local });
  return {
    peer: `UDP ${formatTcpAddress(local)}`,
    [Symbol.asyncIterator]: () => bytesOfOne(link, config, context),
    [Symbol.asyncDispose]: () => link[Symbol.asyncDispose](),
  };
}

/**
 * One sender's datagrams: two receivers that send to one port would make one track of two places. Another one is heard
 * once the first has been silent for three periods.
 */
async function* bytesOfOne(
  link: DatagramLink,
  { udpFrom, periodMs }: GpsNmeaConfig,
  { clock, fault }: DriverContext,
): AsyncGenerator<Uint8Array> {
  let heard: { readonly sender: string; readonly upMs: number } | undefined;
  for await (const { bytes, from } of link) {
    const sender = formatTcpAddress(from);
    const upMs = clock.upMs();
    const isFree = heard === undefined || upMs - heard.upMs > SILENT_AFTER_PERIODS * periodMs;
    if (!isAllowed(from, udpFrom)) {
      fault(foreign(sender, `only ${udpFrom} is listened to`));
    } else if (isFree || heard?.sender === sender) {
      heard = { sender, upMs };
      yield bytes;
    } else {
      fault(foreign(sender, `${heard?.sender} is heard`));
    }
  }
}

function isAllowed({ host }: TcpAddress, udpFrom: string | undefined): boolean {
  return udpFrom === undefined || host.toLowerCase() === udpFrom.toLowerCase();
}

function foreign(sender: string, why: string): DriverError {
  return new DriverError("NMEA_OTHER_SENDER", `${sender} sends datagrams too, and ${why}`, {
    retry: "backoff",
    hint: "Give each receiver a port of its own, or name the right one as udpFrom.",
  });
}
