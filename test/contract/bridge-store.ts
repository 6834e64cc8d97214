import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { hoursOfMeter, observedByHour } from "../../cloud-bridge/analysis/observed-hours.ts";
import { alarmList } from "../../cloud-bridge/dispatch/alarm-list.ts";
import { caseList } from "../../cloud-bridge/dispatch/case-list.ts";
import { commandKey, findCommand, listCommands } from "../../cloud-bridge/dispatch/command-rows.ts";
import { NodeCommands } from "../../cloud-bridge/dispatch/node-commands.ts";
import { accountingOf } from "../../cloud-bridge/fleet/accounting.ts";
import { listNodes } from "../../cloud-bridge/fleet/node-views.ts";
import { Ingest } from "../../cloud-bridge/ingest/ingest.ts";
import type { Store } from "../../cloud-bridge/store/database.ts";
import { isPostgres } from "../../cloud-bridge/store/dialect.ts";
import { noFaultPoints } from "../../cloud-bridge/store/fault-points.ts";
import { openInboxDays } from "../../cloud-bridge/store/inbox-days.ts";
import { silentLogger } from "../../cloud-bridge/store/logger.ts";
import { MIGRATIONS } from "../../cloud-bridge/store/migrations.ts";
import { changing } from "../../cloud-bridge/store/transactions.ts";
import { encodeEnvelope } from "../../protocol/envelope.ts";
import { newAlarmId, newRunId } from "../../protocol/new-ids.ts";
import type { NewRecord } from "../../protocol/record.ts";
import { encodeRecord } from "../../protocol/record-codec.ts";
import type { ReceiptMessage } from "../../protocol/session.ts";
import { forget, storeOf } from "../fakes/bridge-store.ts";
import { alarmRecord, noiseRecord } from "../protocol/examples.ts";

const DAY_MS = 24 * 3600_000;
const T0 = 20_420 * DAY_MS + 3600_000;

/** What the bridge relies on, whichever database lies below. Two handles stand for two processes where there may be two. */
export function bridgeStoreContract(kind: "sqlite" | "postgres", missing: string | undefined): void {
  describe.skipIf(missing !== undefined)(`the store on ${kind}${missing === undefined ? "" : ` (${missing})`}`, () => {
    let state: string;
    let one: Store;
    let other: Store;
    beforeAll(() => {
      process.env["SHAO_TEST_STORE"] = kind;
    });
    afterAll(() => {
      delete process.env["SHAO_TEST_STORE"];
    });
    beforeEach(async () => {
      state = mkdtempSync(join(tmpdir(), "shao-contract-"));
      one = await storeOf(state, { nowMs: T0 });
      other = kind === "sqlite" ? one : await storeOf(state, { nowMs: T0 });
    });
    afterEach(async () => {
      await one.close();
      if (other !== one) await other.close();
      await forget(state);
    });

    function worker(store: Store, nowMs = T0) {
      const answers: ReceiptMessage[] = [];
      const ingest = new Ingest({
        store,
        clock: { nowMs: () => nowMs, upMs: () => 0 },
        log: silentLogger,
        publishReceipt: (_node, message) => void answers.push(message),
      });
      const up = (run: string, first: number, records: readonly NewRecord[], node = "site-1") => {
        const items = records.map((record, i) => encodeRecord(first + i, record));
        return ingest.onUp(node, encodeEnvelope({ run, head: first + items.length - 1, upMs: 60_000 }, items));
      };
      return { answers, ingest, up };
    }
    const count = async (table: "inbox" | "alarms" | "follow_up" | "runs" | "kept_hashes" | "quarantine") =>
      Number(
        (
          await one.db
            .selectFrom(table)
            .select(({ fn }) => fn.countAll<number>().as("n"))
            .executeTakeFirstOrThrow()
        ).n,
      );

    test("numbers come back as numbers, bytes as bytes, and text as it was", async () => {
      const { ingest, up } = worker(one);
      const run = newRunId();
      const odd: NewRecord = { ...noiseRecord(0), subject: { type: "station", id: "站-\u0000'\"\\-ß" } };
      await up(run, 1, [odd]);
      await ingest.idle();
      const row = await one.db.selectFrom("inbox").selectAll().executeTakeFirstOrThrow();
      expect(row).toMatchObject({ seq: 1, received_at_ms: T0, node: "site-1", run });
      expect(Buffer.from(row.bytes).equals(Buffer.from(encodeRecord(1, odd)))).toBe(true);
      // PostgreSQL's text knows no NUL.
      expect(row.subject_id).toBe(kind === "sqlite" ? "站-\u0000'\"\\-ß" : "站-\uFFFD'\"\\-ß");
      const big = 2 ** 52 + 1;
      await one.db.updateTable("nodes").set({ position_at_ms: big, latitude_deg: 39.912345678901 }).execute();
      const node = await one.db.selectFrom("nodes").selectAll().executeTakeFirstOrThrow();
      expect([node.position_at_ms, node.latitude_deg, node.online]).toEqual([big, 39.912345678901, 0]);
    });

    test("a transaction that throws leaves nothing behind", async () => {
      await expect(
        changing(one.db, async (trx) => {
          await trx.insertInto("units").values({ id: "u", name: "U", level: "street", parent_id: null }).execute();
          throw new Error("no");
        }),
      ).rejects.toThrow("no");
      expect(await one.db.selectFrom("units").selectAll().execute()).toEqual([]);
    });

    test("two workers that take the same runs in opposite order both get done, and each record is stored once", async () => {
      const [a, b] = [worker(one), worker(other)];
      const runs = Array.from({ length: 8 }, () => newRunId());
      for (let round = 0; round < 5; round += 1) {
        const records = [noiseRecord(round)];
        for (const [index, run] of runs.entries()) {
          await a.up(run, round + 1, records, `site-${index}`);
          await b.up(runs[7 - index] ?? "", round + 1, records, `site-${7 - index}`);
        }
        await Promise.all([a.ingest.idle(), b.ingest.idle()]);
      }
      expect(await count("inbox")).toBe(40);
      expect(await count("quarantine")).toBe(0);
      for (let index = 0; index < 8; index += 1) {
        const { total } = await accountingOf(one.db, `site-${index}`);
        expect(total).toMatchObject({ stored: 5, quarantined: 0 });
      }
    });

    test("a thousand copies of one alarm at once, to two workers, are one alarm with one follow-up", async () => {
      const [a, b] = [worker(one), worker(other)];
      const run = newRunId();
      const alarmId = newAlarmId(T0);
      for (let copy = 0; copy < 500; copy += 1) {
        void a.up(run, 1, [alarmRecord(alarmId)]);
        void b.up(run, 1, [alarmRecord(alarmId)]);
      }
      await Promise.all([a.ingest.idle(), b.ingest.idle()]);
      expect([await count("alarms"), await count("follow_up"), await count("inbox")]).toEqual([1, 1, 1]);
      const receipts = [...a.answers, ...b.answers].filter(({ type }) => type === "receipt");
      expect(receipts.length).toBeGreaterThan(0);
    });

    test("revisions of one alarm that arrive at two workers leave the highest, and a follow-up that is due", async () => {
      const [a, b] = [worker(one), worker(other)];
      const run = newRunId();
      const alarmId = newAlarmId(T0);
      for (let rev = 1; rev <= 40; rev += 1) {
        const phase = rev === 1 ? "raised" : "updated";
        void (rev % 2 === 0 ? a : b).up(run, rev, [alarmRecord(alarmId, { rev, phase })]);
      }
      await Promise.all([a.ingest.idle(), b.ingest.idle()]);
      const alarm = await one.db.selectFrom("alarms").select("rev").executeTakeFirstOrThrow();
      expect(alarm.rev).toBe(40);
      expect(await one.db.selectFrom("follow_up").select("pending").execute()).toEqual([{ pending: 1 }]);
    });

    test("lists run in the order of their bytes, and their pages meet without a gap", async () => {
      for (const id of ["b-1", "a-2", "a1", "a-10", "zz", "a"]) {
        await one.db.insertInto("nodes").values({ id, created_at_ms: 0 }).execute();
        await one.db
          .insertInto("cases")
          .values({
            ...{ id: `case-${id}`, number: 100 - id.length * 10 - id.charCodeAt(0), family: "noise", title: id },
            ...{ nature: "condition", rule: "r", state: id === "zz" ? "closed" : "open", node: id, site_id: null },
            ...{ before_suspend: null, latitude_deg: null, longitude_deg: null, closed_at_ms: null, level_db: null },
            ...{ opened_at_ms: 1, updated_at_ms: 1, last_alarm_at_ms: 1, peak_db: null, quiet_since_ms: null },
            ...{ auto_dispatch_at_ms: null, suspended_until_ms: null },
          })
          .onConflict((conflict) => conflict.doNothing())
          .execute();
      }
      const paged: string[] = [];
      for (let after = ""; ; after = paged.at(-1) ?? "") {
        const page = await listNodes(one.db, { after, limit: 2, nowMs: T0 });
        if (page.length === 0) break;
        paged.push(...page.map(({ id }) => id));
      }
      expect(paged).toEqual([...paged].sort((a, b) => (a < b ? -1 : 1)));
      expect(paged).toHaveLength(6);
      const whole = await caseList(one.db, { limit: 50 });
      const first = await caseList(one.db, { limit: 2 });
      const rest = await caseList(one.db, { limit: 50, ...(first.next === undefined ? {} : { before: first.next }) });
      expect([...first.items, ...rest.items]).toEqual(whole.items);
      expect((await caseList(one.db, { limit: 50, open: true })).items.map(({ title }) => title)).not.toContain("zz");
      await one.db
        .insertInto("case_units")
        .values(["a-2", "zz"].map((id) => ({ case_id: `case-${id}`, unit_id: "street", why: "site", since_ms: 1 })))
        .execute();
      const held = async (unitId: string, before?: string) =>
        caseList(one.db, {
          ...{ limit: 1, sort: "-updatedAtMs", scope: { isWhole: false, unitIds: new Set([unitId]) } },
          ...(before === undefined ? {} : { before }),
        });
      const [newest, other] = [await held("street"), await held("elsewhere")];
      const oldest = await held("street", newest.next);
      expect([...newest.items, ...oldest.items].map(({ title }) => title).sort()).toEqual(["a-2", "zz"]);
      expect([oldest.next, other.items]).toEqual([undefined, []]);
    });

    test("alarms of one moment are paged without a gap", async () => {
      const { up, ingest } = worker(one);
      const records = Array.from({ length: 7 }, () => alarmRecord(newAlarmId(T0)));
      await up(newRunId(), 1, records);
      await ingest.idle();
      const seen: string[] = [];
      for (let before: string | undefined; ; ) {
        const page = await alarmList(one.db, { limit: 3, ...(before === undefined ? {} : { before }) });
        seen.push(...page.items.map(({ alarmId }) => alarmId));
        before = page.next;
        if (before === undefined) break;
      }
      expect(seen).toHaveLength(7);
      expect(new Set(seen).size).toBe(7);
    });

    test("a step of the schema that is cut short leaves the database as it was, and is done again", async () => {
      await one.close();
      if (other !== one) await other.close();
      const empty = mkdtempSync(join(tmpdir(), "shao-contract-"));
      await forget(state);
      state = empty;
      const faultPoints = {
        reach(name: string) {
          if (name === "bridge-mid-migration") throw new Error("killed");
        },
      };
      await expect(storeOf(state, { nowMs: T0, faultPoints }, "empty")).rejects.toThrow(/killed/);
      one = await storeOf(state, { nowMs: T0, faultPoints: noFaultPoints });
      other = one;
      const steps = await one.db.selectFrom("schema_version").select("version").orderBy("version").execute();
      expect(steps.map(({ version }) => version)).toEqual(MIGRATIONS.map(({ version }) => version));
      expect(await one.db.selectFrom("kept_hashes").selectAll().execute()).toEqual([]);
    });

    test("noise counts once in its hours, whatever is sent again and at which worker", async () => {
      const workers = [worker(one), worker(other)];
      const run = newRunId();
      const minutes = Array.from({ length: 62 }, (_, minute) => noiseRecord(minute));
      for (const { up, ingest } of workers) {
        await up(run, 1, minutes);
        await ingest.idle();
      }
      const [node, device] = ["site-1", "noise-01"];
      const fromMs = minutes[0]?.atMs ?? 0;
      const hours = await hoursOfMeter(one.db, { node, device }, { fromMs: fromMs - 3600_000, toMs: fromMs + DAY_MS });
      expect(hours.reduce((total, { validSeconds }) => total + validSeconds, 0)).toBe(62 * 60);
      expect(hours.length).toBeGreaterThan(1);
      expect(hours.map(({ laeqDb, lamaxDb }) => [laeqDb, lamaxDb])).toEqual(hours.map(() => [67.1, 68.9]));
      expect(hours.every(({ hourMs }) => hourMs % 3600_000 === 0)).toBe(true);
      const observed = await observedByHour(one.db, { fromMs: fromMs - 3600_000, toMs: fromMs + DAY_MS });
      expect(observed.reduce((total, hour) => total + hour.hours, 0)).toBeCloseTo(62 / 60, 9);
    });

    test("a timeline entry is never changed or removed", async () => {
      const entry = { case_id: "c", seq: 1, kind: "opened", actor: "a", channel: "system", server_time_ms: 1 };
      await one.db
        .insertInto("timeline")
        .values({ ...entry, hash: "00" })
        .execute();
      await expect(one.db.updateTable("timeline").set({ kind: "x" }).execute()).rejects.toThrow(/append-only/);
      await expect(one.db.deleteFrom("timeline").execute()).rejects.toThrow(/append-only/);
    });

    test("the keys that make a case happen once hold, unless the negative control drops them", async () => {
      const followUp = { alarm_id: "a", created_at_ms: 1, case_id: null };
      const owe = (store: Store) => store.db.insertInto("follow_up").values(followUp).execute();
      await owe(one);
      await expect(owe(one)).rejects.toThrow(/unique/i);
      const broken = await storeOf(state, { nowMs: T0, negativeControl: "no-unique-key" });
      await owe(broken);
      await broken.close();
    });

    test("what is written about a node waits for what is being written about it", async (context) => {
      if (!isPostgres(one.db)) return context.skip("SQLite has one writer at a time");
      await openInboxDays(one.db, T0);
      const order: string[] = [];
      const { promise: held, resolve: release } = Promise.withResolvers<void>();
      const { promise: locked, resolve: lockIt } = Promise.withResolvers<void>();
      const { ingest, up } = worker(one);
      await up(newRunId(), 1, [noiseRecord(0)]);
      await ingest.idle();
      const holding = changing(other.db, async (trx) => {
        await trx.updateTable("nodes").set({ last_seen_at_ms: 1 }).where("id", "=", "site-1").execute();
        lockIt();
        await held;
        order.push("first");
      });
      await locked;
      const waiting = up(newRunId(), 1, [noiseRecord(1)])
        .then(() => ingest.idle())
        .then(() => order.push("second"));
      await new Promise((resolve) => setTimeout(resolve, 200));
      release();
      await Promise.all([holding, waiting]);
      expect(order).toEqual(["first", "second"]);
    });

    test("a command is kept once, sent again until its node answers or its time is over, and the first answer stands", async () => {
      const sent: string[] = [];
      let isThere = false;
      let nowMs = T0;
      const of = (store: Store) =>
        new NodeCommands({
          db: store.db,
          clock: { nowMs: () => nowMs, upMs: () => 0 },
          authority: { signCommand: (command) => ({ ...command, keyId: "k1", sig: "" }) },
          log: silentLogger,
          send: async (_node, bytes) => {
            if (isThere) sent.push((JSON.parse(Buffer.from(bytes).toString()) as { id: string }).id);
            return isThere;
          },
        });
      const [a, b] = [of(one), of(other)];
      const siren = { node: "site-1", kind: "relay", args: { device: "board" }, by: "admin", forMs: 60_000 } as const;
      const twice = await Promise.all([a.order({ ...siren, id: "c1" }), b.order({ ...siren, id: "c1" })]);
      expect(twice).toMatchObject([{ state: "waiting" }, { state: "waiting" }]);
      await expect(a.order({ ...siren, id: "c1", kind: "restart" })).rejects.toThrow("came with another request");
      await a.order({ ...siren, id: "c2", forMs: 1000 });
      nowMs += 2000;
      isThere = true;
      await b.resend("site-1");
      await b.resend("site-1");
      expect(sent).toEqual(["c1", "c1"]);
      expect(await findCommand(one.db, "site-1", "c2", nowMs)).toMatchObject({ state: "expired" });

      const { ingest, up } = worker(one, nowMs);
      const at = { upMs: 1, atMs: nowMs, timeQuality: "ntp" } as const;
      const answer = (ok: boolean, code?: string): NewRecord => ({
        ...{ ...at, kind: "result" },
        body: { commandId: "c1", ok, ...(code === undefined ? {} : { code }) },
      });
      const run = newRunId();
      await up(run, 1, [answer(false, "COMMAND_SIGNATURE")], "site-2");
      await up(run, 1, [answer(false, "COMMAND_SIGNATURE")]);
      await ingest.idle();
      // Anybody who reaches the node's topic can make it say that: the command stands.
      const doubted = { state: "sent", result: { ok: false, code: "COMMAND_SIGNATURE" } };
      expect(await findCommand(one.db, "site-1", "c1", nowMs)).toMatchObject(doubted);
      await up(run, 2, [answer(true), answer(false, "COMMAND_FAULT")]);
      await ingest.idle();
      expect(await findCommand(one.db, "site-1", "c1", nowMs)).toMatchObject({ state: "done", result: { ok: true } });
      const listed = await listCommands(one.db, "site-1", { limit: 1, nowMs });
      expect(listed).toMatchObject([{ id: "c2" }]);
      const next = await listCommands(one.db, "site-1", {
        limit: 5,
        nowMs,
        before: commandKey({ issuedAtMs: T0, id: "c2" }),
      });
      expect(next).toMatchObject([{ id: "c1" }]);
      const audited = await one.db.selectFrom("audit").select(["action", "actor"]).orderBy("id").execute();
      // Also what a forgery made another node say: somebody should look who sends it.
      expect(audited.filter(({ action }) => action === "command.result").map(({ actor }) => actor)).toEqual([
        ...["node:site-2", "node:site-1", "node:site-1"],
      ]);
      await b.resend("site-1");
      expect(sent).toHaveLength(2);
    });

    test("an alarm that another node's has the id of is told and changes nothing, at two workers too", async () => {
      const alarmId = newAlarmId(T0);
      const [a, b] = [worker(one), worker(other)];
      void a.up(newRunId(), 1, [alarmRecord(alarmId)], "site-1");
      void b.up(newRunId(), 1, [alarmRecord(alarmId)], "site-2");
      await Promise.all([a.ingest.idle(), b.ingest.idle()]);
      const rows = await one.db.selectFrom("alarms").select(["node", "rule"]).where("family", "!=", "fault").execute();
      expect(rows).toHaveLength(1);
      const shared = await one.db.selectFrom("alarms").select("node").where("rule", "=", "node-id-shared").execute();
      expect(shared).toHaveLength(1);
    });
  });
}
