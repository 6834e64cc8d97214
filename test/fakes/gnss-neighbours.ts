import { createServer, type Server, type Socket } from "node:net";
import { deviceLinks } from "../../drivers/device-links.ts";
import { epochSentences } from "../../drivers/gps-nmea/simulator.ts";
import { epochLines } from "../../drivers/gpsd/simulator.ts";
import { loadDriver } from "../../drivers/registry.ts";
import { startSupervisor } from "../../gateway/supervisor/supervisor.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { QuietLog } from "./quiet-log.ts";

/** The two ways to a receiver. */
export const GNSS_KINDS = ["gps-nmea", "gpsd"] as const;
export type GnssKind = (typeof GNSS_KINDS)[number];

const PERIOD_MS = 100;
const PLACE = { latitudeDeg: 39.9, longitudeDeg: 116.4 };
const GREETING = '{"class":"VERSION","release":"3.22","rev":"3.22","proto_major":3,"proto_minor":14}\r\n';

/** A receiver on TCP that can be switched off and on, and that can flood. */
export class SwitchedReceiver implements AsyncDisposable {
  readonly port: number;
  readonly #kind: GnssKind;
  readonly #sockets = new Set<Socket>();
  readonly #timer: NodeJS.Timeout;
  #server: Server | undefined;
  #flood: Uint8Array | undefined;

  constructor(kind: GnssKind, port: number) {
    this.#kind = kind;
    this.port = port;
    this.#timer = setInterval(() => this.#say(this.#epoch()), PERIOD_MS);
  }

  async on(): Promise<void> {
    const server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => this.#sockets.delete(socket));
      if (this.#kind === "gpsd") socket.write(GREETING);
      if (this.#flood !== undefined) this.#pour(socket, this.#flood);
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    server.listen(this.port, "127.0.0.1", resolve);
    this.#server = server;
    await promise;
  }

  async off(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#server === undefined) resolve();
    else this.#server.close(() => resolve());
    this.#server = undefined;
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await promise;
  }

  /** Writes these bytes to whoever connects, as fast as they are taken. */
  flood(bytes: Uint8Array): void {
    this.#flood = bytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.off();
  }

  #epoch(): Uint8Array {
    const atMs = Math.floor(Date.now() / PERIOD_MS) * PERIOD_MS;
    if (this.#kind === "gpsd") return epochLines("/dev/ttyACM0", atMs, PLACE);
    return Buffer.from(epochSentences(atMs, PLACE).join(""));
  }

  #say(bytes: Uint8Array): void {
    if (this.#flood !== undefined) return;
    for (const socket of this.#sockets) socket.write(bytes);
  }

  #pour(socket: Socket, bytes: Uint8Array): void {
    const more = () => {
      if (!socket.destroyed) socket.write(bytes, () => setImmediate(more));
    };
    more();
  }
}

/** Receivers under one real supervisor, as a gateway has them. */
export function serveReceivers(
  receivers: Readonly<Record<string, { readonly kind: GnssKind; readonly port: number }>>,
) {
  const clock = systemClock();
  const stop = new AbortController();
  const positions = new Map<string, number>();
  const supervisor = startSupervisor({
    devices: Object.entries(receivers).map(([id, { kind, port }]) => ({
      id,
      driver: kind,
      config: { tcp: `127.0.0.1:${port}`, baudRate: 9600, metresPerHdop: 5, periodMs: PERIOD_MS },
    })),
    load: loadDriver,
    links: deviceLinks(clock),
    clock,
    signal: stop.signal,
    log: new QuietLog(),
    onReading: ({ device, reading }) => {
      if (reading.kind === "position") positions.set(device, (positions.get(device) ?? 0) + 1);
    },
    onHealth: () => undefined,
  });
  return {
    positions: (device: string) => positions.get(device) ?? 0,
    state: (device: string) => supervisor.health().find((one) => one.device === device)?.body.state,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await supervisor.done;
    },
  };
}
