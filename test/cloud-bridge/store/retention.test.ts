import { describe, expect, test } from "vitest";
import { accountingOf } from "../../../cloud-bridge/fleet/accounting.ts";
import { Ingest } from "../../../cloud-bridge/ingest/ingest.ts";
import type { Db, Store } from "../../../cloud-bridge/store/database.ts";
import { openInboxDays } from "../../../cloud-bridge/store/inbox-days.ts";
import { silentLogger } from "../../../cloud-bridge/store/logger.ts";
import { dropOld, makeRoom, storeSize, type Terms, total } from "../../../cloud-bridge/store/retention.ts";
import { encodeEnvelope } from "../../../protocol/envelope.ts";
import { newAlarmId, newRunId } from "../../../protocol/new-ids.ts";
import type { NewRecord } from "../../../protocol/record.ts";
import { encodeRecord } from "../../../protocol/record-codec.ts";
import type { ReceiptMessage } from "../../../protocol/session.ts";
import { temporaryStore } from "../../fakes/bridge-store.ts";
import { alarmRecord, noiseRecord } from "../../protocol/examples.ts";

const HOUR_MS = 3600_000;
const DAY_MS = 24 * HOUR_MS;
const T0 = 20_420 * DAY_MS + 5 * HOUR_MS;
const TERMS: Terms = {
  days: { levels: 10, positions: 5, health: 3, records: 20 },
  caseDays: 60,
  quarantineDays: 20,
  hoursDays: 15,
};
const KINDS = ["noise", "measurement", "position", "health", "device", "start", "time", "message", "alarm", "result"];

const sweepOf = (db: Db, nowMs: number, mayGoOn: () => boolean | Promise<boolean> = () => true) => ({
  db,
  terms: TERMS,
  nowMs,
  mayGoOn,
});

interface Row {
  readonly seq: number;
  readonly kind: string;
  readonly receivedAtMs: number;
  readonly atMs?: number;
  readonly device?: string | null;
}

const RUN = "0123456789abcdef0123456789abcdef";

async function putRows(db: Db, rows: readonly Row[], node = "site-1"): Promise<void> {
  for (const day of new Set(rows.map(({ receivedAtMs }) => Math.floor(receivedAtMs / DAY_MS)))) {
    await openInboxDays(db, day * DAY_MS);
  }
  for (let at = 0; at < rows.length; at += 200) {
    const values = rows
      .slice(at, at + 200)
      .map(({ seq, kind, receivedAtMs, atMs = receivedAtMs, device = "noise-01" }) => ({
        ...{ node, run: RUN, seq, received_at_ms: receivedAtMs, kind, device, subject_type: null, subject_id: null },
        ...{ up_ms: seq, at_ms: atMs, corrected_at_ms: null, time_quality: "ntp", sha256: `hash-${seq}` },
        bytes: new Uint8Array(100),
      }));
    await db.insertInto("inbox").values(values).execute();
  }
}

interface PutCase {
  readonly raisedAtMs: number;
  readonly closedAtMs: number | null;
  readonly receivedAtMs?: number;
  readonly device?: string;
  readonly family?: string;
}

async function putCase(
  db: Db,
  { raisedAtMs, closedAtMs, receivedAtMs = raisedAtMs, device = "noise-01", family = "noise" }: PutCase,
): Promise<void> {
  const alarmId = newAlarmId(raisedAtMs);
  const number =
    Number(
      (
        await db
          .selectFrom("cases")
          .select(({ fn }) => fn.countAll<number>().as("n"))
          .executeTakeFirstOrThrow()
      ).n,
    ) + 1;
  await db
    .insertInto("alarms")
    .values({
      ...{
        alarm_id: alarmId,
        node: "site-1",
        device,
        rule: "r",
        family,
        nature: "condition",
        rev: 1,
        phase: "cleared",
      },
      ...{ body: "{}", run: RUN, seq: 1, site_id: null, received_at_ms: receivedAtMs, updated_at_ms: raisedAtMs },
      ...{ raised_at_ms: raisedAtMs, state_at_ms: raisedAtMs },
    })
    .execute();
  await db
    .insertInto("cases")
    .values({
      ...{
        id: `case-${number}`,
        number,
        family,
        title: "t",
        nature: "condition",
        rule: "r",
        node: "site-1",
        site_id: null,
      },
      ...{ state: closedAtMs === null ? "open" : "closed", closed_at_ms: closedAtMs, opened_at_ms: raisedAtMs },
      ...{ before_suspend: null, latitude_deg: null, longitude_deg: null, level_db: null, peak_db: null },
      ...{
        updated_at_ms: 1,
        last_alarm_at_ms: raisedAtMs,
        quiet_since_ms: null,
        auto_dispatch_at_ms: null,
        suspended_until_ms: null,
      },
    })
    .execute();
  const link = { case_id: `case-${number}`, alarm_id: alarmId, joined_at_ms: raisedAtMs, how: "opened" };
  await db.insertInto("case_alarms").values(link).execute();
}

async function seqs(db: Db): Promise<readonly number[]> {
  const rows = await db.selectFrom("inbox").select("seq").orderBy("seq").execute();
  return rows.map(({ seq }) => seq);
}

function worker(store: Store, nowMs: number) {
  const answers: ReceiptMessage[] = [];
  const ingest = new Ingest({
    store,
    clock: { nowMs: () => nowMs, upMs: () => 0 },
    log: silentLogger,
    publishReceipt: (_node, message) => void answers.push(message),
  });
  const up = async (run: string, first: number, records: readonly NewRecord[]) => {
    const items = records.map((record, i) => encodeRecord(first + i, record));
    await ingest.onUp("site-1", encodeEnvelope({ run, head: first + items.length - 1, upMs: 60_000 }, items));
    await ingest.idle();
  };
  return { answers, up };
}

describe("retention", () => {
  test("hours of a meter outlive its records, and go after their own term", async () => {
    const { db } = await temporaryStore();
    const hours = [14, 16].map((days) => T0 - days * DAY_MS);
    const row = { node: "site-1", device: "noise-01", seconds: 3600, valid: 3600, energy: 1e10, lamax_db: 70 };
    await db
      .insertInto("level_hours")
      .values(hours.map((hour_ms) => ({ ...row, hour_ms, subject_id: "" })))
      .execute();
    await dropOld(sweepOf(db, T0));
    const left = await db.selectFrom("level_hours").select("hour_ms").execute();
    expect(left).toEqual([{ hour_ms: hours[0] }]);
  });

  test("keeps each kind to the day of its term, and drops it on the next", async () => {
    const { db } = await temporaryStore();
    const rows = KINDS.flatMap((kind, k) =>
      Array.from({ length: 25 }, (_, age) => ({ seq: 1 + k * 100 + age, kind, receivedAtMs: T0 - age * DAY_MS })),
    );
    await putRows(db, rows);
    await dropOld(sweepOf(db, T0));
    const left = new Map<string, number>();
    for (const { kind } of await db.selectFrom("inbox").select("kind").execute())
      left.set(kind, (left.get(kind) ?? 0) + 1);
    const { levels, positions, health, records } = TERMS.days;
    // The day itself and as many before it.
    expect(Object.fromEntries(left)).toEqual({
      ...{
        noise: levels + 1,
        measurement: levels + 1,
        position: positions + 1,
        health: health + 1,
        device: health + 1,
      },
      ...{ start: records + 1, time: records + 1, message: records + 1, alarm: records + 1, result: records + 1 },
    });
    expect(total(await dropOld(sweepOf(db, T0)))).toBe(0);
    expect(total(await dropOld(sweepOf(db, T0 + DAY_MS)))).toBe(KINDS.length);
  });

  test("leaves what an open case needs, and what a closed one does until its own term is over", async () => {
    const { db } = await temporaryStore();
    const raisedAtMs = T0 - 50 * DAY_MS;
    const old = (seq: number, atMs: number, device = "noise-01") => ({
      seq,
      kind: "noise",
      receivedAtMs: atMs,
      atMs,
      device,
    });
    await putRows(db, [
      old(1, raisedAtMs - 2 * HOUR_MS),
      old(2, raisedAtMs - HOUR_MS / 2),
      old(3, raisedAtMs + HOUR_MS / 2),
      old(4, raisedAtMs + 12 * HOUR_MS),
      old(5, raisedAtMs + HOUR_MS / 2, "noise-02"),
      { seq: 6, kind: "health", receivedAtMs: raisedAtMs, device: null },
    ]);
    await putCase(db, { raisedAtMs, closedAtMs: null });
    await dropOld(sweepOf(db, T0));
    expect(await seqs(db)).toEqual([2, 3, 4, 6]);
    await db
      .updateTable("cases")
      .set({ state: "closed", closed_at_ms: raisedAtMs + 2 * HOUR_MS })
      .execute();
    await dropOld(sweepOf(db, T0 + 8 * DAY_MS));
    expect(await seqs(db)).toEqual([2, 3, 6]);
    await dropOld(sweepOf(db, T0 + 19 * DAY_MS));
    expect(await seqs(db)).toEqual([]);
  });

  test("a fault that nobody closes holds its hours and no more", async () => {
    const { db } = await temporaryStore();
    const raisedAtMs = T0 - 50 * DAY_MS;
    await putRows(db, [
      { seq: 1, kind: "health", receivedAtMs: raisedAtMs, device: null },
      { seq: 2, kind: "health", receivedAtMs: raisedAtMs + 5 * DAY_MS, device: null },
    ]);
    await putCase(db, { raisedAtMs, closedAtMs: null, device: "", family: "fault" });
    await dropOld(sweepOf(db, T0));
    expect(await seqs(db)).toEqual([1]);
  });

  test("an alarm about old times that comes while it drops still finds its levels", async () => {
    const { db } = await temporaryStore();
    const rows = Array.from({ length: 1200 }, (_, i) => ({
      seq: i + 1,
      kind: "noise",
      receivedAtMs: T0 - 30 * DAY_MS + i * 10_000,
    }));
    await putRows(db, rows);
    let rounds = 0;
    const arriving = { raisedAtMs: T0 - 30 * DAY_MS + 1100 * 10_000, closedAtMs: null, receivedAtMs: T0 + 1 };
    await dropOld(
      sweepOf(db, T0, async () => {
        rounds += 1;
        if (rounds === 2) await putCase(db, arriving);
        return true;
      }),
    );
    expect(rounds).toBeGreaterThan(2);
    expect(await seqs(db)).toEqual(rows.filter(({ seq }) => seq - 1 >= 1100 - 360).map(({ seq }) => seq));
  });

  test("what comes again after its time is a repeat, other bytes in lane 0 are a fault, and the account reads as before", async () => {
    const store = await temporaryStore();
    const { db } = store;
    const run = newRunId();
    const alarmId = newAlarmId(T0);
    await worker(store, T0).up(run, 1, [noiseRecord(0), alarmRecord(alarmId), noiseRecord(1)]);
    const before = (await accountingOf(db, "site-1")).total;
    expect(before).toMatchObject({ stored: 3, outstanding: 0, unexplained: 0 });
    const nowMs = T0 + 200 * DAY_MS;
    await putCaseOf(db, alarmId, T0);
    expect(total(await dropOld(sweepOf(db, nowMs)))).toBe(3);
    expect(await seqs(db)).toEqual([]);
    expect((await accountingOf(db, "site-1")).total).toEqual(before);
    const { up, answers } = worker(store, nowMs);
    await up(run, 1, [noiseRecord(0), alarmRecord(alarmId), noiseRecord(1)]);
    expect(answers.filter(({ type }) => type === "receipt")).toMatchObject([{ ranges: [[1, 3]], refused: [] }]);
    expect(await seqs(db)).toEqual([]);
    expect(await db.selectFrom("quarantine").selectAll().execute()).toEqual([]);
    await up(run, 2, [alarmRecord(newAlarmId(T0))]);
    expect(await db.selectFrom("quarantine").select(["seq", "code"]).execute()).toEqual([
      { seq: 2, code: "RECORD_CLASH" },
    ]);
  });

  test("unreadable records lose their bytes after their time, never their place in the account", async () => {
    const { db } = await temporaryStore();
    const values = (seq: number, receivedAtMs: number) => ({
      ...{ node: "site-1", run: RUN, seq, sha256: "h", code: "RECORD_INVALID", message: "kept whole", kind: null },
      ...{ received_at_ms: receivedAtMs, size_bytes: 3, bytes: new Uint8Array(3), replayed_at_ms: null },
    });
    await db
      .insertInto("quarantine")
      .values([values(1, T0 - 30 * DAY_MS), values(2, T0)])
      .execute();
    expect((await dropOld(sweepOf(db, T0))).quarantine).toBe(1);
    const rows = await db.selectFrom("quarantine").select(["seq", "bytes", "sha256"]).orderBy("seq").execute();
    expect(rows.map(({ seq, bytes, sha256 }) => [seq, bytes === null, sha256])).toEqual([
      [1, true, "h"],
      [2, false, "h"],
    ]);
  });

  test("without room the oldest levels, positions and health go first; lane 0, a run's account and open cases stay", async () => {
    const { db } = await temporaryStore();
    const rows = KINDS.flatMap((kind, k) =>
      Array.from({ length: 5 }, (_, age) => ({ seq: 1 + k * 100 + age, kind, receivedAtMs: T0 - age * DAY_MS })),
    );
    await putRows(db, rows);
    await putRows(db, [{ seq: 9000, kind: "noise", receivedAtMs: T0 - 4 * DAY_MS, device: "noise-02" }]);
    await putCase(db, { raisedAtMs: T0 - 4 * DAY_MS, closedAtMs: null, device: "noise-02" });
    const isShort = async () => (await seqs(db)).length > 46;
    const once = await makeRoom(sweepOf(db, T0), isShort);
    expect(once).toMatchObject({ dropped: { levels: 2, positions: 1, health: 2, records: 0 }, isStillShort: false });
    const all = await makeRoom(sweepOf(db, T0), async () => true);
    expect(all).toMatchObject({ dropped: { levels: 4, positions: 2, health: 4, records: 0 }, isStillShort: true });
    const left = await db.selectFrom("inbox").select(["seq", "kind", "received_at_ms"]).execute();
    expect(left.filter(({ kind }) => ["alarm", "result", "message", "start", "time"].includes(kind))).toHaveLength(25);
    expect(
      left
        .filter(({ kind }) => kind === "noise")
        .map(({ seq }) => seq)
        .sort(),
    ).toEqual([1, 2, 9000]);
    expect((await storeSize(db)).usedBytes).toBeGreaterThan(0);
  });

  test("of random records and cases exactly those go that are past their term and that no case holds", async () => {
    const seed = Number(process.env["SHAO_SEED"] ?? Math.floor(Math.random() * 1e9));
    const random = randomOf(seed);
    let gone = 0;
    let kept = 0;
    for (let round = 0; round < 6; round += 1) {
      const store = await temporaryStore();
      const { db } = store;
      const devices = ["noise-01", "noise-02", null];
      const rows: Row[] = Array.from({ length: 400 }, (_, i) => {
        const receivedAtMs = T0 - Math.floor(random() * 40 * DAY_MS);
        const atMs = receivedAtMs - Math.floor(random() ** 4 * 10 * DAY_MS);
        const kind = KINDS[Math.floor(random() * KINDS.length)] ?? "noise";
        return { seq: i + 1, kind, receivedAtMs, atMs, device: devices[Math.floor(random() * 3)] ?? null };
      });
      await putRows(db, rows);
      const cases = Array.from({ length: 8 }, () => {
        const raisedAtMs = T0 - Math.floor(random() * 100 * DAY_MS);
        const closedAtMs = random() < 0.3 ? null : Math.min(T0, raisedAtMs + Math.floor(random() * 5 * DAY_MS));
        return { raisedAtMs, closedAtMs, device: random() < 0.5 ? "noise-01" : "noise-02" };
      });
      for (const one of cases) await putCase(db, one);
      for (let day = -1; day <= 0; day += 1) await dropOld(sweepOf(db, T0 + day * DAY_MS));
      const expected = rows.filter((row) => mustStay(row, cases)).map(({ seq }) => seq);
      expect(await seqs(db), `seed ${seed}, round ${round}`).toEqual(expected);
      kept += expected.length;
      gone += rows.length - expected.length;
      const hashes = await db.selectFrom("kept_hashes").select("seq").orderBy("seq").execute();
      const urgent = rows.filter((row) => ["alarm", "result", "message"].includes(row.kind) && !mustStay(row, cases));
      expect(hashes.map(({ seq }) => seq)).toEqual(urgent.map(({ seq }) => seq));
    }
    console.log(`retention: seed ${seed}, ${kept} kept, ${gone} gone`);
  });
});

/** Written from the promise, not from the code: by age in days and by the cases of the record's device. */
function mustStay(
  row: Row,
  cases: readonly { raisedAtMs: number; closedAtMs: number | null; device: string }[],
): boolean {
  const ageDays = Math.floor(T0 / DAY_MS) - Math.floor(row.receivedAtMs / DAY_MS);
  const { levels, positions, health, records } = TERMS.days;
  const term =
    row.kind === "noise" || row.kind === "measurement" ? levels : row.kind === "position" ? positions : records;
  if (ageDays <= (row.kind === "health" || row.kind === "device" ? health : term)) return true;
  return cases.some(({ raisedAtMs, closedAtMs, device }) => {
    if (closedAtMs !== null && closedAtMs < T0 - TERMS.caseDays * DAY_MS - DAY_MS) return false;
    if (row.device !== null && row.device !== device) return false;
    const atMs = row.atMs ?? row.receivedAtMs;
    return atMs >= raisedAtMs - HOUR_MS && atMs <= (closedAtMs ?? Number.POSITIVE_INFINITY) + HOUR_MS;
  });
}

async function putCaseOf(db: Db, alarmId: string, closedAtMs: number): Promise<void> {
  await putCase(db, { raisedAtMs: closedAtMs, closedAtMs });
  const link = { case_id: "case-1", alarm_id: alarmId, joined_at_ms: closedAtMs, how: "joined" };
  await db.insertInto("case_alarms").values(link).execute();
}

function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
