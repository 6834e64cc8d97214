import { applyAlarm } from "../../cloud-bridge/alarms/apply-alarm.ts";
import type { AlarmRevision } from "../../cloud-bridge/alarms/reduce.ts";
import { DEFAULT_DESK, type DeskSettings } from "../../cloud-bridge/cases/settings.ts";
import type { NotificationChannel } from "../../cloud-bridge/dispatch/channels/channel.ts";
import { createDesk } from "../../cloud-bridge/dispatch/desk.ts";
import type { DeskEvent } from "../../cloud-bridge/dispatch/events.ts";
import { putCrew } from "../../cloud-bridge/roster/crews.ts";
import { addDuty } from "../../cloud-bridge/roster/duties.ts";
import { putUnit } from "../../cloud-bridge/roster/units.ts";
import type { Db, OpenStore, Store } from "../../cloud-bridge/store/database.ts";
import { type FaultPoints, noFaultPoints } from "../../cloud-bridge/store/fault-points.ts";
import { openInboxDays } from "../../cloud-bridge/store/inbox-days.ts";
import { silentLogger } from "../../cloud-bridge/store/logger.ts";
import { encodeLevels } from "../../protocol/level-series.ts";
import { encodeRecord } from "../../protocol/record-codec.ts";
import { temporaryStore } from "./bridge-store.ts";

export const T0 = 1_795_276_800_000;
export const SITE = { latitudeDeg: 39.912, longitudeDeg: 116.456 };
export const NEAR_BY = { latitudeDeg: 39.92, longitudeDeg: 116.456 };
export const FAR_OFF = { latitudeDeg: 39.99, longitudeDeg: 116.456 };

export const DISPATCHER = { id: "acc-1", name: "li.desk", role: "dispatcher" };
export const SUPERVISOR = { id: "acc-2", name: "wang.lead", role: "supervisor" };
export const CREW_A = { id: "acc-3", name: "crew.a", role: "crew", crewId: "crew-a" };
export const CREW_B = { id: "acc-4", name: "crew.b", role: "crew", crewId: "crew-b" };

export class VirtualClock {
  atMs = T0;
  up = 0;
  nowMs(): number {
    return this.atMs;
  }
  upMs(): number {
    return this.up;
  }
  pass(ms: number): void {
    this.atMs += ms;
    this.up += ms;
  }
}

let key = 0;
/** A fresh Idempotency-Key. */
export function newKey(): string {
  key += 1;
  return `key-${key}`;
}

export interface RigOptions extends Partial<OpenStore> {
  readonly settings?: Partial<DeskSettings>;
  readonly faultPoints?: FaultPoints;
  /** Other ways than a page on which the desk tells its news. */
  readonly channelsOf?: (rig: { readonly db: Db; readonly clock: VirtualClock }) => readonly NotificationChannel[];
}

/** One site with one meter, two crews on duty, a desk over a real database and a clock that the test moves. */
export async function deskRig(options: RigOptions = {}) {
  const store = await temporaryStore(options);
  const clock = new VirtualClock();
  const { db } = store;
  const events: DeskEvent[] = [];
  const settings: DeskSettings = {
    ...DEFAULT_DESK,
    dispatch: { policy: "auto", afterSeconds: 0 },
    ...options.settings,
  };
  const channels = options.channelsOf?.({ db, clock }) ?? [];
  const makeDesk = (faultPoints: FaultPoints = noFaultPoints) =>
    createDesk({
      db,
      clock,
      settings,
      faultPoints,
      channels,
      log: silentLogger,
      publish: (event) => events.push(event),
    });
  await furnish(store, clock);
  const desk = makeDesk(options.faultPoints);
  await desk.onPosition({ node: "car-a" }, { ...NEAR_BY, atMs: T0 });
  await desk.onPosition({ node: "car-b" }, { ...FAR_OFF, atMs: T0 });
  return {
    store,
    db,
    clock,
    events,
    channels,
    desk,
    settings,
    makeDesk,
    /** A revision arrives and commits, as ingest does it; the desk is not woken. */
    receive: (revision: AlarmRevision) => db.transaction().execute((trx) => applyAlarm(trx, revision, clock.nowMs())),
    async theCase() {
      const { items } = await desk.views.caseList({ limit: 10 });
      const [only] = items;
      if (only === undefined || items.length !== 1) throw new Error(`${items.length} cases instead of one`);
      return desk.views.caseDetail(only.id);
    },
    /** Time goes by as it does in service: a second at a time. */
    async live(ms: number) {
      for (let passed = 0; passed < ms; passed += 1000) {
        clock.pass(1000);
        await desk.tick();
      }
    },
    minute: (fromMs: number, levelDb: number, of: StoredMinute = {}) => storeMinute(store, fromMs, levelDb, of),
    /** Everybody has just been heard of. */
    async freshen() {
      await db.updateTable("nodes").set({ health_at_ms: clock.nowMs() }).execute();
      await db.updateTable("device_state").set({ last_reading_at_ms: clock.nowMs() }).execute();
      await desk.onPosition({ node: "car-a" }, { ...NEAR_BY, atMs: clock.nowMs() });
      await desk.onPosition({ node: "car-b" }, { ...FAR_OFF, atMs: clock.nowMs() });
    },
  };
}

export type DeskRig = Awaited<ReturnType<typeof deskRig>>;

async function furnish({ db }: Store, clock: VirtualClock): Promise<void> {
  const site = { id: "block-7", name: "Guanghua Road block 7", time_zone: "Asia/Shanghai", source: "operator" };
  await db
    .insertInto("sites")
    .values({ ...site, latitude_deg: SITE.latitudeDeg, longitude_deg: SITE.longitudeDeg, created_at_ms: T0 })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await db
    .insertInto("bindings")
    .values({ node: "site-042", device: "noise-01", site_id: "block-7", from_ms: 0, source: "start" })
    .execute();
  await db
    .insertInto("nodes")
    .values({ id: "site-042", site_id: "block-7", created_at_ms: T0, online: 1, state_at_ms: T0, health_at_ms: T0 })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await db
    .insertInto("device_state")
    .values({
      node: "site-042",
      device: "noise-01",
      state: "online",
      quantity: "LAF",
      at_ms: T0,
      last_reading_at_ms: T0,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await putUnit(db, { id: "street", name: "Hujialou street", level: "street" });
  for (const letter of ["a", "b"]) {
    const crew = { id: `crew-${letter}`, name: `Crew ${letter.toUpperCase()}`, unitId: "street" };
    await putCrew(db, { ...crew, vehicleNode: `car-${letter}` });
    await addDuty(db, { crewId: crew.id, fromMs: clock.nowMs() - 3600_000, toMs: clock.nowMs() + 8 * 3600_000 });
  }
}

let seq = 100_000;
export interface StoredMinute {
  /** A station behind the meter's device. */
  readonly station?: string;
  readonly statisticsBy?: "station";
}

/** One minute of a steady level, as its record lies in the inbox. */
async function storeMinute({ db }: Store, fromMs: number, levelDb: number, of: StoredMinute): Promise<void> {
  seq += 1;
  await db.updateTable("nodes").set({ health_at_ms: fromMs }).execute();
  await db.updateTable("device_state").set({ last_reading_at_ms: fromMs }).execute();
  const levels = Array.from({ length: 60 }, () => ({ levelDb, flags: [] }));
  const rounded = { laeqDb: levelDb, lamaxDb: levelDb, laminDb: levelDb, l5Db: levelDb, l10Db: levelDb };
  const statistics = {
    n: 60,
    valid: 60,
    ...rounded,
    l50Db: levelDb,
    l90Db: levelDb,
    l95Db: levelDb,
    sdDb: 0,
    selDb: 0,
  };
  const { station, statisticsBy } = of;
  const quantity = "LAF" as const;
  const body = { quantity, series: encodeLevels(fromMs, levels), statistics, ...(statisticsBy && { statisticsBy }) };
  const atMs = fromMs + 60_000;
  const head = { upMs: 1, atMs, timeQuality: "ntp" as const, kind: "noise" as const, device: "noise-01" };
  const bytes = encodeRecord(seq, { ...head, body });
  await openInboxDays(db, atMs);
  await db
    .insertInto("inbox")
    .values({
      node: "site-042",
      run: "r",
      seq,
      received_at_ms: atMs,
      kind: "noise",
      device: "noise-01",
      ...(station !== undefined && { subject_type: "station", subject_id: station }),
      up_ms: 1,
      at_ms: atMs,
      corrected_at_ms: atMs,
      time_quality: "ntp",
      sha256: "",
      bytes,
    })
    .execute();
}
