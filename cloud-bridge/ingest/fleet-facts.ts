import { sql } from "kysely";
import type { DeviceBody, PositionBody } from "../../protocol/bodies.ts";
import type { Subject } from "../../protocol/ids.ts";
import { clearFault, raiseFault } from "../alarms/faults.ts";
import type { Trx } from "../store/database.ts";
import { overRows } from "../store/over-rows.ts";

/** What a batch says of one node's present, gathered so that each row is written once a batch. `atMs` is when it was so. */
export class FleetFacts {
  readonly #readings = new Map<string, { node: string; device: string; atMs: number }>();
  readonly #health = new Map<string, HealthFact>();
  readonly #positions = new Map<string, { body: PositionBody; atMs: number }>();
  readonly #devices = new Map<string, DeviceFact>();
  readonly #handsets = new Map<string, HandsetFix>();

  reading(node: string, device: string, atMs: number): void {
    const key = `${node} ${device}`;
    if ((this.#readings.get(key)?.atMs ?? -1) < atMs) this.#readings.set(key, { node, device, atMs });
  }

  health(node: string, fact: HealthFact): void {
    if ((this.#health.get(node)?.atMs ?? -1) < fact.atMs) this.#health.set(node, fact);
  }

  position(node: string, body: PositionBody, atMs: number): void {
    if ((this.#positions.get(node)?.atMs ?? -1) < atMs) this.#positions.set(node, { body, atMs });
  }

  /** Where a handset is: its crew is there. */
  handset(issi: string, body: PositionBody, atMs: number): void {
    if ((this.#handsets.get(issi)?.atMs ?? -1) >= atMs) return;
    const { latitudeDeg, longitudeDeg, accuracyM } = body;
    this.#handsets.set(issi, {
      issi,
      latitudeDeg,
      longitudeDeg,
      atMs,
      ...(accuracyM === undefined ? {} : { accuracyM }),
    });
  }

  /** The newest fix of each handset in this batch. */
  get handsets(): readonly HandsetFix[] {
    return [...this.#handsets.values()];
  }

  device(fact: DeviceFact): void {
    const key = `${fact.node} ${fact.device} ${fact.subject?.type ?? ""} ${fact.subject?.id ?? ""}`;
    if ((this.#devices.get(key)?.atMs ?? -1) <= fact.atMs) this.#devices.set(key, fact);
  }

  /** Nodes whose presence changes with this batch. */
  get nodes(): ReadonlySet<string> {
    const found = [...this.#readings.values(), ...this.#devices.values()].map(({ node }) => node);
    return new Set([...found, ...this.#health.keys(), ...this.#positions.keys()]);
  }

  /**
   * Older facts never overwrite newer ones: a backlog does not make a device look fresh, or stale.
   * @returns whether alarms changed
   */
  async write(trx: Trx, nowMs: number): Promise<boolean> {
    let hasAlarms = false;
    for (const fact of this.#devices.values()) await writeDevice(trx, fact);
    await writeReadings(trx, [...this.#readings.values()]);
    for (const [node, { body, atMs, quality, isLive, isSettling }] of this.#health) {
      const { numUpdatedRows } = await trx
        .updateTable("nodes")
        .set({ health: JSON.stringify(body), health_at_ms: atMs, time_quality: quality })
        .where("id", "=", node)
        .where((or) => or.or([or("health_at_ms", "is", null), or("health_at_ms", "<", atMs)]))
        .executeTakeFirst();
      if (numUpdatedRows === 0n || !isLive || (quality === "none" && isSettling)) continue;
      const act = quality === "none" ? raiseFault : clearFault;
      if (await act(trx, { node, rule: "clock-untrusted" }, nowMs)) hasAlarms = true;
    }
    for (const [node, { body, atMs }] of this.#positions) {
      await trx
        .updateTable("nodes")
        .set({ latitude_deg: body.latitudeDeg, longitude_deg: body.longitudeDeg, position_at_ms: atMs })
        .where("id", "=", node)
        .where((or) => or.or([or("position_at_ms", "is", null), or("position_at_ms", "<", atMs)]))
        .execute();
    }
    return hasAlarms;
  }
}

const writeReadings = overRows<{ node: string; device: string; atMs: number }>(
  { node: "text", device: "text", atMs: "bigint" },
  (given) => sql`insert into device_state (node, device, state, at_ms, last_reading_at_ms)
    select given.node, given.device, 'online', given."atMs", given."atMs" from ${given}
    where true order by given.node, given.device
    on conflict (node, device, subject_type, subject_id) do update set last_reading_at_ms = excluded.last_reading_at_ms
      where device_state.last_reading_at_ms is null or device_state.last_reading_at_ms < excluded.last_reading_at_ms`,
);

export interface HandsetFix {
  readonly issi: string;
  readonly latitudeDeg: number;
  readonly longitudeDeg: number;
  readonly accuracyM?: number;
  readonly atMs: number;
}

export interface HealthFact {
  readonly body: unknown;
  readonly quality: string;
  readonly atMs: number;
  /** Of the running run and not late: only such a record tells whether the node knows the time now. */
  readonly isLive: boolean;
  /** Its run is so young that its clock may still be found: not yet a fault, and the end of none. */
  readonly isSettling: boolean;
}

export interface DeviceFact {
  readonly node: string;
  readonly device: string;
  readonly subject: Subject | undefined;
  readonly body: DeviceBody;
  readonly atMs: number;
}

async function writeDevice(trx: Trx, { node, device, subject, body, atMs }: DeviceFact): Promise<void> {
  const values = { state: body.state, body: JSON.stringify(body), at_ms: atMs };
  await trx
    .insertInto("device_state")
    .values({ node, device, subject_type: subject?.type ?? "", subject_id: subject?.id ?? "", ...values })
    .onConflict((conflict) =>
      conflict
        .columns(["node", "device", "subject_type", "subject_id"])
        .doUpdateSet(values)
        .where((or) => or.or([or("device_state.at_ms", "<=", atMs), or("device_state.state", "=", "starting")])),
    )
    .execute();
}
