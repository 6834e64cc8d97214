import { createHash } from "node:crypto";
import { existsSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { BlobFiles } from "../../../cloud-bridge/evidence/blob-files.ts";
import { BlobIntake } from "../../../cloud-bridge/evidence/blob-intake.ts";
import { BlobKeeping } from "../../../cloud-bridge/evidence/blob-keeping.ts";
import { verifyBundle } from "../../../cloud-bridge/evidence/bundle-verify.ts";
import { PEOPLE } from "../../../cloud-bridge/evidence/people.ts";
import { brokenAt } from "../../../cloud-bridge/evidence/timeline-chain.ts";
import type { Authority } from "../../../cloud-bridge/fleet/authority.ts";
import { silentLogger } from "../../../cloud-bridge/store/logger.ts";
import { noiseRevision } from "../../fakes/alarm-revision.ts";
import { startTestApi } from "../../fakes/api-server.ts";
import { CREW_A, DISPATCHER, deskRig, newKey, SITE, SUPERVISOR, T0 } from "../../fakes/desk-rig.ts";
import { makeTestAuthority } from "../../fakes/node-identity.ts";

const DAY_MS = 86_400_000;
const JPEG = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(5000, "sky")]);
const sha256 = createHash("sha256").update(JPEG).digest("hex");
const jpeg = { "content-type": "image/jpeg" };

const picture = (text: string) => Buffer.concat([JPEG, Buffer.from(text)]);
const keyOf = (bytes: Uint8Array) => ({ node: PEOPLE, blob: createHash("sha256").update(bytes).digest("hex") });

let authority: Authority;
beforeAll(async () => {
  authority = await makeTestAuthority();
});

async function onScene() {
  const rig = await deskRig();
  await rig.receive(noiseRevision({ nowMs: T0 }));
  await rig.desk.wake();
  const leg = (await rig.theCase()).case.assignment?.id ?? "";
  const act = (name: "acknowledge" | "on-scene" | "resolved", more: object = {}) =>
    rig.desk.actOnAssignment(CREW_A, leg, { act: name, deviceTimeMs: T0, ...more }, newKey());
  await act("acknowledge");
  await act("on-scene");
  const api = await startTestApi(authority, { of: rig });
  const crew = await api.as("crew", { crewId: "crew-a" });
  const path = `/api/v1/assignments/${leg}/photos?deviceTimeMs=${T0 + 5000}`;
  const send = (body: Uint8Array, key: string, client = crew, headers: Readonly<Record<string, string>> = jpeg) =>
    client.ask(path, { method: "POST", body, headers: { ...headers, "idempotency-key": key } });
  return { ...rig, api, crew, leg, act, send };
}

test("a photo of the crew is evidence of its case: with hash, author, both clocks, once, and served to who may see it", async () => {
  const rig = await onScene();
  const { api, crew, send } = rig;
  const sent = await send(JPEG, "photo-key-1");
  expect([sent.status, sent.json]).toMatchObject([201, { sha256, sizeBytes: JPEG.length }]);
  const again = await send(JPEG, "photo-key-1");
  expect([again.status, again.json]).toEqual([201, sent.json]);
  const { evidenceId } = sent.json as { evidenceId: string };
  const { timeline, evidence, case: view } = await rig.theCase();
  expect(evidence).toMatchObject([
    {
      ...{ evidenceId, crewId: "crew-a", takenAtMs: T0 + 5000 },
      author: expect.stringContaining("crew"),
      parts: [{ name: "photo", media: "image/jpeg", state: "stored", sha256 }],
    },
  ]);
  const entries = timeline.filter(({ kind }) => kind === "photo");
  expect(entries).toMatchObject([{ deviceTimeMs: T0 + 5000, serverTimeMs: T0, detail: { evidenceId, sha256 } }]);
  expect(entries[0]?.actor).toBe(evidence[0]?.author);
  expect(brokenAt(view.id, timeline)).toBeUndefined();
  const part = `/api/v1/evidence/${evidenceId}/parts/photo`;
  const served = await crew.ask(part);
  expect([served.status, served.headers["content-type"], served.bytes.equals(JPEG)]).toEqual([200, "image/jpeg", true]);
  const other = await api.as("crew", { crewId: "crew-b" });
  expect((await other.ask(part)).json).toMatchObject({ code: "CASE_FOREIGN" });
  expect((await send(JPEG, "photo-key-2", other)).json).toMatchObject({ code: "ASSIGNMENT_NOT_YOURS" });
  const bundle = await (await api.as("supervisor")).ask(`/api/v1/cases/${view.id}/evidence-bundle`);
  const { bytes } = bundle;
  const source = {
    sizeBytes: bytes.length,
    read: (offset: number, length: number) => bytes.subarray(offset, offset + Math.max(0, length)),
  };
  expect(verifyBundle(source, authority.fingerprint)).toMatchObject({ ok: true, faults: [] });
  await api.close();
});

test("what is no picture, is too large, or has no key is refused", async () => {
  const { api, send, crew, leg } = await onScene();
  expect((await send(Buffer.from("<svg/>"), "photo-key-1")).json).toMatchObject({ code: "PHOTO_KIND", status: 415 });
  expect((await send(JPEG, "photo-key-2", crew, { "content-type": "text/html" })).status).toBe(415);
  const large = Buffer.concat([JPEG, Buffer.alloc(12 * 1024 * 1024)]);
  expect((await send(large, "photo-key-3")).status).toBe(413);
  const path = `/api/v1/assignments/${leg}/photos?deviceTimeMs=0`;
  expect((await crew.ask(path, { method: "POST", body: JPEG, headers: jpeg })).json).toMatchObject({
    code: "IDEMPOTENCY_KEY_MISSING",
  });
  await api.close();
});

test("a photo is named by the crew that says resolved and by who closes, also when it came late; another's is refused", async () => {
  const rig = await onScene();
  const { evidenceId } = (await rig.send(JPEG, "photo-key-1")).json as { evidenceId: string };
  await expect(rig.act("resolved", { evidence: ["photo-of-another"] })).rejects.toMatchObject({
    code: "EVIDENCE_FOREIGN",
  });
  await rig.act("resolved", { evidence: [evidenceId] });
  const { timeline } = await rig.theCase();
  expect(timeline.find(({ kind }) => kind === "resolved")?.detail).toMatchObject({ evidence: [evidenceId] });
  // Out of a dead spot, after the last button.
  expect((await rig.send(Buffer.concat([JPEG, Buffer.from("2")]), "photo-key-2")).status).toBe(201);
  const report = { source: "patrol", externalId: "7", channel: "patrol", title: "A stall", position: SITE } as const;
  const { report: taken } = await rig.desk.casework.takeReport(DISPATCHER, { ...report, category: "street-stall" });
  const close = { act: "close-event", cause: "seen", evidence: [evidenceId] } as const;
  await expect(rig.desk.actOnCase(SUPERVISOR, taken.caseId, close, newKey())).rejects.toMatchObject({
    code: "CLOSE_NEEDS_EVIDENCE",
  });
  await rig.db.updateTable("case_evidence").set({ case_id: taken.caseId }).execute();
  expect((await rig.desk.actOnCase(SUPERVISOR, taken.caseId, close, newKey())).case.state).toBe("closed");
  await rig.api.close();
});

test("a photo stays while its case is open, and for the case's term after its end", async () => {
  const rig = await onScene();
  const { evidenceId } = (await rig.send(JPEG, "photo-key-1")).json as { evidenceId: string };
  const files = new BlobFiles(rig.store.state);
  const limits = { orphanMs: 0, keepMs: 30 * DAY_MS, caseMs: 30 * DAY_MS, staleMs: DAY_MS };
  const keeping = new BlobKeeping(rig.db, files, limits);
  const stateOf = async () =>
    (await rig.theCase()).evidence.find((one) => one.evidenceId === evidenceId)?.parts[0]?.state;
  await keeping.tidy(T0 + 400 * DAY_MS);
  await keeping.makeRoom(1e9, T0 + 400 * DAY_MS);
  expect(await stateOf()).toBe("stored");
  await rig.db.updateTable("cases").set({ state: "closed", closed_at_ms: T0 }).execute();
  await keeping.makeRoom(1e9, T0 + 29 * DAY_MS);
  expect(await stateOf()).toBe("stored");
  await keeping.tidy(T0 + 31 * DAY_MS);
  expect(await stateOf()).toBe("gone");
  await rig.api.close();
});

test("a photo that is refused leaves nothing on the disk: with a key of another act, or of a case that is full", async () => {
  const { api, db, store, send } = await onScene();
  const files = new BlobFiles(store.state);
  expect((await send(JPEG, "photo-key-1")).status).toBe(201);
  expect((await send(picture("2"), "photo-key-1")).json).toMatchObject({ code: "IDEMPOTENCY_KEY_REUSED", status: 422 });
  expect(existsSync(files.pathOf(keyOf(picture("2"))))).toBe(false);
  const [row] = await db.selectFrom("case_evidence").selectAll().execute();
  if (row === undefined) throw new Error("the photo is no evidence");
  const others = Array.from({ length: 199 }, (_, n) => ({ ...row, evidence_id: `photo-${n}` }));
  await db.insertInto("case_evidence").values(others).execute();
  expect((await send(picture("3"), "photo-key-3")).json).toMatchObject({ code: "PHOTO_LIMIT", status: 409 });
  expect(existsSync(files.pathOf(keyOf(picture("3"))))).toBe(false);
  expect((await send(JPEG, "photo-key-1")).status).toBe(201);
  await api.close();
});

test("whatever was kept of photos that were refused as they came together is known, so that it goes", async () => {
  const { api, db, store, send } = await onScene();
  const pictures = ["a", "b", "c", "d"].map(picture);
  const sent = await Promise.all(pictures.map((bytes) => send(bytes, "photo-key-1")));
  expect(sent.map(({ status }) => status).toSorted()).toEqual([201, 422, 422, 422]);
  const files = await new BlobFiles(store.state).wholeOf(PEOPLE);
  const known = await db.selectFrom("blobs").select("sha256").where("node", "=", PEOPLE).execute();
  expect(known.map(({ sha256: name }) => name).toSorted()).toEqual(files.toSorted());
  await api.close();
});

test("a photo that no act names goes a week after a start, what was cut off as it was written at once; evidence stays", async () => {
  const { api, store, send } = await onScene();
  const clock = { atMs: T0, nowMs: () => clock.atMs, upMs: () => 0 };
  const options = { store, state: store.state, clock, log: silentLogger, publishReceipt: () => undefined };
  const files = new BlobFiles(store.state);
  expect((await send(JPEG, "photo-key-1")).status).toBe(201);
  await files.put(keyOf(picture("2")), picture("2"));
  const folder = dirname(files.pathOf(keyOf(JPEG)));
  const cutOff = `${files.pathOf(keyOf(picture("3")))}.a0b1.part`;
  writeFileSync(cutOff, JPEG.subarray(0, 100));
  utimesSync(cutOff, T0 / 1000, T0 / 1000 - 7200);
  const intake = new BlobIntake(options);
  await intake.tick();
  expect(readdirSync(folder).toSorted()).toEqual([keyOf(JPEG).blob, keyOf(picture("2")).blob].toSorted());
  clock.atMs += 8 * DAY_MS;
  await intake.tick();
  expect(readdirSync(folder)).toEqual([keyOf(JPEG).blob]);
  await intake.close();
  await api.close();
});
