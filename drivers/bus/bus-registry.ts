import type { BusLease, BusPort, BusSettings, ByteLink, Clock } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { parseTcpAddress } from "../net/tcp-address.ts";
import { openTcpLink } from "../net/tcp-client.ts";
import { openSerialLink } from "../serial/serial-link.ts";
import { BusOwner, type BusStatistics } from "./bus-owner.ts";
import type { UnitTrust } from "./unit-trust.ts";

interface Entry {
  readonly owner: BusOwner;
  readonly settings: BusSettings;
  readonly started: Promise<void>;
  leases: number;
}

/** All buses of a node: one owner per port, opened with the first lease and closed with the last. */
export class BusRegistry {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  /** Ports on their way to be closed: opened again before that they would look busy. */
  readonly #closing = new Map<string, Promise<void>>();
  /** By port: what units owe stays owed when the port is opened again. */
  readonly #units = new Map<string, Map<number, UnitTrust>>();
  readonly #open: (port: BusPort, settings: BusSettings) => Promise<ByteLink>;
  #ended = { missedPolls: 0, exchanges: 0, timeouts: 0, droppedBytes: 0, lateReplies: 0, reopened: 0 };

  constructor(clock: Clock, open = openPort) {
    this.#clock = clock;
    this.#open = open;
  }

  /** Sums over all buses since the start. */
  get statistics(): BusStatistics {
    return [...this.#entries.values()].reduce((sum, { owner }) => add(sum, owner.statistics), this.#ended);
  }

  /** @throws DriverError BUS_SETTINGS_DIFFER, or what opening the port throws */
  async openBus(port: BusPort, settings: BusSettings): Promise<BusLease> {
    const name = "serial" in port ? port.serial : port.tcp;
    await this.#closing.get(name);
    let entry = this.#entries.get(name);
    if (entry === undefined) {
      entry = this.#create(name, port, settings);
      this.#entries.set(name, entry);
    } else if (!isSame(entry.settings, settings)) {
      throw new DriverError("BUS_SETTINGS_DIFFER", `${name} is already open with other settings`, {
        retry: "never",
        hint: "All devices of one line share one baud rate, parity and framing: let them name the same bus.",
      });
    }
    const taken = entry;
    taken.leases++;
    const release = async () => {
      taken.leases--;
      if (taken.leases > 0) return;
      this.#forget(name, taken);
      const closing = taken.owner.close().finally(() => this.#closing.delete(name));
      this.#closing.set(name, closing);
      await closing;
    };
    try {
      await taken.started;
    } catch (error) {
      taken.leases--;
      this.#forget(name, taken);
      throw error;
    }
    return taken.owner.lease(release);
  }

  #create(name: string, port: BusPort, settings: BusSettings): Entry {
    const units = this.#units.get(name) ?? new Map<number, UnitTrust>();
    this.#units.set(name, units);
    const owner: BusOwner = new BusOwner({
      name,
      units,
      kind: "serial" in port ? "serial" : "tcp",
      settings,
      clock: this.#clock,
      open: () => this.#open(port, settings),
      // A lost owner makes room at once: the next lease opens the port anew.
      onLost: () => this.#forget(name, entry),
    });
    const entry: Entry = { owner, settings, started: owner.start(), leases: 0 };
    return entry;
  }

  #forget(name: string, entry: Entry): void {
    if (this.#entries.get(name) !== entry) return;
    this.#entries.delete(name);
    this.#ended = add(this.#ended, entry.owner.statistics);
  }
}

export async function openPort(port: BusPort, settings: BusSettings): Promise<ByteLink> {
  return "serial" in port ? openSerialLink(port.serial, settings) : openTcpLink(parseTcpAddress(port.tcp));
}

function isSame(a: BusSettings, b: BusSettings): boolean {
  return a.baudRate === b.baudRate && a.parity === b.parity && a.stopBits === b.stopBits && a.framing === b.framing;
}

function add(a: BusStatistics, b: BusStatistics): BusStatistics {
  return {
    exchanges: a.exchanges + b.exchanges,
    timeouts: a.timeouts + b.timeouts,
    missedPolls: a.missedPolls + b.missedPolls,
    droppedBytes: a.droppedBytes + b.droppedBytes,
    lateReplies: a.lateReplies + b.lateReplies,
    reopened: a.reopened + b.reopened,
  };
}
