import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Authority } from "../../../cloud-bridge/fleet/authority.ts";
import { fingerprintOf } from "../../../cloud-bridge/fleet/certificates.ts";
import { admit, offerToken, redeemToken, revokeNode, TOKEN_LIFE_MS } from "../../../cloud-bridge/fleet/enrolment.ts";
import { findNode } from "../../../cloud-bridge/fleet/node-views.ts";
import { openStore, type Store } from "../../../cloud-bridge/store/database.ts";
import { makeRequest, makeTestAuthority } from "../../fakes/node-identity.ts";

const NOW_MS = Date.UTC(2026, 10, 21);
let authority: Authority;
let store: Store;

beforeAll(async () => {
  authority = await makeTestAuthority();
});
beforeEach(() => {
  store = openStore({ state: mkdtempSync(join(tmpdir(), "shao-enrolment-")), nowMs: NOW_MS });
});
afterEach(() => store.close());

const offer = (nowMs = NOW_MS) =>
  offerToken(store.db, { node: "site-042", createdBy: "admin", fingerprint: authority.fingerprint, nowMs });
const redeem = async (token: string, nowMs = NOW_MS) =>
  redeemToken(store.db, authority, { token, csrPem: (await makeRequest()).csrPem, nowMs });

test("a token carries the CA's fingerprint, and redeeming it admits the node", async () => {
  const { token, expiresAtMs } = await offer();
  expect(token.split(".")[1]).toBe(authority.fingerprint.slice(0, 32));
  expect(expiresAtMs).toBe(NOW_MS + TOKEN_LIFE_MS);
  const { certificatePem, node } = await redeem(token);
  expect(node).toBe("site-042");
  expect(await admit(store.db, "site-042", fingerprintOf(certificatePem))).toBe("admitted");
  expect(await findNode(store.db, "site-042", NOW_MS)).toMatchObject({
    pairedAtMs: NOW_MS,
    presence: { transport: "never", devices: [] },
  });
});

test("the token's secret is not in the database", async () => {
  const { token } = await offer();
  const rows = await store.db.selectFrom("enrol_tokens").selectAll().execute();
  expect(JSON.stringify(rows)).not.toContain(token.split(".")[0]);
});

test("a box that missed the answer gets the same once more, while its certificate counts", async () => {
  const { token } = await offer();
  const { csrPem } = await makeRequest();
  const again = (nowMs = NOW_MS) => redeemToken(store.db, authority, { token, csrPem, nowMs });
  const first = await again();
  expect(first.isRepeated).toBe(false);
  expect(await again(NOW_MS + 1000)).toEqual({ ...first, isRepeated: true });
  expect(await admit(store.db, "site-042", fingerprintOf(first.certificatePem))).toBe("admitted");
  await expect(again(NOW_MS + TOKEN_LIFE_MS + 1)).rejects.toMatchObject({ code: "ENROL_TOKEN_REFUSED" });
  const next = await redeem((await offer()).token);
  await expect(again()).rejects.toMatchObject({ code: "ENROL_TOKEN_REFUSED" });
  expect(await admit(store.db, "site-042", fingerprintOf(next.certificatePem))).toBe("admitted");
});

test("who was revoked gets no answer again", async () => {
  const { token } = await offer();
  const { csrPem } = await makeRequest();
  const again = () => redeemToken(store.db, authority, { token, csrPem, nowMs: NOW_MS });
  await again();
  await revokeNode(store.db, "site-042", NOW_MS);
  await expect(again()).rejects.toMatchObject({ code: "ENROL_TOKEN_REFUSED" });
});

test("one box that asks three times at the same time has one certificate", async () => {
  const { token } = await offer();
  const { csrPem } = await makeRequest();
  const again = () => redeemToken(store.db, authority, { token, csrPem, nowMs: NOW_MS });
  const answers = await Promise.all([again(), again(), again()]);
  expect(new Set(answers.map(({ certificatePem }) => certificatePem)).size).toBe(1);
  expect(answers.filter(({ isRepeated }) => !isRepeated)).toHaveLength(1);
});

test("no token looks like an option to the command line that it is pasted in", async () => {
  const tokens: string[] = [];
  for (let n = 0; n < 300; n += 1) tokens.push((await offer()).token);
  expect(tokens.filter((token) => token.startsWith("-"))).toEqual([]);
});

test("a token works for one key", async () => {
  const { token } = await offer();
  await redeem(token);
  await expect(redeem(token)).rejects.toMatchObject({ code: "ENROL_TOKEN_REFUSED" });
});

test("two that redeem one token at the same time: one gets in", async () => {
  const { token } = await offer();
  const outcomes = await Promise.allSettled([redeem(token), redeem(token), redeem(token)]);
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
});

test("a token ends after an hour, and when a newer one is made for the same node", async () => {
  const { token } = await offer();
  await expect(redeem(token, NOW_MS + TOKEN_LIFE_MS + 1)).rejects.toMatchObject({ code: "ENROL_TOKEN_REFUSED" });
  await offer();
  await expect(redeem(token)).rejects.toMatchObject({ code: "ENROL_TOKEN_REFUSED" });
});

test("a request that cannot be read does not use up its token", async () => {
  const { token } = await offer();
  const bad = redeemToken(store.db, authority, { token, csrPem: "rubbish", nowMs: NOW_MS });
  await expect(bad).rejects.toMatchObject({ code: "CSR_INVALID" });
  await redeem(token);
});

test("a revoked node is refused, and so is the certificate that a newer one replaced", async () => {
  const first = await redeem((await offer()).token);
  const second = await redeem((await offer()).token);
  expect(await admit(store.db, "site-042", fingerprintOf(first.certificatePem))).toBe("certificate-replaced");
  await revokeNode(store.db, "site-042", NOW_MS);
  expect(await admit(store.db, "site-042", fingerprintOf(second.certificatePem))).toBe("node-revoked");
  expect(await admit(store.db, "site-043", fingerprintOf(second.certificatePem))).toBe("node-unknown");
  await expect(revokeNode(store.db, "nobody", NOW_MS)).rejects.toMatchObject({ code: "NODE_UNKNOWN" });
});
