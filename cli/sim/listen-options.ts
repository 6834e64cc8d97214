import type { Command } from "commander";
import type { SimulatorListen } from "../../drivers/net/simulator-listen.ts";
import { UsageError } from "../usage-error.ts";
import { openPtyPair } from "./pty-pair.ts";

export interface ListenOptions {
  readonly tcp?: string;
  readonly rtuTcp?: string;
  readonly serial?: string;
  readonly pty?: string;
  readonly baud: string;
}

export interface Listening {
  readonly listen: SimulatorListen & { readonly framing?: "rtu" | "tcp" };
  /** For the line on stdout that says where the simulator is. */
  describe(port: number | undefined): object;
  release(): Promise<void>;
}

/** Where a simulated device is to be found. */
export function withListenOptions(command: Command, hasRtu: boolean): Command {
  command.option("--tcp <[host:]port>", "listen on TCP (default: 127.0.0.1 on any free port)");
  if (hasRtu) command.option("--rtu-tcp <[host:]port>", "Modbus RTU over TCP, as behind a serial server");
  return command
    .option("--serial <path>", "serve a serial port")
    .option("--pty <path>", "make a serial line (needs socat); the path is the gateway's end")
    .option("--baud <rate>", "baud rate of --serial", "9600");
}

/** @throws UsageError for an address that is none */
export async function resolveListen(options: ListenOptions): Promise<Listening> {
  const settings = { baudRate: Number(options.baud) };
  if (options.pty !== undefined) {
    const pair = await openPtyPair(options.pty);
    return {
      listen: { serial: pair.devicePath, settings },
      describe: () => ({ serial: pair.path }),
      release: () => pair.close(),
    };
  }
  const release = async () => undefined;
  if (options.serial !== undefined) {
    const serial = options.serial;
    return { listen: { serial, settings }, describe: () => ({ serial }), release };
  }
  const framing = options.rtuTcp === undefined ? "tcp" : "rtu";
  const tcp = parseAddress(options.rtuTcp ?? options.tcp ?? "0");
  return {
    listen: { tcp, framing },
    describe: (port) => ({ tcp: `${tcp.host.includes(":") ? `[${tcp.host}]` : tcp.host}:${port}`, framing }),
    release,
  };
}

function parseAddress(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw new UsageError(`"${text}" is no [host:]port, such as 15020`);
  return { host: match[1] ?? match[2] ?? "127.0.0.1", port };
}

/** Resolves with the first Ctrl-C or SIGTERM. */
export async function untilAskedToEnd(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  process.once("SIGINT", () => resolve());
  process.once("SIGTERM", () => resolve());
  await promise;
}
