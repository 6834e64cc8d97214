import { createHash, randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { EvidenceRecord, MediaFile } from "../../../gateway/contracts/evidence.ts";
import type { JournalStatistics, JournalWrite } from "../../../gateway/contracts/journal.ts";
import { DiskFloor } from "../../../gateway/disk-floor.ts";
import { EvidenceStore, type EvidenceStoreOptions } from "../../../gateway/evidence/evidence-store.ts";
import { canonicalJson } from "../../../protocol/canonical-json.ts";
import { isManifestSigned, manifestOf, readEvidenceKey } from "../../../protocol/evidence-manifest.ts";
import { encodeLevels } from "../../../protocol/level-series.ts";
import { newAlarmId, newRunId } from "../../../protocol/new-ids.ts";
import type { NewRecord } from "../../../protocol/record.ts";
import { QuietLog } from "../../fakes/quiet-log.ts";
import { smallDisk } from "../../fakes/small-disk.ts";
import { temporaryDirectory } from "../journal/sample-records.ts";

const MB = 1024 * 1024;
const stamp = { upMs: 1000, atMs: 1_763_500_000_000, timeQuality: "ntp" } as const;

class Bench {
  readonly writes: JournalWrite[] = [];
  readonly now = { ...stamp };
  readonly run = newRunId();
  readonly store: EvidenceStore;
  onWrite: () => void = () => {};

  constructor(directory: string, options: Partial<EvidenceStoreOptions> = {}) {
    this.store = new EvidenceStore({
      directory,
      node: "site-1",
      run: this.run,
      quotaBytes: 64 * MB,
      keepStoredMs: 86_400_000,
      stamp: () => this.now,
      write: async (write) => {
        this.onWrite();
        this.writes.push(write);
        return true;
      },
      recorded: async () => new Set(),
      log: new QuietLog(),
      ...options,
    });
  }

  get records(): readonly NewRecord[] {
    return this.writes.flatMap(({ append = [] }) => append);
  }
}

let count = 0;
function evidence(series = true): EvidenceRecord {
  count += 1;
  const levels = encodeLevels(stamp.atMs, [{ levelDb: 71.5, flags: [] }]);
  const bytes = Buffer.from(canonicalJson(levels));
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const times = { fromMs: stamp.atMs, toMs: stamp.atMs + 1000 };
  const part = { name: "levels", type: "levels", sizeBytes: bytes.length, sha256, ...times, series: levels } as const;
  const body = { evidenceId: `e-${count}`, alarmId: newAlarmId(0), parts: series ? [part] : [], missing: [] };
  return { ...stamp, kind: "evidence", device: "noise-01", body };
}

function clip(bytes: Uint8Array, name = "clip"): MediaFile {
  return { name, type: "clip", fromMs: stamp.atMs, toMs: stamp.atMs + 10_000, from: { bytes } };
}

const filesIn = (directory: string) =>
  readdirSync(join(directory, "evidence/files")).filter((name) => /^[0-9a-f]{64}$/.test(name));

test("files are on the disk before their record is written, under their hash, byte by byte", async () => {
  const directory = temporaryDirectory();
  const bench = new Bench(directory);
  const source = join(directory, "ring.mp4");
  const bytes = randomBytes(3 * MB + 17);
  writeFileSync(source, bytes);
  let there: string[] = [];
  bench.onWrite = () => {
    there = filesIn(directory);
  };
  const media = [{ ...clip(bytes), from: { path: source } }, clip(randomBytes(2 * MB), "second")];
  const parts = await bench.store.take({ record: evidence(), media });
  expect(parts.map(({ name }) => name)).toEqual(["levels", "clip", "second"]);
  expect([...there].sort()).toEqual(parts.map(({ sha256 }) => sha256).sort());
  expect(parts[1]).toMatchObject({ sizeBytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") });
  rmSync(source);
  const read = await bench.store.read(parts[1]?.sha256 ?? "", 3 * MB, 100);
  expect(Buffer.compare(read ?? Buffer.alloc(0), bytes.subarray(3 * MB))).toBe(0);
});

test("the record is signed by a key that stays over restarts, and no other record fits its signature", async () => {
  const directory = temporaryDirectory();
  const first = new Bench(directory);
  await first.store.take({ record: evidence(), media: [clip(randomBytes(1000))] });
  const second = new Bench(directory);
  expect(second.store.publicKeyText).toBe(first.store.publicKeyText);
  const [record] = first.records;
  if (record?.kind !== "evidence" || record.body.signature === undefined) throw new Error("not signed");
  const key = readEvidenceKey(first.store.publicKeyText ?? "");
  if (key === undefined) throw new Error("no key");
  const { signature } = record.body;
  const text = canonicalJson(manifestOf(record, record.body, signature));
  expect(isManifestSigned(text, signature.sig, key)).toBe(true);
  expect(isManifestSigned(text.replace("noise-01", "noise-02"), signature.sig, key)).toBe(false);
  expect(readFileSync(join(directory, "evidence/evidence.key"), "utf8")).toContain("PRIVATE KEY");
});

test("files that a death left without their record are announced by the next start, once; recorded ones are not", async () => {
  const directory = temporaryDirectory();
  const bytes = randomBytes(1000);
  // The disk has the files, and the process dies before the journal has the record.
  const first = new Bench(directory, { write: async () => false });
  const lost = evidence();
  await first.store.take({ record: lost, media: [clip(bytes)] });
  const other = new Bench(directory);
  await other.store.take({ record: evidence(), media: [clip(randomBytes(1000), "recorded")] });
  const again = new Bench(directory);
  await again.store.announceUnrecorded();
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const { alarmId } = lost.body;
  expect(again.records).toMatchObject([
    {
      kind: "evidence",
      device: "noise-01",
      body: {
        alarmId,
        parts: [{ name: "clip", type: "clip", sha256, sizeBytes: 1000 }],
        missing: [{ name: "record" }],
      },
    },
  ]);
  const [record] = again.records;
  if (record?.kind !== "evidence") throw new Error("none");
  expect(record.body.evidenceId).not.toBe(lost.body.evidenceId);
  expect(record.body.signature).toBeDefined();
  expect(filesIn(directory)).toContain(sha256);
  const third = new Bench(directory);
  await third.store.announceUnrecorded();
  expect(third.records).toEqual([]);
});

test("below the disk's floor stored files go, then unsent clips, each declared, and no more than is lacking", async () => {
  const bench = new Bench(temporaryDirectory());
  const clips = [0, 1, 2].map((n) => clip(randomBytes(MB), `clip-${n}`));
  for (const one of clips) await bench.store.take({ record: evidence(false), media: [one] });
  const [first] = await bench.store.kept();
  await bench.store.markStored(first?.blob ?? "", "e1");
  let freeDiskBytes = 10 * MB;
  const statistics = async () => ({ freeDiskBytes, diskLow: freeDiskBytes < 10 * MB }) as JournalStatistics;
  const floor = new DiskFloor(10 * MB, { statistics }, bench.store, new QuietLog());
  await floor.look();
  expect(bench.store.facts().files).toBe(3);
  freeDiskBytes = 9.5 * MB;
  await floor.look();
  const lost = bench.records.filter(({ kind }) => kind === "evidence-lost");
  // 1.5 MB were lacking: the stored one and one clip.
  expect(bench.store.facts()).toMatchObject({ files: 1, storedBytes: 0, unsentFiles: 1 });
  expect(lost).toMatchObject([{ body: { reason: "quota", part: "clip-1" } }]);
});

test("a file that is not there is a stated reason, and the record goes all the same", async () => {
  const bench = new Bench(temporaryDirectory());
  const media = [{ ...clip(new Uint8Array()), from: { path: "/nowhere/clip.mp4" } }];
  await bench.store.take({ record: evidence(), media });
  expect(bench.records).toMatchObject([
    {
      kind: "evidence",
      body: { parts: [{ name: "levels" }], missing: [{ name: "clip", reason: "there is no file" }] },
    },
  ]);
});

test("over quota go stored files, then unsent clips with a record each; snapshots stay, and what finds no room is stated", async () => {
  const directory = temporaryDirectory();
  const bench = new Bench(directory, { quotaBytes: 10 * MB });
  const gone: string[] = [];
  bench.store.onGone((blob) => gone.push(blob));
  const take = async (type: "clip" | "snapshot", sizeBytes: number) => {
    bench.now.atMs += 1;
    const file = { ...clip(randomBytes(sizeBytes)), type };
    return (await bench.store.take({ record: { ...evidence(false), atMs: bench.now.atMs }, media: [file] }))[0]?.sha256;
  };
  const snapshot = await take("snapshot", 3 * MB);
  const unsent = await take("clip", 3 * MB);
  const stored = (await take("clip", 3 * MB)) ?? "";
  await bench.store.markStored(stored, "e1");
  await take("clip", 3 * MB);
  expect(gone).toEqual([stored]);
  await take("clip", 3 * MB);
  expect(gone).toEqual([stored, unsent]);
  const lost = bench.records.filter(({ kind }) => kind === "evidence-lost");
  expect(lost).toMatchObject([{ body: { sha256: unsent, reason: "quota", part: "clip" } }]);
  await take("snapshot", 9 * MB);
  expect(bench.records.at(-1)).toMatchObject({ body: { parts: [], missing: [{ name: "clip" }] } });
  expect(filesIn(directory)).toContain(snapshot);
});

test("a restart offers what was taken, with what the bridge said of it; what a crash left half done goes", async () => {
  const directory = temporaryDirectory();
  const bench = new Bench(directory);
  const [part] = await bench.store.take({ record: evidence(false), media: [clip(randomBytes(5000))] });
  const [other] = await bench.store.take({ record: evidence(false), media: [clip(randomBytes(5000))] });
  await bench.store.markStored(part?.sha256 ?? "", "e1");
  await bench.store.giveUp(other?.sha256 ?? "", "refused", "BLOB_HASH");
  const half = join(directory, "evidence/files", "a".repeat(64));
  writeFileSync(half, "no card");
  writeFileSync(join(directory, "evidence/files", "7.new"), "half a copy");
  const again = new Bench(directory);
  expect(await again.store.kept()).toMatchObject([{ blob: part?.sha256, storedEpoch: "e1" }]);
  expect(existsSync(half)).toBe(false);
  expect(bench.records.filter(({ kind }) => kind === "evidence-lost")).toMatchObject([{ body: { code: "BLOB_HASH" } }]);
});

test("a stored file goes once its time is over, by a clock that knows the time", async () => {
  const directory = temporaryDirectory();
  const bench = new Bench(directory, { keepStoredMs: 1000 });
  const [part] = await bench.store.take({ record: evidence(false), media: [clip(randomBytes(5000))] });
  await bench.store.markStored(part?.sha256 ?? "", "e1");
  bench.now.atMs += 2000;
  const [next] = await bench.store.take({ record: evidence(false), media: [clip(randomBytes(5000))] });
  expect(filesIn(directory)).toEqual([next?.sha256]);
});

test("a full disk costs the file, not the record", async (ctx) => {
  const disk = smallDisk(ctx, 4);
  const bench = new Bench(disk.directory);
  disk.fill();
  await bench.store.take({ record: evidence(), media: [clip(randomBytes(MB))] });
  disk.free();
  expect(bench.records).toMatchObject([{ kind: "evidence", body: { missing: [{ name: "clip" }] } }]);
  expect(bench.records[0]).toMatchObject({ body: { parts: [{ name: "levels" }] } });
});

test("a file whose card cannot be read is not lost: it goes to the bridge, and to nobody's room", async () => {
  const directory = temporaryDirectory();
  const first = new Bench(directory);
  const bytes = randomBytes(MB);
  const blob = createHash("sha256").update(bytes).digest("hex");
  await first.store.take({ record: evidence(false), media: [clip(bytes)] });
  writeFileSync(join(directory, "evidence/files", `${blob}.json`), "{");
  const log = new QuietLog();
  const { store } = new Bench(directory, { log });
  expect(await store.kept()).toMatchObject([{ blob, sizeBytes: MB }]);
  expect(log.lines).toMatchObject([{ level: "error", fields: { code: "EVIDENCE_CARD_BROKEN", files: [blob] } }]);
  expect(await store.freeUnsentClips(MB)).toBe(0);
  expect(await store.isWhole(blob)).toBe(true);
  await store.markStored(blob, "epoch");
  expect(await new Bench(directory).store.kept()).toMatchObject([{ blob, storedEpoch: "epoch" }]);
});

test("bytes that are taken again take the place of a damaged file, and are sent though that one was given up", async () => {
  const directory = temporaryDirectory();
  const bench = new Bench(directory);
  const bytes = randomBytes(MB);
  const blob = createHash("sha256").update(bytes).digest("hex");
  await bench.store.take({ record: evidence(false), media: [clip(bytes)] });
  writeFileSync(join(directory, "evidence/files", blob), "damaged");
  await bench.store.giveUp(blob, "damaged");
  expect(await bench.store.kept()).toEqual([]);
  await bench.store.take({ record: evidence(false), media: [clip(bytes)] });
  expect(await bench.store.isWhole(blob)).toBe(true);
  expect(await new Bench(directory).store.kept()).toMatchObject([{ blob }]);
});

test("a file that cannot be read now is not gone, and its hash is not wrong: both are trouble that may pass", async () => {
  const directory = temporaryDirectory();
  const bytes = randomBytes(MB);
  const blob = createHash("sha256").update(bytes).digest("hex");
  const first = new Bench(directory);
  await first.store.take({ record: evidence(false), media: [clip(bytes)] });
  const path = join(directory, "evidence/files", blob);
  renameSync(path, `${path}.aside`);
  symlinkSync(blob, path);
  await expect(first.store.read(blob, 0, 100)).rejects.toMatchObject({ code: "ELOOP" });
  await expect(first.store.isWhole(blob)).rejects.toMatchObject({ code: "ELOOP" });
  writeFileSync(`${path}.json`, "{");
  expect(await new Bench(directory).store.kept()).toEqual([]);
  rmSync(path);
  renameSync(`${path}.aside`, path);
  expect(await new Bench(directory).store.kept()).toMatchObject([{ blob }]);
  rmSync(path);
  expect(await first.store.read(blob, 0, 100)).toBeUndefined();
  expect(await first.store.isWhole(blob)).toBe(false);
});
