import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { applyEvidence } from "../../../cloud-bridge/evidence/apply-evidence.ts";
import { saveBlob } from "../../../cloud-bridge/evidence/blob-rows.ts";
import { canonicalJson } from "../../../protocol/canonical-json.ts";
import type { EvidenceBody } from "../../../protocol/evidence.ts";
import { encodeLevels } from "../../../protocol/level-series.ts";
import { newAlarmId, newRunId } from "../../../protocol/new-ids.ts";
import { startTestApi } from "../../fakes/api-server.ts";
import { makeTestAuthority } from "../../fakes/node-identity.ts";

const NODE = "site-1";
const CLIP = Buffer.from(randomBytes(30_000).toString("base64"));
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const series = encodeLevels(0, [{ levelDb: 71.5, flags: [] }]);
const LEVELS = Buffer.from(canonicalJson(series));
const PARTS = "/api/v1/evidence/e-1/parts";

let api: Awaited<ReturnType<typeof startTestApi>>;
beforeAll(async () => {
  api = await startTestApi(await makeTestAuthority());
  const alarmId = newAlarmId(0);
  const times = { fromMs: 0, toMs: 1000 };
  const body: EvidenceBody = {
    evidenceId: "e-1",
    alarmId,
    parts: [
      { name: "levels", type: "levels", sizeBytes: LEVELS.length, sha256: sha256(LEVELS), series, ...times },
      { name: "clip", type: "clip", sizeBytes: CLIP.length, sha256: sha256(CLIP), ...times },
      { name: "late", type: "clip", sizeBytes: 5, sha256: "b".repeat(64), ...times },
    ],
    missing: [],
  };
  const record = { seq: 1, upMs: 0, atMs: 0, timeQuality: "ntp", kind: "evidence", device: "noise-01", body } as const;
  const { db } = api.store;
  await db.transaction().execute((trx) => applyEvidence(trx, { node: NODE, run: newRunId(), record, body }, 0));
  const sizeBytes = CLIP.length;
  const row = { sizeBytes, receivedBytes: sizeBytes, state: "stored", restarts: 0, firstAtMs: 0 } as const;
  await saveBlob(db, { node: NODE, blob: sha256(CLIP) }, row, 0);
  mkdirSync(join(api.state, "blobs", NODE), { recursive: true });
  writeFileSync(join(api.state, "blobs", NODE, sha256(CLIP)), CLIP);
});
afterAll(() => api.close());

test("a stored part comes with its bytes, its type and its hash, and need not come twice", async () => {
  const viewer = await api.as("viewer");
  for (const [name, type, bytes] of [
    ["clip", "video/mp4", CLIP],
    ["levels", "application/json", LEVELS],
  ] as const) {
    const { status, headers, text } = await viewer.ask(`${PARTS}/${name}`);
    expect(status).toBe(200);
    expect(headers).toMatchObject({ etag: `"${sha256(bytes)}"`, "content-length": String(bytes.length) });
    expect(headers["content-type"]).toBe(type);
    expect(text).toBe(bytes.toString());
    const known = await viewer.ask(`${PARTS}/${name}`, { headers: { "if-none-match": `"${sha256(bytes)}"` } });
    expect([known.status, known.text]).toEqual([304, ""]);
  }
});

test("a player gets the range that it asks for", async () => {
  const viewer = await api.as("viewer");
  const text = CLIP.toString();
  const last = CLIP.length - 1;
  for (const [range, from, to] of [
    ["bytes=100-199", 100, 199],
    [`bytes=${last - 9}-`, last - 9, last],
    ["bytes=-10", last - 9, last],
    ["bytes=0-999999999", 0, last],
  ] as const) {
    const answer = await viewer.ask(`${PARTS}/clip`, { headers: { range } });
    expect([range, answer.status, answer.headers["content-range"]]).toEqual([
      range,
      206,
      `bytes ${from}-${to}/${CLIP.length}`,
    ]);
    expect(answer.text).toBe(text.slice(from, to + 1));
  }
  for (const range of ["bytes=9-1", "bytes=1-2,5-6", "lines=1-2", "bytes=-", `bytes=${CLIP.length}-`]) {
    const answer = await viewer.ask(`${PARTS}/clip`, { headers: { range } });
    expect([range, answer.status, answer.text.length]).toEqual([range, 200, CLIP.length]);
  }
});

test("what is not here is said with its reason, also when the disk lost it; a crew sees evidence of its own cases only", async () => {
  const viewer = await api.as("viewer");
  const crew = await api.as("crew");
  expect((await crew.ask(`${PARTS}/clip`)).json).toMatchObject({ status: 403, code: "CASE_FOREIGN" });
  expect((await viewer.ask(`${PARTS}/late`)).json).toMatchObject({ status: 409, code: "EVIDENCE_NOT_HERE" });
  const paths = [`${PARTS}/none`, "/api/v1/evidence/none/parts/clip", `${PARTS}/..%2f..%2fbridge.db`];
  for (const path of paths) expect((await viewer.ask(path)).json, path).toMatchObject({ status: 404 });
  rmSync(join(api.state, "blobs", NODE, sha256(CLIP)));
  expect((await viewer.ask(`${PARTS}/clip`)).json).toMatchObject({ status: 409, code: "EVIDENCE_NOT_HERE" });
});
