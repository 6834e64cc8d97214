import { afterAll, beforeAll, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../../../cloud-bridge/api/context.ts";
import type { Authority } from "../../../cloud-bridge/fleet/authority.ts";
import { addAccount } from "../../../cloud-bridge/roster/accounts.ts";
import { startTestApi } from "../../fakes/api-server.ts";
import { makeTestAuthority } from "../../fakes/node-identity.ts";

const PASSWORD = "a long enough password";
let authority: Authority;
let api: Awaited<ReturnType<typeof startTestApi>>;
beforeAll(async () => {
  authority = await makeTestAuthority();
  api = await startTestApi(authority);
});
afterAll(() => api.close());

test("the one-time link sets a password and signs in; used twice, it is refused", async () => {
  const { token } = await addAccount(api.store.db, { name: "chen", role: "supervisor" }, Date.now());
  const browser = api.client();
  const first = await browser.post("/api/v1/welcome", { token, password: PASSWORD });
  expect([first.status, first.json]).toMatchObject([200, { name: "chen", role: "supervisor" }]);
  expect(first.text).not.toContain("argon2");
  const [cookie] = first.headers["set-cookie"] as string[];
  for (const part of ["__Host-shao=", "HttpOnly", "Secure", "SameSite=Strict", "Path=/"])
    expect(cookie).toContain(part);
  expect((await browser.ask("/api/v1/session")).json).toMatchObject({ name: "chen" });
  const again = await api.client().post("/api/v1/welcome", { token, password: "another password" });
  expect([again.status, again.json]).toMatchObject([403, { code: "INVITE_REFUSED", hint: expect.any(String) }]);
  expect((await api.client().post("/api/v1/session", { name: "chen", password: PASSWORD })).status).toBe(200);
  const actions = await api.store.db.selectFrom("audit").select(["actor", "action"]).execute();
  expect(actions).toContainEqual({ actor: "chen", action: "welcome" });
});

test("signing out ends the session for good", async () => {
  const browser = await api.as("viewer");
  const { cookie } = browser;
  expect((await browser.ask("/api/v1/session", { method: "DELETE" })).status).toBe(204);
  browser.cookie = cookie;
  expect((await browser.ask("/api/v1/session")).status).toBe(401);
});

test("a wrong password and an unknown name get the same answer, and both are audited", async () => {
  const wrong = await api.client().post("/api/v1/session", { name: "chen", password: "wrong" });
  const unknown = await api.client().post("/api/v1/session", { name: "nobody", password: "wrong" });
  expect([wrong.status, wrong.text]).toEqual([401, unknown.text]);
  const refused = await api.store.db
    .selectFrom("audit")
    .select("actor")
    .where("action", "=", "sign-in.refused")
    .execute();
  expect(refused.map(({ actor }) => actor)).toEqual(["chen", "nobody"]);
});

test("guessing is slowed down per address", async () => {
  const limited = await startTestApi(authority, { limits: { ...DEFAULT_LIMITS, signInsPerMinute: 3 } });
  const answers: number[] = [];
  for (let i = 0; i < 5; i += 1) {
    answers.push((await limited.client().post("/api/v1/session", { name: "x", password: "y" })).status);
  }
  const { json } = await limited.client().post("/api/v1/session", { name: "x", password: "y" });
  await limited.close();
  expect(answers).toEqual([401, 401, 401, 429, 429]);
  expect(json).toMatchObject({ code: "RATE_LIMITED", hint: expect.stringContaining("Try again") });
});
