import { parseTopic } from "../protocol/topics.ts";
import type { Link } from "./broker/link.ts";
import type { Bus, BusMessage } from "./store/bus.ts";
import type { BridgeClock } from "./store/clock.ts";
import type { Db } from "./store/database.ts";

/** Presence of many nodes changes many times a second; other processes hear of it this often. */
const GATHER_MS = 250;
const NODES_PER_NOTICE = 100;

export interface RelayOptions {
  readonly db: Db;
  readonly worker: string;
  readonly clock: BridgeClock;
  readonly prefix: string;
  readonly onEvents: () => void;
  readonly onDesk: () => void;
  readonly onPresence: (node: string) => void;
  readonly onLive: (node: string, device: string, bytes: Uint8Array) => void;
}

/**
 * Makes the processes of one bridge look like one: what is for a node goes out where its connection is, and what is new to
 * one of them is told to the others. Alone it does nothing.
 */
export class Relay {
  readonly #options: RelayOptions;
  #bus: Bus | undefined;
  #link: Link | undefined;
  /** Meters and cameras that are watched at other processes, and until when. */
  readonly #leases = new Map<string, number>();
  /** Of those, the cameras whose video is watched: until when at which process. */
  readonly #videos = new Map<string, ReadonlyMap<string, number>>();
  #presence = new Set<string>();
  #isTelling = new Set<"events" | "desk">();
  #gathering: NodeJS.Timeout | undefined;

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  join(bus: Bus): void {
    this.#bus = bus;
  }

  /** The link as the API sees it: it reaches nodes wherever they are connected. */
  over(link: Link): Link {
    this.#link = link;
    return {
      port: link.port,
      get state() {
        return link.state;
      },
      publish: async (topic, bytes, qos) => {
        if (await link.publish(topic, bytes, qos)) return true;
        return this.#publishElsewhere(topic, bytes);
      },
      disconnect: (node) => {
        link.disconnect(node);
        this.#bus?.tell({ kind: "cut", node });
      },
      counters: () => link.counters(),
      close: () => link.close(),
    };
  }

  events(): void {
    this.#tellSoon("events");
  }

  desk(): void {
    this.#tellSoon("desk");
  }

  presence(node: string): void {
    if (this.#bus === undefined) return;
    this.#presence.add(node);
    this.#gathering ??= setTimeout(() => this.#tellPresence(), GATHER_MS).unref();
  }

  lease(node: string, device: string, untilMs: number): void {
    this.#bus?.tell({ kind: "lease", node, device, untilMs });
  }

  /** Video of this camera is watched here until then; in the past: no more. */
  video(node: string, camera: string, untilMs: number): void {
    this.#bus?.tell({ kind: "lease", node, device: camera, untilMs, stream: "video" });
  }

  isVideoElsewhere(node: string, camera: string): boolean {
    const nowMs = this.#options.clock.nowMs();
    return [...(this.#videos.get(`${node}/${camera}`)?.values() ?? [])].some((untilMs) => untilMs > nowMs);
  }

  live(node: string, device: string, bytes: Uint8Array): void {
    const untilMs = this.#leases.get(`${node}/${device}`);
    if (untilMs === undefined) return;
    if (untilMs < this.#options.clock.nowMs()) this.#leases.delete(`${node}/${device}`);
    else this.#bus?.tell({ kind: "live", node, device, bytes: Buffer.from(bytes).toString("base64") });
  }

  /** @param from id of the process that tells it */
  hear(message: BusMessage, from: string): void {
    const { onEvents, onDesk, onPresence, onLive } = this.#options;
    switch (message.kind) {
      case "events":
        onEvents();
        break;
      case "desk":
        onDesk();
        break;
      case "presence":
        message.nodes.forEach(onPresence);
        break;
      case "down":
        void this.#link?.publish(message.topic, Buffer.from(message.bytes, "base64"), 1);
        break;
      case "cut":
        this.#link?.disconnect(message.node);
        break;
      case "lease":
        this.#hearLease(message, from);
        break;
      case "live":
        onLive(message.node, message.device, Buffer.from(message.bytes, "base64"));
        break;
    }
  }

  /** Cuts every node that this process holds: it was taken for dead, and they must say anew that they are there. */
  async cutOwn(): Promise<void> {
    const { db, worker } = this.#options;
    const rows = await db.selectFrom("nodes").select("id").where("worker", "=", worker).execute();
    for (const { id } of rows) this.#link?.disconnect(id);
  }

  #hearLease({ node, device, untilMs, stream }: Extract<BusMessage, { kind: "lease" }>, from: string): void {
    const key = `${node}/${device}`;
    // The end of one lease takes nothing from the others.
    this.#leases.set(key, Math.max(untilMs, this.#leases.get(key) ?? 0));
    if (stream !== "video") return;
    const nowMs = this.#options.clock.nowMs();
    const all = new Map(this.#videos.get(key)).set(from, untilMs);
    const standing = [...all].filter(([, until]) => until > nowMs);
    if (standing.length > 0) this.#videos.set(key, new Map(standing));
    else this.#videos.delete(key);
  }

  async #publishElsewhere(topic: string, bytes: Uint8Array): Promise<boolean> {
    const { db, worker, prefix } = this.#options;
    const parsed = parseTopic(topic, prefix);
    if (this.#bus === undefined || parsed?.channel !== "down") return false;
    const row = await db
      .selectFrom("nodes")
      .select("id")
      .where("id", "=", parsed.node)
      .where("online", "=", 1)
      .where("worker", "!=", worker)
      .executeTakeFirst();
    if (row === undefined) return false;
    this.#bus.tell({ kind: "down", topic, bytes: Buffer.from(bytes).toString("base64") });
    return true;
  }

  #tellSoon(kind: "events" | "desk"): void {
    if (this.#bus === undefined || this.#isTelling.has(kind)) return;
    this.#isTelling.add(kind);
    setImmediate(() => {
      this.#isTelling.delete(kind);
      this.#bus?.tell({ kind });
    });
  }

  #tellPresence(): void {
    this.#gathering = undefined;
    const nodes = [...this.#presence];
    this.#presence = new Set();
    for (let at = 0; at < nodes.length; at += NODES_PER_NOTICE) {
      this.#bus?.tell({ kind: "presence", nodes: nodes.slice(at, at + NODES_PER_NOTICE) });
    }
  }
}
