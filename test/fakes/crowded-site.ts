import { connect, type Socket } from "node:net";
import { startCemSimulator } from "../../drivers/cem-noise/simulator.ts";
import { deviceLinks } from "../../drivers/device-links.ts";
import { startGpsSimulator } from "../../drivers/gps-nmea/simulator.ts";
import { startStationSimulator } from "../../drivers/hj212/simulator.ts";
import { type SimulatedTerminal, startTerminal } from "../../drivers/jt808/simulator.ts";
import { startIoSimulator } from "../../drivers/modbus-io/simulator.ts";
import { startNoiseSimulator } from "../../drivers/modbus-noise/simulator.ts";
import { loadDriver } from "../../drivers/registry.ts";
import { startSvantekSimulator } from "../../drivers/svantek-noise/simulator.ts";
import { startSupervisor } from "../../gateway/supervisor/supervisor.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { withDefaults } from "./driver-config.ts";
import { QuietLog } from "./quiet-log.ts";
import { freePort, until } from "./rigs.ts";
import { FLOOD_EVERY_MS, SwitchedLine } from "./switched-line.ts";

/** Lines on which a device may vanish, and listeners at which one of two callers may. */
export const LINES = ["meters", "board", "cem", "svantek", "gps"] as const;
export const LISTENERS = ["stations", "terminals"] as const;
/** Two halves of the neighbourhood: while one misbehaves the other is watched. */
export const HALVES: readonly (readonly Neighbour[])[] = [
  ["meters", "cem", "gps", "terminals"],
  ["board", "svantek", "stations"],
];
export type Neighbour = (typeof LINES)[number] | (typeof LISTENERS)[number];

/** Machines may be busy. */
const PATIENCE_MS = 40_000;
const PLACE = { latitudeDeg: 39.9, longitudeDeg: 116.4 };
const MN = ["010000A8900016F000169DC0", "010000A8900016F000169DC1"] as const;
const PHONE = ["013900000001", "013900000002"] as const;

/**
 * One gateway's devices of many kinds, each read through a line that can be switched: what one of them does must not be
 * felt by the others. At a listener the second of two callers is the one that is switched.
 */
export class CrowdedSite implements AsyncDisposable {
  readonly #lines = new Map<string, SwitchedLine>();
  readonly #counts = new Map<string, number>();
  readonly #ends: (() => Promise<void> | void)[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #ports = { stations: 0, terminals: 0 };
  readonly #second: { stations?: { close(): void | Promise<void> }; terminals?: SimulatedTerminal } = {};
  #state: (device: string) => string | undefined = () => undefined;

  static async start(off: readonly Neighbour[] = []): Promise<CrowdedSite> {
    const site = new CrowdedSite();
    await site.#open(off);
    return site;
  }

  /** Readings so far, of a device or of the caller behind a listener. */
  readings(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  state(device: string): string | undefined {
    return this.#state(device);
  }

  /** Every name whose readings count, except those that misbehave. At a listener it is the other caller. */
  others(than: readonly Neighbour[]): readonly string[] {
    const all = [...LINES, `stations ${MN[0]}`, `terminals ${PHONE[0]}`];
    return all.filter((name) => !than.some((one) => one === name));
  }

  /** Resolves when each of the others was read twice more. */
  async othersGoOn(than: readonly Neighbour[]): Promise<void> {
    const before = new Map(this.others(than).map((name) => [name, this.readings(name)]));
    await until(() => [...before].every(([name, count]) => this.readings(name) >= count + 2), PATIENCE_MS);
  }

  /** Resolves when each of these was read so many times more. */
  async areRead(names: readonly Neighbour[], times = 1): Promise<void> {
    const before = new Map(names.map((name) => [name, this.readings(this.counted(name))]));
    await until(
      () => [...before].every(([name, count]) => this.readings(this.counted(name)) >= count + times),
      PATIENCE_MS,
    );
  }

  /** The name under which the one that is switched is counted. */
  counted(neighbour: Neighbour): string {
    if (neighbour === "stations") return `stations ${MN[1]}`;
    return neighbour === "terminals" ? `terminals ${PHONE[1]}` : neighbour;
  }

  async on(neighbour: Neighbour): Promise<void> {
    if (neighbour === "stations") this.#second.stations = this.#station(1);
    else if (neighbour === "terminals") this.#second.terminals = await this.#terminal(1);
    else await this.#lines.get(neighbour)?.on();
  }

  async off(neighbour: Neighbour): Promise<void> {
    if (neighbour === "stations") await this.#second.stations?.close();
    else if (neighbour === "terminals") await this.#second.terminals?.close();
    else await this.#lines.get(neighbour)?.off();
  }

  /** Pours these bytes instead of the device, or into the listener. */
  flood(neighbour: Neighbour, bytes: Uint8Array): void {
    if (neighbour !== "stations" && neighbour !== "terminals") {
      this.#lines.get(neighbour)?.flood(bytes);
      return;
    }
    const socket = connect(this.#ports[neighbour], "127.0.0.1");
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    const more = () => {
      if (!socket.destroyed) socket.write(bytes, () => setTimeout(more, FLOOD_EVERY_MS));
    };
    socket.on("connect", more);
  }

  calm(neighbour: Neighbour): void {
    this.#lines.get(neighbour)?.flood(undefined);
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends.toReversed()) await end();
  }

  async #open(off: readonly Neighbour[]): Promise<void> {
    const listen = { tcp: {} };
    const board = await startIoSimulator({ listen: { ...listen, framing: "tcp" } });
    let isOn = false;
    const toggling = setInterval(() => {
      isOn = !isOn;
      board.setInput(0, isOn);
    }, 300);
    const sims = {
      meters: await startNoiseSimulator({ listen: { ...listen, framing: "rtu" }, levelAt: () => 60 }),
      board,
      cem: await startCemSimulator({ listen, levelAt: () => 61 }),
      svantek: await startSvantekSimulator({ listen, levelAt: () => 62 }),
      gps: await startGpsSimulator({ listen, positionAt: () => PLACE, periodMs: 200 }),
    };
    this.#ends.push(async () => {
      clearInterval(toggling);
      for (const sim of Object.values(sims)) await sim.close();
    });
    for (const name of LINES) {
      const line = new SwitchedLine(sims[name].port ?? 0);
      await line.on();
      if (off.includes(name)) await line.off();
      this.#lines.set(name, line);
      this.#ends.push(() => line[Symbol.asyncDispose]());
    }
    this.#ports.stations = await freePort();
    this.#ports.terminals = await freePort();
    await this.#supervise();
    const station = this.#station(0);
    const terminal = await this.#terminal(0);
    for (const listener of LISTENERS) if (!off.includes(listener)) await this.on(listener);
    this.#ends.push(async () => {
      for (const socket of this.#sockets) socket.destroy();
      for (const listener of LISTENERS) await this.off(listener);
      await station.close();
      await terminal.close();
    });
  }

  async #supervise(): Promise<void> {
    const at = (name: string) => `127.0.0.1:${this.#lines.get(name)?.port}`;
    const bus = (name: string, framing: string) => ({ port: { tcp: at(name) }, settings: { framing } });
    const inputs = { door: { discreteInput: 0 } };
    const devices = {
      meters: { driver: "modbus-noise", bus: bus("meters", "rtu"), periodMs: 400, timeoutMs: 300 },
      board: { driver: "modbus-io", bus: bus("board", "tcp"), inputs, periodMs: 400, timeoutMs: 300 },
      cem: { driver: "cem-noise", tcp: at("cem") },
      svantek: { driver: "svantek-noise", tcp: at("svantek") },
      gps: { driver: "gps-nmea", tcp: at("gps"), periodMs: 200 },
      stations: { driver: "hj212", listen: `127.0.0.1:${this.#ports.stations}`, acceptUnknown: true },
      terminals: { driver: "jt808", listen: `127.0.0.1:${this.#ports.terminals}`, acceptUnknown: true },
    };
    const clock = systemClock();
    const stop = new AbortController();
    const supervisor = startSupervisor({
      devices: await Promise.all(
        Object.entries(devices).map(async ([id, { driver, ...config }]) => ({
          id,
          driver,
          config: await withDefaults(driver, config),
        })),
      ),
      load: loadDriver,
      links: deviceLinks(clock),
      clock,
      signal: stop.signal,
      log: new QuietLog(),
      onReading: ({ device, subject }) => {
        const name = subject === undefined ? device : `${device} ${subject.id}`;
        this.#counts.set(name, this.readings(name) + 1);
      },
      onHealth: () => undefined,
    });
    this.#state = (device) =>
      supervisor.health().find((one) => one.device === device && one.subject === undefined)?.body.state;
    this.#ends.push(async () => {
      stop.abort();
      await supervisor.done;
    });
  }

  #station(index: 0 | 1) {
    const connectTo = { host: "127.0.0.1", port: this.#ports.stations };
    return startStationSimulator({ connect: connectTo, mn: MN[index], levelAt: () => 63, periodMs: 300 });
  }

  /** The listener may not stand yet. */
  async #terminal(index: 0 | 1): Promise<SimulatedTerminal> {
    for (;;) {
      try {
        return await startTerminal({
          port: this.#ports.terminals,
          phone: PHONE[index],
          placeAt: () => PLACE,
          periodMs: 300,
        });
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }
}
