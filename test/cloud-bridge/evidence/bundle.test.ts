import "reflect-metadata";
import { spawnSync } from "node:child_process";
import { createPublicKey, generateKeyPairSync, KeyObject, randomBytes, webcrypto } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as x509 from "@peculiar/x509";
import { sql } from "kysely";
import { beforeAll, describe, expect, test } from "vitest";
import { applyAlarm } from "../../../cloud-bridge/alarms/apply-alarm.ts";
import { appendEntry } from "../../../cloud-bridge/cases/timeline.ts";
import { BlobFiles } from "../../../cloud-bridge/evidence/blob-files.ts";
import { type ByteSource, FlipSearch } from "../../../cloud-bridge/evidence/bundle-faults.ts";
import { verifyBundle } from "../../../cloud-bridge/evidence/bundle-verify.ts";
import { prepareBundle } from "../../../cloud-bridge/evidence/bundle-write.ts";
import { loadEvidence, openPart } from "../../../cloud-bridge/evidence/evidence-views.ts";
import { type Authority, initAuthority, openAuthority } from "../../../cloud-bridge/fleet/authority.ts";
import { openStore, type Store } from "../../../cloud-bridge/store/database.ts";
import { noiseRevision } from "../../fakes/alarm-revision.ts";
import { NODE, T0, takeClipEvidence } from "../../fakes/clip-evidence.ts";
import { runShao } from "../../fakes/run-shao.ts";
import { temporaryDirectory } from "../../gateway/journal/sample-records.ts";
import { seededRandom } from "../../site/seeded-random.ts";

const isLong = process.env["SHAO_LONG"] === "1";

const nodeKey = generateKeyPairSync("ed25519");

let state = "";
let store: Store;
let authority: Authority;
let evidenceId = "";
let bundle: Uint8Array;

const sourceOf = (bytes: Uint8Array): ByteSource => ({
  sizeBytes: bytes.length,
  read: (offset, length) => bytes.subarray(offset, offset + Math.max(0, length)),
});

async function exported(by: Authority = authority): Promise<Uint8Array> {
  const files = new BlobFiles(state);
  const options = { db: store.db, bridge: store.bridge, files, authority: by, nowMs: T0 };
  const prepared = await prepareBundle(evidenceId, options);
  const pieces: Uint8Array[] = [];
  for await (const piece of prepared.bytes()) pieces.push(piece);
  const bytes = Buffer.concat(pieces);
  expect(bytes.length).toBe(prepared.sizeBytes);
  return bytes;
}

const takeEvidence = (key: { publicKey: KeyObject; privateKey: KeyObject } = nodeKey, isKnown = true) =>
  takeClipEvidence({ store, state }, key, isKnown);

beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), "shao-bundle-"));
  store = openStore({ state, nowMs: T0 });
  await initAuthority(state, T0);
  authority = openAuthority(state);
  evidenceId = await takeEvidence();
  bundle = await exported();
  return async () => {
    await store.close();
    rmSync(state, { recursive: true, force: true });
  };
});

describe("a bundle", () => {
  test("that nobody touched is whole: signed by the node, vouched for by the CA, every part there", () => {
    const verdict = verifyBundle(sourceOf(bundle), authority.fingerprint);
    expect(verdict).toMatchObject({ ok: true, faults: [], caFingerprint: authority.fingerprint });
    expect(verdict.evidence).toMatchObject([
      {
        evidenceId,
        isSigned: true,
        parts: [
          { name: "levels", ok: true },
          { name: "clip", ok: true },
        ],
        missing: [{ name: "snapshot" }],
      },
    ]);
  });

  test("opens with any tar", () => {
    const file = join(temporaryDirectory(), "b.tar");
    writeFileSync(file, bundle);
    const { stdout, status } = spawnSync("tar", ["-tf", file], { encoding: "utf8" });
    expect(status).toBe(0);
    expect(stdout.split("\n").slice(0, 4)).toEqual(["bundle.json", "bundle.sig", "trust/ca.pem", "trust/bridge.pem"]);
  });

  test("with one flipped bit, anywhere, is refused, and the very byte is named", () => {
    const seed = Number(process.env["SHAO_SEED"] ?? Date.now() % 1_000_000);
    const random = seededRandom(seed);
    const counts: Record<string, number> = {};
    let exact = 0;
    const runs = isLong ? 150 : 50;
    for (let i = 0; i < runs; i += 1) {
      const at = Math.floor(random() * bundle.length);
      const flipped = Uint8Array.from(bundle);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << Math.floor(random() * 8));
      const verdict = verifyBundle(sourceOf(flipped));
      const where = verdict.faults.map(({ entry, region }) => `${entry} ${region?.from}–${region?.to}`).join(", ");
      expect(verdict.ok, `byte ${at}`).toBe(false);
      const named = verdict.faults.some(({ region }) => region !== undefined && region.from <= at && at < region.to);
      expect(named, `byte ${at} was flipped, named was ${where}`).toBe(true);
      if (verdict.faults.some(({ region }) => region?.from === at && region.to === at + 1)) exact += 1;
      for (const { code } of verdict.faults) counts[code] = (counts[code] ?? 0) + 1;
    }
    process.stderr.write(`${JSON.stringify({ seed, runs, exact, bundleBytes: bundle.length, ...counts })}\n`);
  }, 120_000);

  test("with one flipped bit in what holds it together is refused, and the entry is named", () => {
    const text = Buffer.from(bundle).toString("latin1");
    const jsonBytes = Number.parseInt(text.slice(124, 135), 8);
    const sigAt = 512 + Math.ceil(jsonBytes / 512) * 512;
    const sigBytes = Number.parseInt(text.slice(sigAt + 124, sigAt + 135), 8);
    const places: [string, number, number][] = [
      ["bundle.json", 0, 512],
      ["bundle.json", 512, 512 + jsonBytes],
      ["bundle.sig", sigAt, sigAt + 512],
      ["bundle.sig", sigAt + 512, sigAt + 512 + sigBytes],
    ];
    for (const [entry, from, to] of places) {
      for (let at = from; at < to; at += 1 + Math.floor((to - from) / (isLong ? 60 : 20))) {
        const flipped = Uint8Array.from(bundle);
        flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
        const { ok, faults } = verifyBundle(sourceOf(flipped));
        expect(ok, `byte ${at}`).toBe(false);
        expect(faults[0]?.entry, `byte ${at} of ${entry}`).toBe(entry);
        const { region } = faults[0] ?? {};
        expect(
          region !== undefined && region.from <= at && at < region.to,
          `byte ${at}: ${JSON.stringify(region)}`,
        ).toBe(true);
      }
    }
  }, 120_000);

  test("that is cut off or goes on is refused", () => {
    for (const bytes of [
      bundle.subarray(0, 100),
      bundle.subarray(0, -512),
      Buffer.concat([bundle, Buffer.alloc(512)]),
    ]) {
      expect(verifyBundle(sourceOf(bytes)).ok).toBe(false);
    }
  });

  test("of another CA than the one that was given is refused", () => {
    const { ok, faults } = verifyBundle(sourceOf(bundle), "0".repeat(32));
    expect(ok).toBe(false);
    expect(faults).toMatchObject([{ code: "BUNDLE_TRUST", entry: "trust/ca.pem" }]);
  });

  test("that a node signed with the certificate of its connection is refused", async () => {
    const keys = await webcrypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
    const key = KeyObject.from(keys.privateKey);
    const signingAlgorithm = { name: "ECDSA", hash: "SHA-256" };
    const request = await x509.Pkcs10CertificateRequestGenerator.create({ name: "CN=any", keys, signingAlgorithm });
    const own = await authority.issueNode(NODE, request.toString("pem"), T0);
    const forger: Authority = {
      ...authority,
      evidenceSigner: async () => ({ privateKey: key, certificatePem: own.certificatePem }),
    };
    const { ok, faults } = verifyBundle(sourceOf(await exported(forger)), authority.fingerprint);
    expect(ok).toBe(false);
    expect(faults).toMatchObject([{ code: "BUNDLE_TRUST", entry: "trust/bridge.pem" }]);
    // Nor is a node's evidence key the bridge's.
    const pem = createPublicKey(key).export({ type: "spki", format: "pem" }).toString();
    const certificatePem = await authority.certifyEvidenceKey(NODE, pem, T0);
    const signer = { ...forger, evidenceSigner: async () => ({ privateKey: key, certificatePem }) };
    expect(verifyBundle(sourceOf(await exported(signer))).faults).toMatchObject([{ entry: "trust/bridge.pem" }]);
    // Nor is the key of its connection one that signs evidence.
    const vouched = { ...authority, certifyEvidenceKey: async () => own.certificatePem };
    const verdict = verifyBundle(sourceOf(await exported(vouched)));
    expect(verdict.evidence[0]?.isSigned).toBe(false);
  });

  test("of evidence of which the bridge's disk lost a file, or half of it, has all the rest and says so", async () => {
    const before = evidenceId;
    for (const spoil of [(path: string) => rmSync(path), (path: string) => truncateSync(path, 100)]) {
      evidenceId = await takeEvidence(nodeKey);
      const row = await store.db
        .selectFrom("evidence_parts")
        .select("sha256")
        .where("evidence_id", "=", evidenceId)
        .where("name", "=", "clip")
        .executeTakeFirstOrThrow();
      spoil(join(state, "blobs", NODE, row.sha256));
      const { ok, faults, evidence } = verifyBundle(sourceOf(await exported()));
      expect(faults).toEqual([]);
      expect(ok).toBe(true);
      expect(evidence[0]?.parts).toMatchObject([
        { name: "levels", ok: true },
        { name: "clip", ok: false, state: expect.stringContaining("missing") },
      ]);
    }
    evidenceId = before;
  });

  test("of a file that rotted on the bridge's disk says so, serves it to nobody, and asks for it again", async () => {
    const before = evidenceId;
    evidenceId = await takeEvidence(nodeKey);
    const clip = store.db.selectFrom("evidence_parts").select("sha256").where("evidence_id", "=", evidenceId);
    const { sha256 } = await clip.where("name", "=", "clip").executeTakeFirstOrThrow();
    const path = join(state, "blobs", NODE, sha256);
    const row = await loadEvidence(store.db, evidenceId);
    const files = new BlobFiles(state);
    const whole = await openPart(store.db, files, row, "clip");
    for await (const _ of whole.bytes);
    const bytes = readFileSync(path);
    bytes[5000] = (bytes[5000] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    await expect(openPart(store.db, files, row, "clip")).rejects.toMatchObject({ code: "EVIDENCE_ROTTED" });
    expect(existsSync(path)).toBe(false);
    expect(existsSync(`${path}.rotten`)).toBe(true);
    const blob = store.db.selectFrom("blobs").select("state").where("sha256", "=", sha256);
    expect(await blob.executeTakeFirst()).toEqual({ state: "gone" });
    const { ok, evidence } = verifyBundle(sourceOf(await exported()));
    evidenceId = before;
    expect(ok).toBe(true);
    expect(evidence[0]?.parts).toMatchObject([{ name: "levels" }, { name: "clip", ok: false, state: "gone" }]);
  });

  test("of a record that retention has taken invents no time: what nobody knows is left out, and said", async () => {
    const before = evidenceId;
    evidenceId = await takeEvidence(nodeKey);
    await store.db.deleteFrom("inbox").execute();
    const signed = verifyBundle(sourceOf(await exported()));
    await store.db
      .updateTable("evidence")
      .set({ manifest: null, sig: null })
      .where("evidence_id", "=", evidenceId)
      .execute();
    const bytes = await exported();
    const unsigned = verifyBundle(sourceOf(bytes));
    evidenceId = before;
    expect(signed).toMatchObject({ ok: true, evidence: [{ isSigned: true }] });
    expect(unsigned.faults).toMatchObject([{ code: "EVIDENCE_CONTENT", field: "signature" }]);
    const text = Buffer.from(bytes).toString("latin1");
    expect(text).toContain('"rebuilt":true');
    expect(text).not.toContain('"atMs":0');
  });

  test("with more wrong pieces than may be searched bit by bit names the pieces", () => {
    const piece = Uint8Array.from(randomBytes(64));
    const flipped = Uint8Array.from(piece);
    flipped[63] = (flipped[63] ?? 0) ^ 128;
    const isRight = (bytes: Uint8Array) => Buffer.compare(bytes, piece) === 0;
    const search = new FlipSearch(2 * 8 * 64 * 64);
    expect([1, 2, 3].map(() => search.find(flipped, isRight))).toEqual([63, 63, undefined]);
  });

  test("of evidence whose key nobody confirmed says that no known key signed it", async () => {
    const before = evidenceId;
    evidenceId = await takeEvidence(generateKeyPairSync("ed25519"));
    const { ok, faults } = verifyBundle(sourceOf(await exported()));
    evidenceId = before;
    expect(ok).toBe(false);
    expect(faults).toMatchObject([{ code: "EVIDENCE_CONTENT", field: "signature" }]);
  });
});

test("`shao evidence verify` answers in JSON, exit 0 or 1", async () => {
  const file = join(temporaryDirectory(), "case.tar");
  writeFileSync(file, bundle);
  const whole = await runShao("evidence", "verify", file, "--ca", authority.fingerprint);
  expect(whole.code, whole.talk).toBe(0);
  expect(whole.lines).toMatchObject([{ ok: true }]);
  const flipped = Uint8Array.from(bundle);
  const at = bundle.length - 30_000;
  flipped[at] = (flipped[at] ?? 0) ^ 4;
  writeFileSync(file, flipped);
  const broken = await runShao("evidence", "verify", file);
  expect(broken.code).toBe(1);
  expect(broken.lines).toMatchObject([{ ok: false, faults: [{ region: { from: at, to: at + 1 } }] }]);
  expect(broken.talk).toContain("-clip.mp4 is not what was exported");
});

test("`shao evidence verify` of what is no file is wrong usage, not a bundle at fault", async () => {
  const file = join(temporaryDirectory(), "case.tar");
  writeFileSync(file, bundle);
  const folder = temporaryDirectory();
  for (const of of [[join(folder, "none.tar")], [folder], [file, "--ca", "xyz"]]) {
    const { code, lines, talk } = await runShao("evidence", "verify", ...of);
    expect(code, talk).toBe(64);
    expect(lines).toEqual([]);
    expect(talk).not.toContain("    at ");
  }
});

test("`shao evidence export` writes a bundle that verify finds whole, and overwrites nothing", async () => {
  const out = join(temporaryDirectory(), "one.tar");
  const config = join(temporaryDirectory(), "bridge.yaml");
  const listen = "{ host: 127.0.0.1, mqtt: 18883, http: 18443 }";
  writeFileSync(config, `state: ${state}\nlisten: ${listen}\ntimeZone: Asia/Shanghai\n`);
  const made = await runShao("evidence", "export", evidenceId, "--config", config, "--out", out);
  expect(made.code, made.talk).toBe(0);
  expect(made.lines).toMatchObject([{ bundle: out, caFingerprint: authority.fingerprint }]);
  const whole = await runShao("evidence", "verify", out, "--ca", authority.fingerprint);
  expect(whole.lines, whole.talk).toMatchObject([{ ok: true, evidence: [{ evidenceId, isSigned: true }] }]);
  const again = await runShao("evidence", "export", evidenceId, "--config", config, "--out", out);
  expect(again.code, again.talk).toBe(64);
  const unknown = await runShao("evidence", "export", "nothing", "--config", config, "--out", `${out}.2`);
  expect(unknown.code).toBe(1);
  expect(unknown.talk).toContain("EVIDENCE_UNKNOWN");
});

test("a bundle of a case holds the case, its timeline and the bodies of its alarms", async () => {
  const row = await store.db.selectFrom("evidence").select("alarm_id").where("evidence_id", "=", evidenceId);
  const { alarm_id: alarmId } = await row.executeTakeFirstOrThrow();
  const caseId = "00000000-0000-4000-8000-000000000001";
  const revision = noiseRevision({ node: NODE, alarmId, nowMs: T0 });
  await store.db.transaction().execute(async (trx) => {
    await applyAlarm(trx, revision, T0);
    await trx
      .insertInto("cases")
      .values({
        ...{ id: caseId, number: 1, family: "noise", nature: "condition", title: "t", rule: "r", state: "open" },
        ...{ node: NODE, opened_at_ms: T0, updated_at_ms: T0, last_alarm_at_ms: T0 },
      } as never)
      .execute();
    await trx
      .insertInto("case_alarms")
      .values({ case_id: caseId, alarm_id: alarmId, joined_at_ms: T0, how: "opened" } as never)
      .execute();
    const entry = { kind: "note", actor: "li", channel: "console", detail: { text: "heard it too" } } as const;
    await appendEntry(trx, caseId, entry, T0);
  });
  const folder = temporaryDirectory();
  const config = join(folder, "bridge.yaml");
  const listen = "{ host: 127.0.0.1, mqtt: 18883, http: 18443 }";
  writeFileSync(config, `state: ${state}\nlisten: ${listen}\ntimeZone: Asia/Shanghai\n`);
  const out = join(folder, "case.tar");
  const made = await runShao("evidence", "export", caseId, "--config", config, "--out", out);
  expect(made.code, made.talk).toBe(0);
  expect(verifyBundle(sourceOf(readFileSync(out)), authority.fingerprint)).toMatchObject({
    ...{ ok: true, of: caseId, timelineEntries: 1 },
  });
  // Somebody with the database changed what was done, before it was exported: every hash and the bridge's signature fit.
  await sql`DROP TRIGGER timeline_is_append_only_1`.execute(store.db);
  await store.db.updateTable("timeline").set({ actor: "wang" }).where("case_id", "=", caseId).execute();
  const changed = join(folder, "changed.tar");
  expect((await runShao("evidence", "export", caseId, "--config", config, "--out", changed)).code).toBe(0);
  const told = await runShao("evidence", "verify", changed);
  expect(told.code).toBe(1);
  expect(told.lines).toMatchObject([{ ok: false, faults: [{ code: "CASE_TIMELINE", field: "seq 1" }] }]);
  const entry = (name: string): unknown =>
    JSON.parse(spawnSync("tar", ["-xOf", out, `case/${name}`], { encoding: "utf8" }).stdout);
  expect(entry("case.json")).toMatchObject({ id: caseId, number: 1 });
  expect(entry("timeline.json")).toMatchObject([{ kind: "note", actor: "li", detail: { text: "heard it too" } }]);
  expect(entry("alarms.json")).toMatchObject([{ node: NODE, seq: revision.seq, body: { alarmId, rev: 1 } }]);
});
