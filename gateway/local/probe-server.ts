import { chmodSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { Value } from "typebox/value";
import type { BusLease, BusPort, BusSettings, Clock, Reading } from "../../drivers/driver.ts";
import { DriverError } from "../../drivers/errors.ts";
import { GatewayError } from "../contracts/gateway-error.ts";
import type { Logger } from "../contracts/logger.ts";
import { PROBE_SOCKET, type ProbeAnswer, ProbeQuestion } from "../contracts/probe-wire.ts";
import type { DeviceHealth, DeviceReading } from "../contracts/readings.ts";

const MOST_CLIENTS = 4;
const LONGEST_QUESTION_BYTES = 4096;
const IDLE_MS = 60_000;

export interface ProbeServerOptions {
  readonly config: {
    /** The folder of the socket: only its owner may ask. */
    readonly state: string;
    readonly devices: readonly { readonly id: string; readonly driver: { readonly kind: string } }[];
    readonly buses: Readonly<Record<string, { readonly port: BusPort; readonly settings: BusSettings }>>;
  };
  readonly openBus: (port: BusPort, settings: BusSettings) => Promise<BusLease>;
  readonly health: () => readonly DeviceHealth[];
  readonly clock: Clock;
  readonly log: Logger;
}

/** Answers `shao probe` while this gateway holds the ports. A gateway that cannot have the socket measures all the same. */
export class ProbeServer {
  readonly #options: ProbeServerOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #listeners = new Set<(reading: DeviceReading) => void>();

  private constructor(options: ProbeServerOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#serve(socket));
    this.#server.maxConnections = MOST_CLIENTS;
  }

  /** Never rejects: without the socket, `shao probe` says that the port is busy, as it did. */
  static async start(options: ProbeServerOptions): Promise<ProbeServer> {
    const server = new ProbeServer(options);
    const path = join(options.config.state, PROBE_SOCKET);
    try {
      // Whoever was killed left its socket behind; the state folder's lock says that nobody else listens.
      rmSync(path, { force: true });
      await listen(server.#server, path);
      chmodSync(path, 0o600);
    } catch (error) {
      server.#server.close();
      const hint = "`shao probe` works only while the gateway is stopped. A state path of at most 90 characters helps.";
      options.log.warn({ code: "PROBE_SOCKET", path, error: String(error), hint }, "no probe while this gateway runs");
    }
    return server;
  }

  /** Every reading of a device, whatever becomes of it. */
  heard(reading: DeviceReading): void {
    for (const listener of this.#listeners) listener(reading);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#server.listening) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    await promise;
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    const gone = new AbortController();
    socket.on("error", () => undefined);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      gone.abort();
    });
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    let text = "";
    let last = Promise.resolve();
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      if (text.length > LONGEST_QUESTION_BYTES) {
        socket.destroy();
        return;
      }
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      const say = (answer: ProbeAnswer) => {
        if (!socket.destroyed) socket.write(`${JSON.stringify(answer)}\n`);
      };
      for (const line of lines) {
        last = last.then(() => this.#answer(line, say, gone.signal)).catch((error: unknown) => say(refusal(error)));
      }
    });
  }

  async #answer(line: string, say: (answer: ProbeAnswer) => void, signal: AbortSignal): Promise<void> {
    const question = understood(line);
    if (question.ask === "devices") {
      await this.#devices(question, say, signal);
      return;
    }
    const bus = this.#options.config.buses[question.bus];
    if (bus === undefined) throw unknown("bus", question.bus, Object.keys(this.#options.config.buses));
    const { unit, function: kind, address, count, timeoutMs } = question;
    await using lease = await this.#options.openBus(bus.port, bus.settings);
    // As a poll: it waits its turn among the meters and never goes before them.
    say({ values: await lease.modbus({ unit, function: kind, address, count, timeoutMs }) });
  }

  async #devices(
    question: Extract<ProbeQuestion, { ask: "devices" }>,
    say: (answer: ProbeAnswer) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { config, clock, health } = this.#options;
    const devices = config.devices.map(({ id, driver }) => ({ id, driver: driver.kind }));
    const wanted = devices.filter(({ id }) => question.device === undefined || id === question.device);
    if (wanted.length === 0)
      throw unknown(
        "device",
        question.device ?? "",
        devices.map(({ id }) => id),
      );
    const askedUpMs = clock.upMs();
    const first = new Map<string, { readonly reading: Reading; readonly tookMs: number }>();
    const enough = new AbortController();
    const listener = ({ device, reading }: DeviceReading) => {
      if (!wanted.some(({ id }) => id === device) || first.has(device)) return;
      first.set(device, { reading, tookMs: clock.upMs() - askedUpMs });
      if (first.size === wanted.length) enough.abort();
    };
    this.#listeners.add(listener);
    try {
      await clock.sleep(question.withinMs, AbortSignal.any([signal, enough.signal]));
    } finally {
      this.#listeners.delete(listener);
    }
    for (const { id, driver } of wanted) {
      const answer = first.get(id);
      const body = health().find(({ device, subject }) => device === id && subject === undefined)?.body;
      const { state, code, message, hint } = body ?? {};
      const trouble = { state, ...(code !== undefined && { code, message, hint }) };
      say({ device: id, driver, ok: answer !== undefined, ...(answer ?? trouble) });
    }
    say({ end: true });
  }
}

function understood(line: string): ProbeQuestion {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    value = undefined;
  }
  if (Value.Check(ProbeQuestion, value)) return value;
  throw new GatewayError("PROBE_QUESTION", `"${line.slice(0, 60)}" is no question that this gateway knows`, {
    hint: "Use the `shao` of the same version as the gateway that runs.",
  });
}

function unknown(what: string, name: string, known: readonly string[]): GatewayError {
  return new GatewayError("PROBE_UNKNOWN", `the running gateway has no ${what} "${name}"`, {
    hint: `It has ${known.join(", ") || "none"}. Restart it where its config was changed.`,
  });
}

function refusal(error: unknown): ProbeAnswer {
  if (error instanceof DriverError || error instanceof GatewayError) {
    const { code, message, hint } = error;
    return { error: { code, message, hint } };
  }
  return { error: { code: "GATEWAY_FAULT", message: String(error), hint: "Report it with the gateway's log." } };
}

/** The file's rights are those of the moment in which it is bound, so they are narrowed before. */
function listen(server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  const before = process.umask(0o177);
  try {
    server.listen(path, resolve);
  } finally {
    process.umask(before);
  }
  return promise;
}
