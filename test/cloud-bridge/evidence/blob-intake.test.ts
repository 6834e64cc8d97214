import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { applyEvidence } from "../../../cloud-bridge/evidence/apply-evidence.ts";
import { BlobIntake, type BlobIntakeOptions } from "../../../cloud-bridge/evidence/blob-intake.ts";
import { silentLogger } from "../../../cloud-bridge/store/logger.ts";
import { encodeBlobMessage } from "../../../protocol/blob.ts";
import { canonicalJson } from "../../../protocol/canonical-json.ts";
import type { EvidencePart } from "../../../protocol/evidence.ts";
import { encodeLevels } from "../../../protocol/level-series.ts";
import { newAlarmId, newRunId } from "../../../protocol/new-ids.ts";
import type { BlobReceipt } from "../../../protocol/session.ts";
import { elect, temporaryStore } from "../../fakes/bridge-store.ts";
import { smallDisk } from "../../fakes/small-disk.ts";

const NODE = "site-1";
const KB = 1024;
const NONE = new Uint8Array();

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

class Bench {
  readonly answers: BlobReceipt[] = [];
  readonly clock = { atMs: 1_763_500_000_000, nowMs: () => this.clock.atMs, upMs: () => 0 };
  readonly store: Awaited<ReturnType<typeof temporaryStore>>;
  readonly state: string;
  intake: BlobIntake;
  readonly #options: Partial<BlobIntakeOptions>;

  private constructor(options: Partial<BlobIntakeOptions>, store: Awaited<ReturnType<typeof temporaryStore>>) {
    this.store = store;
    this.state = options.state ?? this.store.state;
    this.#options = options;
    this.intake = this.#open();
  }

  static async open(options: Partial<BlobIntakeOptions> = {}): Promise<Bench> {
    const bench = new Bench(options, await temporaryStore());
    const election = await elect(bench.store.state, bench.store);
    onTestFinished(async () => {
      await bench.intake.close();
      await election.resign();
    });
    return bench;
  }

  async restart(): Promise<void> {
    await this.intake.close();
    this.intake = this.#open();
  }

  async say(blob: string, offset: number, bytes: Uint8Array = NONE, node = NODE): Promise<BlobReceipt | undefined> {
    await this.intake.onBlob(node, blob, encodeBlobMessage({ offset, bytes }));
    return this.answers.at(-1);
  }

  /** All of it in chunks from where the bridge stands; @returns its last answer */
  async upload(bytes: Uint8Array, blob = sha256(bytes)): Promise<BlobReceipt | undefined> {
    let answer = await this.say(blob, bytes.length);
    while (answer?.next !== undefined && answer.waitMs === undefined && answer.next < bytes.length) {
      answer = await this.say(blob, answer.next, bytes.subarray(answer.next, answer.next + 32 * KB));
    }
    return answer;
  }

  pathOf(blob: string): string {
    return join(this.state, "blobs", NODE, blob);
  }

  /** The record of a file comes. @returns its alarm */
  async announce(bytes: Uint8Array, series?: ReturnType<typeof encodeLevels>): Promise<string> {
    const alarmId = newAlarmId(0);
    const part: EvidencePart = {
      ...{ name: "clip", sizeBytes: bytes.length, sha256: sha256(bytes), fromMs: 0, toMs: 1 },
      ...(series === undefined ? { type: "clip" } : { type: "levels", series }),
    };
    const body = { evidenceId: `e-${alarmId}`, alarmId, parts: [part], missing: [] };
    const record = {
      seq: 1,
      upMs: 0,
      atMs: 0,
      timeQuality: "ntp",
      kind: "evidence",
      device: "noise-01",
      body,
    } as const;
    await this.store.db
      .transaction()
      .execute((trx) => applyEvidence(trx, { node: NODE, run: newRunId(), record, body }, this.clock.atMs));
    return alarmId;
  }

  /** A case of this alarm, ended or not. */
  async openCase(alarmId: string, endedAtMs?: number): Promise<void> {
    const id = newRunId();
    await this.store.db
      .insertInto("cases")
      .values({
        ...{ id, number: Math.floor(Math.random() * 1e9), family: "noise", nature: "condition", title: "", rule: "r" },
        ...{ state: endedAtMs === undefined ? "open" : "closed", node: NODE, opened_at_ms: 0, updated_at_ms: 0 },
        ...{ last_alarm_at_ms: 0, closed_at_ms: endedAtMs ?? null },
      } as never)
      .execute();
    await this.store.db
      .insertInto("case_alarms")
      .values({ case_id: id, alarm_id: alarmId, joined_at_ms: 0, how: "opened" } as never)
      .execute();
  }

  #open(): BlobIntake {
    return new BlobIntake({
      ...{ store: this.store, state: this.state, clock: this.clock, log: silentLogger },
      publishReceipt: (_node, message) => {
        if (message.type === "blob") this.answers.push(message);
        return undefined;
      },
      ...this.#options,
    });
  }
}

describe("an upload", () => {
  test("ends stored with the very bytes, and only then; a second offer is answered without a byte", async () => {
    const bench = await Bench.open();
    const bytes = randomBytes(3 * KB * KB + 5);
    const blob = sha256(bytes);
    const answer = await bench.upload(bytes);
    expect(answer).toMatchObject({ type: "blob", blob, stored: blob, bridge: bench.store.bridge });
    expect(bench.answers.slice(0, -1).every(({ stored }) => stored === undefined)).toBe(true);
    expect(Buffer.compare(readFileSync(bench.pathOf(blob)), bytes)).toBe(0);
    expect(await bench.say(blob, bytes.length)).toMatchObject({ stored: blob });
    expect(existsSync(`${bench.pathOf(blob)}.part`)).toBe(false);
  });

  test("of an unknown blob must be offered; a gap and a repeat change nothing", async () => {
    const bench = await Bench.open();
    const bytes = randomBytes(10_000);
    const blob = sha256(bytes);
    expect(await bench.say(blob, 0, bytes.subarray(0, 100))).toMatchObject({ offer: true });
    expect(await bench.say(blob, 10_000)).toMatchObject({ next: 0 });
    expect(await bench.say(blob, 500, bytes.subarray(500, 600))).toMatchObject({ next: 0 });
    expect(await bench.say(blob, 0, bytes.subarray(0, 4000))).toMatchObject({ next: 4000 });
    expect(await bench.say(blob, 0, bytes.subarray(0, 3000))).toMatchObject({ next: 4000 });
    expect(await bench.say(blob, 2000, bytes.subarray(2000, 10_000))).toMatchObject({ stored: blob });
    expect(Buffer.compare(readFileSync(bench.pathOf(blob)), bytes)).toBe(0);
  });

  test("goes on after a restart from what is certain to be on the disk", async () => {
    const bench = await Bench.open();
    const bytes = randomBytes(3 * KB * KB);
    const blob = sha256(bytes);
    await bench.say(blob, bytes.length);
    for (let at = 0; at < 2.5 * KB * KB; at += 32 * KB) await bench.say(blob, at, bytes.subarray(at, at + 32 * KB));
    // What was not synced may be anything after a power cut.
    const part = readFileSync(`${bench.pathOf(blob)}.part`);
    part.fill(0, 2 * KB * KB + 1);
    await bench.restart();
    writeFileSync(`${bench.pathOf(blob)}.part`, part);
    expect(await bench.say(blob, bytes.length)).toMatchObject({ next: 2 * KB * KB });
    expect(await bench.upload(bytes)).toMatchObject({ stored: blob });
  });

  test("with another hash starts over once, and is then refused for ever, which is a fault", async () => {
    const onAlarms = vi.fn();
    const bench = await Bench.open({ onAlarms });
    const blob = sha256(randomBytes(10));
    expect(await bench.upload(randomBytes(50_000), blob)).toMatchObject({ restart: true });
    await bench.restart();
    expect(await bench.upload(randomBytes(50_000), blob)).toMatchObject({ refused: "BLOB_HASH" });
    expect(await bench.say(blob, 50_000)).toMatchObject({ refused: "BLOB_HASH" });
    expect(onAlarms).toHaveBeenCalledTimes(1);
    const faults = await bench.store.db.selectFrom("alarms").select("rule").execute();
    expect(faults).toEqual([{ rule: "evidence-lost" }]);
    expect(existsSync(bench.pathOf(blob))).toBe(false);
  });

  test("of levels that a committed record holds is over before it begins", async () => {
    const bench = await Bench.open();
    const series = encodeLevels(0, [{ levelDb: 70, flags: [] }]);
    const bytes = Buffer.from(canonicalJson(series));
    await bench.announce(bytes, series);
    expect(await bench.say(sha256(bytes), bytes.length)).toMatchObject({ stored: sha256(bytes) });
  });

  test("whose stored file somebody deleted is asked for again", async () => {
    const bench = await Bench.open();
    const bytes = randomBytes(5000);
    await bench.upload(bytes);
    rmSync(bench.pathOf(sha256(bytes)));
    expect(await bench.upload(bytes)).toMatchObject({ stored: sha256(bytes) });
    expect(existsSync(bench.pathOf(sha256(bytes)))).toBe(true);
  });
});

test("whole files that the database forgot are stored again at the next start, and no other file is", async () => {
  const stored: string[] = [];
  const bench = await Bench.open({ onStored: (_, blob) => void stored.push(blob) });
  const uploaded = async (): Promise<string> => {
    const bytes = randomBytes(40 * KB);
    expect(await bench.upload(bytes)).toMatchObject({ stored: sha256(bytes) });
    return sha256(bytes);
  };
  const [known, forgotten, half, spoilt] = [await uploaded(), await uploaded(), await uploaded(), await uploaded()];
  // As a backup has it that was made before, beside a folder that nobody set back.
  await bench.store.db.deleteFrom("blobs").where("sha256", "in", [forgotten, spoilt]).execute();
  await bench.store.db
    .updateTable("blobs")
    .set({ state: "partial", received_bytes: KB })
    .where("sha256", "=", half)
    .execute();
  writeFileSync(bench.pathOf(spoilt), randomBytes(40 * KB));
  writeFileSync(`${bench.pathOf("e".repeat(64))}.part`, "");
  stored.length = 0;
  await bench.restart();
  await bench.intake.tick();
  const rows = await bench.store.db.selectFrom("blobs").select(["sha256", "state", "received_bytes"]).execute();
  expect(Object.fromEntries(rows.map(({ sha256: blob, state }) => [blob, state]))).toEqual({
    [known]: "stored",
    [forgotten]: "stored",
    [half]: "stored",
  });
  expect(rows.map(({ received_bytes }) => received_bytes)).toEqual([40 * KB, 40 * KB, 40 * KB]);
  expect(stored.sort()).toEqual([forgotten, half].sort());
  expect(await bench.say(spoilt, 40 * KB)).toMatchObject({ next: 0 });
});

describe("room", () => {
  test("files without a record are bounded and wait; they go when no record comes", async () => {
    const bench = await Bench.open({ limits: { orphanBytesPerNode: 100 * KB, orphanMs: 1000 } });
    const first = randomBytes(80 * KB);
    const second = randomBytes(80 * KB);
    await bench.upload(first);
    expect(await bench.upload(second)).toMatchObject({ next: 0, waitMs: 60_000 });
    await bench.announce(second);
    expect(await bench.upload(second)).toMatchObject({ stored: sha256(second) });
    bench.clock.atMs += 2000;
    await bench.intake.tick();
    expect(existsSync(bench.pathOf(sha256(first)))).toBe(false);
    expect(existsSync(bench.pathOf(sha256(second)))).toBe(true);
  });

  test("evidence of an open case, or of an alarm without one, stays; that of ended cases makes room, the oldest first", async () => {
    const bench = await Bench.open({ limits: { maxBytes: 350 * KB } });
    const [open, late, early, next] = [0, 1, 2, 3].map(() => randomBytes(100 * KB));
    if (open === undefined || late === undefined || early === undefined || next === undefined) throw new Error("four");
    const alarms = [];
    for (const bytes of [open, late, early]) {
      alarms.push(await bench.announce(bytes));
      await bench.upload(bytes);
    }
    await bench.announce(next);
    const [openAlarm = "", lateAlarm = "", earlyAlarm = ""] = alarms;
    await bench.openCase(openAlarm);
    expect(await bench.upload(next)).toMatchObject({ waitMs: 60_000 });
    await bench.openCase(lateAlarm, 2000);
    await bench.openCase(earlyAlarm, 1000);
    expect(await bench.upload(next)).toMatchObject({ stored: sha256(next) });
    const there = [open, late, early].map((bytes) => existsSync(bench.pathOf(sha256(bytes))));
    expect(there).toEqual([true, true, false]);
    // The node offers it again to a bridge that was elected anew: there is no room, and the open case keeps its own.
    expect(await bench.upload(early)).toMatchObject({ stored: sha256(early) });
    expect(existsSync(bench.pathOf(sha256(open)))).toBe(true);
  });

  test("a case keeps its files for its own term, however short the room is", async () => {
    const bench = await Bench.open({ limits: { maxBytes: 250 * KB, caseMs: 100_000 } });
    const [kept, next] = [randomBytes(200 * KB), randomBytes(200 * KB)];
    const alarm = await bench.announce(kept);
    await bench.announce(next);
    await bench.upload(kept);
    await bench.openCase(alarm, bench.clock.atMs - 90_000);
    expect(await bench.upload(next)).toMatchObject({ waitMs: 60_000 });
    bench.clock.atMs += 20_000;
    expect(await bench.upload(next)).toMatchObject({ stored: sha256(next) });
    expect(existsSync(bench.pathOf(sha256(kept)))).toBe(false);
  });

  test("an upload that stands still holds no more room than what has come of it, and gives that up before any whole file", async () => {
    const bench = await Bench.open({ limits: { maxBytes: 300 * KB, staleMs: 100_000 } });
    const [dead, next, last] = [randomBytes(280 * KB), randomBytes(200 * KB), randomBytes(95 * KB)];
    for (const bytes of [dead, next, last]) await bench.announce(bytes);
    await bench.say(sha256(dead), dead.length);
    await bench.say(sha256(dead), 0, dead.subarray(0, 32 * KB));
    await bench.restart();
    expect(await bench.upload(next)).toMatchObject({ waitMs: 60_000 });
    bench.clock.atMs += 200_000;
    expect(await bench.upload(next)).toMatchObject({ stored: sha256(next) });
    expect(await bench.upload(last)).toMatchObject({ stored: sha256(last) });
    // The node was not dead after all: what had come of it stays as long as there is room, and all of it comes once there is.
    bench.clock.atMs += 200_000;
    expect(await bench.upload(dead)).toMatchObject({ waitMs: 60_000 });
  });

  test("a full disk costs no byte that was taken: the node waits, and goes on when there is room", async (ctx) => {
    const disk = smallDisk(ctx, 2);
    const bench = await Bench.open({ state: disk.directory });
    const bytes = randomBytes(900 * KB);
    const blob = sha256(bytes);
    await bench.say(blob, bytes.length);
    await bench.say(blob, 0, bytes.subarray(0, 32 * KB));
    disk.fill();
    expect(await bench.say(blob, 32 * KB, bytes.subarray(32 * KB, 64 * KB))).toMatchObject({
      next: 32 * KB,
      waitMs: 60_000,
    });
    disk.free();
    expect(await bench.upload(bytes)).toMatchObject({ stored: blob });
    expect(Buffer.compare(readFileSync(bench.pathOf(blob)), bytes)).toBe(0);
  });

  test("a chunk of which the disk took only the beginning is no hole: what follows goes behind that beginning", async (ctx) => {
    const disk = smallDisk(ctx, 2);
    const bench = await Bench.open({ state: disk.directory });
    const bytes = randomBytes(900 * KB);
    const blob = sha256(bytes);
    await bench.say(blob, bytes.length);
    await bench.say(blob, 0, bytes.subarray(0, 30_000));
    disk.fill();
    const ballast = join(disk.directory, "ballast");
    truncateSync(ballast, statSync(ballast).size - 12 * KB);
    const answer = await bench.say(blob, 30_000, bytes.subarray(30_000, 62_000));
    expect(answer?.waitMs).toBe(60_000);
    disk.free();
    expect(await bench.upload(bytes)).toMatchObject({ stored: blob });
    expect(bench.answers.every(({ restart }) => restart === undefined)).toBe(true);
  });

  test("of files without a record their number is bounded too, however small they are, and refused ones count", async () => {
    const bench = await Bench.open({ limits: { orphanBytesPerNode: 100 * KB } });
    const answers = [];
    for (let i = 0; i < 40; i += 1) answers.push(await bench.say(sha256(randomBytes(8)), 1));
    expect(answers.filter((answer) => answer?.waitMs !== undefined).length).toBeGreaterThan(20);
    const rows = await bench.store.db.selectFrom("blobs").select("sha256").execute();
    expect(rows.length).toBeLessThan(20);
    const other = "other";
    for (let i = 0; i < 80; i += 1) {
      const blob = sha256(randomBytes(8));
      await bench.say(blob, 0, NONE, other);
      await bench.say(blob, 0, NONE, other);
    }
    const refused = await bench.store.db.selectFrom("blobs").select("sha256").where("node", "=", other).execute();
    expect(refused.length).toBeLessThan(20);
  });
});
