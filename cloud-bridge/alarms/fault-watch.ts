import type { HealthBody } from "../../protocol/bodies.ts";
import type { Subject } from "../../protocol/ids.ts";
import { lockNode } from "../fleet/lock-node.ts";
import type { Db } from "../store/database.ts";
import { changing } from "../store/transactions.ts";
import { clearFault, type Fault, isStanding, raiseFault } from "./faults.ts";

export interface SilenceLimits {
  /** A node without a connection for this long is silent (already scaled). */
  readonly nodeMs: number;
  /** A device that its node calls silent or offline, or that does not get beyond starting, for this long (already scaled). */
  readonly deviceMs: number;
  /** Connected, but no `health` record for this long; never scaled, a node speaks every 60 s. */
  readonly heartbeatMs: number;
  /** Called online, but no reading for this long; never scaled, minutes come by the minute. */
  readonly readingMs: number;
}

export const DEFAULT_SILENCE: SilenceLimits = {
  nodeMs: 120_000,
  deviceMs: 60_000,
  heartbeatMs: 200_000,
  readingMs: 200_000,
};

/** One look at every paired node and its devices. */
export interface WatchedNode {
  readonly node: string;
  readonly isOnline: boolean;
  readonly stateAtMs: number;
  readonly heartbeatAtMs: number | undefined;
  /** Its newest health said that its ignition is off, and how often it speaks then. */
  readonly parked: { readonly everyMs: number } | undefined;
  readonly devices: readonly {
    readonly device: string;
    /** A station behind a listener: it stands at a place that nobody watches without it. Handsets and vehicles rest. */
    readonly subject?: Subject;
    readonly state: string;
    /** Since when the bridge sees it not at work; a node repeats such a report, and starts, which must not begin the time anew. */
    readonly downSinceMs: number | undefined;
    /** Only for meters, which speak all the time; a receiver at a standstill may rest. */
    readonly lastReadingAtMs: number | undefined;
  }[];
}

export interface FaultVerdict extends Fault {
  readonly stands: boolean;
}

/**
 * Which silences stand, and which are over. Only what speaks is not silent: an offline node is never cleared. Since the
 * bridge may itself have been away, no silence counts from before `watchingSinceMs`; one that is too long only with the
 * time before is not judged at all, so that nothing is raised and nothing that stands is cleared. Neither is a device
 * behind a node that is silent or not judged: nobody knows.
 */
export function judgeSilence(
  watched: WatchedNode,
  limits: SilenceLimits,
  nowMs: number,
  watchingSinceMs: number,
): readonly FaultVerdict[] {
  const since = (atMs: number | undefined) => nowMs - Math.max(atMs ?? watchingSinceMs, watchingSinceMs);
  const { node, isOnline } = watched;
  const heardAtMs = isOnline ? Math.max(watched.heartbeatAtMs ?? 0, watched.stateAtMs) : watched.stateAtMs;
  // A parked vehicle said that it goes quiet, and may be switched off: that is no silence.
  const parkedLimitMs = isOnline ? 3 * (watched.parked?.everyMs ?? 0) : Number.POSITIVE_INFINITY;
  const usualMs = isOnline ? limits.heartbeatMs : limits.nodeMs;
  const limitMs = watched.parked === undefined ? usualMs : Math.max(usualMs, parkedLimitMs);
  if (since(heardAtMs) > limitMs) return [{ node, rule: "node-silent", stands: true }];
  if (!isOnline || nowMs - heardAtMs > limitMs) return [];
  const verdicts: FaultVerdict[] = [{ node, rule: "node-silent", stands: false }];
  for (const { device, subject, state, downSinceMs, lastReadingAtMs } of watched.devices) {
    const isDown = isDownState(state);
    const staleAtMs = state === "online" ? lastReadingAtMs : undefined;
    const isStale = staleAtMs !== undefined && since(staleAtMs) > limits.readingMs;
    if (isDown && since(downSinceMs) <= limits.deviceMs) continue;
    if (staleAtMs !== undefined && !isStale && nowMs - staleAtMs > limits.readingMs) continue;
    verdicts.push({ node, device, ...(subject && { subject }), rule: "device-silent", stands: isDown || isStale });
  }
  return verdicts;
}

const DOWN_STATES = ["silent", "offline", "starting"];

/** A start of the node answers nothing for its devices: only one that is online speaks. */
function isDownState(state: string): boolean {
  return DOWN_STATES.includes(state);
}

/** The bridge's own watch over every node, called by the clock. */
export class FaultWatch {
  readonly #db: Db;
  readonly #watchingSinceMs: number;
  /** By `node device subject`. */
  #downSinceMs = new Map<string, number>();

  constructor(db: Db, nowMs: number) {
    this.#db = db;
    this.#watchingSinceMs = nowMs;
  }

  /**
   * Reads first, and opens a transaction only for what changed.
   * @returns how many faults were raised or cleared
   */
  async look(limits: SilenceLimits, nowMs: number): Promise<number> {
    const standing = await this.#db
      .selectFrom("alarms")
      .select(["node", "device", "subject_id", "rule"])
      .where("family", "=", "fault")
      .where(isStanding)
      .where("rule", "in", ["node-silent", "device-silent"])
      .execute();
    const stands = new Set(
      standing.map(({ node, device, subject_id, rule }) => `${node} ${device} ${subject_id} ${rule}`),
    );
    const nodes = await doubtfulNodes(this.#db, this.#downSinceMs, limits, nowMs);
    let changed = 0;
    for (const watched of nodes) {
      for (const verdict of judgeSilence(watched, limits, nowMs, this.#watchingSinceMs)) {
        const { node, device = "", subject, rule } = verdict;
        if (stands.has(`${node} ${device} ${subject?.id ?? ""} ${rule}`) === verdict.stands) continue;
        const act = verdict.stands ? raiseFault : clearFault;
        await changing(this.#db, async (trx) => {
          await lockNode(trx, node);
          return act(trx, verdict, nowMs);
        });
        changed += 1;
      }
    }
    this.#downSinceMs = new Map(
      nodes.flatMap(({ node, devices }) =>
        devices.flatMap(({ device, subject, downSinceMs }) =>
          downSinceMs === undefined ? [] : [[`${node} ${device} ${subject?.id ?? ""}`, downSinceMs] as const],
        ),
      ),
    );
    return changed;
  }
}

/**
 * The nodes of which a verdict could change something, with those of their devices: whoever is silent, or stands as silent. Of a
 * fleet at work that is nobody, and the store alone looks at all of it.
 */
async function doubtfulNodes(
  db: Db,
  downSinceMs: ReadonlyMap<string, number>,
  limits: SilenceLimits,
  nowMs: number,
): Promise<readonly WatchedNode[]> {
  const standing = db.selectFrom("alarms").select("node").where("family", "=", "fault").where(isStanding);
  const doubtful = db
    .selectFrom("device_state")
    .where("subject_type", "in", ["", "station"])
    .where(({ eb, or, and }) =>
      or([
        eb("state", "in", DOWN_STATES),
        and([
          eb("state", "=", "online"),
          eb("quantity", "is not", null),
          eb("last_reading_at_ms", "<", nowMs - limits.readingMs),
        ]),
        eb("node", "in", standing.where("rule", "=", "device-silent")),
      ]),
    );
  const heardAtMs = nowMs - Math.min(limits.nodeMs, limits.heartbeatMs);
  const nodes = await db
    .selectFrom("nodes")
    .select(["id", "online", "state_at_ms", "health_at_ms", "health"])
    .where("revoked_at_ms", "is", null)
    .where("state_at_ms", "is not", null)
    .where(({ eb, or, and }) =>
      or([
        and([
          eb("state_at_ms", "<", heardAtMs),
          or([eb("online", "=", 0), eb("health_at_ms", "is", null), eb("health_at_ms", "<", heardAtMs)]),
        ]),
        eb("id", "in", standing.where("rule", "=", "node-silent")),
        eb("id", "in", doubtful.select("node")),
      ]),
    )
    .execute();
  const devices = await doubtful
    .select(["node", "device", "subject_type", "subject_id", "state", "at_ms", "quantity", "last_reading_at_ms"])
    .execute();
  const byNode = Map.groupBy(devices, ({ node }) => node);
  return nodes.map((row) => ({
    node: row.id,
    isOnline: row.online === 1,
    stateAtMs: row.state_at_ms ?? 0,
    heartbeatAtMs: row.health_at_ms ?? undefined,
    parked: parkedBy(row.health),
    devices: (byNode.get(row.id) ?? []).map((device) => ({
      device: device.device,
      ...(device.subject_type === "station" && { subject: { type: "station" as const, id: device.subject_id } }),
      state: device.state,
      downSinceMs: isDownState(device.state)
        ? (downSinceMs.get(`${row.id} ${device.device} ${device.subject_id}`) ?? Math.min(device.at_ms, nowMs))
        : undefined,
      lastReadingAtMs: device.quantity === null ? undefined : (device.last_reading_at_ms ?? undefined),
    })),
  }));
}

/** @param health a body that ingest accepted, as JSON */
function parkedBy(health: string | null): { readonly everyMs: number } | undefined {
  if (health?.includes('"parkedSinceMs"') !== true) return undefined;
  const { parkedSinceMs, everyMs = 60_000 } = JSON.parse(health) as Partial<HealthBody>;
  return parkedSinceMs === undefined ? undefined : { everyMs };
}
