import type { BusLease, ByteLink } from "../../drivers/driver.ts";
import type { Logger } from "../contracts/logger.ts";
import { PasswordMask } from "./password-mask.ts";
import type { DeviceLinks } from "./run-context.ts";

const MOST_BYTES = 256;

type Tell = (way: "sent" | "received", peer: string, data: Uint8Array, mask: PasswordMask) => void;

/** The device's own links, which say at `debug` what passes over them while `isTraced`. Costs one question an exchange. */
export function tracedLinks(links: DeviceLinks, log: Logger, isTraced: () => boolean): DeviceLinks {
  const bytes: Tell = (way, peer, data, mask) => {
    if (!isTraced()) return;
    const hex = Buffer.from(mask.hide(data).subarray(0, MOST_BYTES)).toString("hex");
    log.debug({ way, peer, sizeBytes: data.length, hex }, "bytes");
  };
  return {
    openBus: async (port, settings) => tracedLease(await links.openBus(port, settings), log, isTraced),
    openSerial: async (path, settings) => tracedLink(await links.openSerial(path, settings), bytes),
    openTcp: async (address) => tracedLink(await links.openTcp(address), bytes),
    openUdp: async (address) => {
      const link = await links.openUdp(address);
      return {
        localPort: link.localPort,
        send: (data, to) => {
          bytes("sent", to === undefined ? "peer" : `${to.host}:${to.port}`, data, new PasswordMask());
          return link.send(data, to);
        },
        async *[Symbol.asyncIterator]() {
          for await (const datagram of link) {
            bytes("received", `${datagram.from.host}:${datagram.from.port}`, datagram.bytes, new PasswordMask());
            yield datagram;
          }
        },
        [Symbol.asyncDispose]: () => link[Symbol.asyncDispose](),
      };
    },
    listenTcp: async (address) => {
      const listener = await links.listenTcp(address);
      return {
        localPort: listener.localPort,
        async *[Symbol.asyncIterator]() {
          for await (const link of listener) yield tracedLink(link, bytes);
        },
        [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
      };
    },
  };
}

function tracedLease(lease: BusLease, log: Logger, isTraced: () => boolean): BusLease {
  return {
    async modbus(request, priority) {
      if (!isTraced()) return lease.modbus(request, priority);
      try {
        const values = await lease.modbus(request, priority);
        log.debug({ request, values }, "exchange");
        return values;
      } catch (error) {
        log.debug({ request, error: String(error) }, "exchange");
        throw error;
      }
    },
    every: (periodMs, signal) => lease.every(periodMs, signal),
    [Symbol.asyncDispose]: () => lease[Symbol.asyncDispose](),
  };
}

function tracedLink(link: ByteLink, bytes: Tell): ByteLink {
  const [sent, received] = [new PasswordMask(), new PasswordMask()];
  return {
    peer: link.peer,
    write: (data) => {
      bytes("sent", link.peer, data, sent);
      return link.write(data);
    },
    async *[Symbol.asyncIterator]() {
      for await (const data of link) {
        bytes("received", link.peer, data, received);
        yield data;
      }
    },
    [Symbol.asyncDispose]: () => link[Symbol.asyncDispose](),
  };
}
