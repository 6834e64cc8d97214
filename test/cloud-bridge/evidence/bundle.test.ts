import { spawnSync } from "node:child_process";
import { createHash, generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { applyEvidence } from "../../../cloud-bridge/evidence/apply-evidence.ts";
import { BlobFiles } from "../../../cloud-bridge/evidence/blob-files.ts";
import { saveBlob } from "../../../cloud-bridge/evidence/blob-rows.ts";
import type { ByteSource } from "../../../cloud-bridge/evidence/bundle-faults.ts";
import { verifyBundle } from "../../../cloud-bridge/evidence/bundle-verify.ts";
import { prepareBundle } from "../../../cloud-bridge/evidence/bundle-write.ts";
import { learnEvidenceKey } from "../../../cloud-bridge/evidence/evidence-keys.ts";
import { type Authority, initAuthority, openAuthority } from "../../../cloud-bridge/fleet/authority.ts";
import { openStore, type Store } from "../../../cloud-bridge/store/database.ts";
import { canonicalJson } from "../../../protocol/canonical-json.ts";
import type { EvidenceBody } from "../../../protocol/evidence.ts";
import { evidenceKeyId, signEvidence } from "../../../protocol/evidence-manifest.ts";
import { encodeLevels } from "../../../protocol/level-series.ts";
import { newAlarmId, newRunId } from "../../../protocol/new-ids.ts";
import { runShao } from "../../fakes/run-shao.ts";
import { temporaryDirectory } from "../../gateway/journal/sample-records.ts";
import { seededRandom } from "../../site/seeded-random.ts";

const NODE = "site-1";
const T0 = 1_763_500_000_000;
const CLIP_BYTES = 70_000;

let state = "";
let store: Store;
let authority: Authority;
let evidenceId = "";
let bundle: Uint8Array;

const sourceOf = (bytes: Uint8Array): ByteSource => ({
  sizeBytes: bytes.length,
  read: (offset, length) => bytes.subarray(offset, offset + Math.max(0, length)),
});

async function exported(): Promise<Uint8Array> {
  const files = new BlobFiles(state);
  const options = { db: store.db, bridge: store.bridge, files, authority, nowMs: T0 };
  const prepared = await prepareBundle(evidenceId, options);
  const pieces: Uint8Array[] = [];
  for await (const piece of prepared.bytes()) pieces.push(piece);
  const bytes = Buffer.concat(pieces);
  expect(bytes.length).toBe(prepared.sizeBytes);
  return bytes;
}

/** Evidence with levels inside and a clip beside, signed as a node signs it. */
async function takeEvidence(key = generateKeyPairSync("ed25519"), isKnown = true): Promise<string> {
  const clip = randomBytes(CLIP_BYTES);
  const sha256 = createHash("sha256").update(clip).digest("hex");
  const files = new BlobFiles(state);
  await files.append({ node: NODE, blob: sha256 }, 0, clip);
  await files.finish({ node: NODE, blob: sha256 });
  await files.close();
  const row = {
    sizeBytes: clip.length,
    receivedBytes: clip.length,
    state: "stored",
    restarts: 0,
    firstAtMs: T0,
  } as const;
  await saveBlob(store.db, { node: NODE, blob: sha256 }, row, T0);
  const series = encodeLevels(
    T0,
    Array.from({ length: 121 }, (_, i) => ({ levelDb: 60 + (i % 17), flags: [] })),
  );
  const levels = Buffer.from(canonicalJson(series));
  const levelsHash = createHash("sha256").update(levels).digest("hex");
  const times = { fromMs: T0, toMs: T0 + 121_000 };
  const alarmId = newAlarmId(T0);
  const unsigned: EvidenceBody = {
    evidenceId: `${alarmId}-levels-1`,
    alarmId,
    rule: "night-noise",
    ruleSet: "GB12523-2025",
    position: { latitudeDeg: 39.9, longitudeDeg: 116.4 },
    parts: [
      {
        name: "levels",
        type: "levels",
        sizeBytes: levels.length,
        sha256: levelsHash,
        quantity: "LAeq1s",
        series,
        ...times,
      },
      { name: "clip", type: "clip", sizeBytes: clip.length, sha256, ...times },
    ],
    missing: [{ name: "snapshot", reason: "the camera did not answer" }],
  };
  const head = { upMs: 1000, atMs: T0 + 122_000, timeQuality: "gnss", device: "noise-01" } as const;
  const keyId = evidenceKeyId(key.publicKey);
  const signature = signEvidence(head, unsigned, { node: NODE, run: newRunId(), keyId }, key.privateKey);
  const body = { ...unsigned, signature };
  const record = { seq: 7, ...head, kind: "evidence", body };
  await store.db.transaction().execute(async (trx) => {
    const text = key.publicKey.export({ type: "spki", format: "der" }).toString("base64");
    if (isKnown) await learnEvidenceKey(trx, NODE, text, T0);
    await applyEvidence(trx, { node: NODE, run: newRunId(), record, body }, T0);
  });
  return body.evidenceId;
}

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
    const runs = 150;
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
      for (let at = from; at < to; at += 1 + Math.floor((to - from) / 60)) {
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
