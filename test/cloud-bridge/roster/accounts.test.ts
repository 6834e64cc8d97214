import { beforeEach, expect, test } from "vitest";
import {
  addAccount,
  checkPassword,
  INVITATION_LIFE_MS,
  invite,
  listAccounts,
  redeemInvitation,
} from "../../../cloud-bridge/roster/accounts.ts";
import { disableAccount, enableAccount } from "../../../cloud-bridge/roster/disabling.ts";
import { hashPassword, isPassword } from "../../../cloud-bridge/roster/passwords.ts";
import {
  endSession,
  findSession,
  openSession,
  SESSION_IDLE_MS,
  SESSION_LIFE_MS,
} from "../../../cloud-bridge/roster/sessions.ts";
import { putUnit } from "../../../cloud-bridge/roster/units.ts";
import type { Store } from "../../../cloud-bridge/store/database.ts";
import { temporaryStore } from "../../fakes/bridge-store.ts";

const NOW_MS = Date.UTC(2026, 10, 21);
const PASSWORD = "correct horse battery";
let store: Store;
beforeEach(async () => {
  store = await temporaryStore({ nowMs: NOW_MS });
});

const add = (name = "lin", nowMs = NOW_MS) => addAccount(store.db, { name, role: "dispatcher" }, nowMs);
const redeem = (token: string, nowMs = NOW_MS) => redeemInvitation(store.db, { token, password: PASSWORD, nowMs });

test("a password is stored as argon2id and never twice the same", async () => {
  const [first, second] = [await hashPassword(PASSWORD), await hashPassword(PASSWORD)];
  expect(first).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/u);
  expect(first).not.toBe(second);
  expect([await isPassword(PASSWORD, first), await isPassword("other", first)]).toEqual([true, false]);
  expect([await isPassword(PASSWORD, null), await isPassword(PASSWORD, "rubbish")]).toEqual([false, false]);
});

test("the one-time link sets the password, and then no longer works", async () => {
  const { token } = await add();
  await expect(checkPassword(store.db, "lin", PASSWORD)).rejects.toMatchObject({ code: "SIGN_IN_REFUSED" });
  expect(await redeem(token)).toMatchObject({ name: "lin", role: "dispatcher" });
  expect(await checkPassword(store.db, "lin", PASSWORD)).toMatchObject({ name: "lin" });
  await expect(redeem(token)).rejects.toMatchObject({ code: "INVITE_REFUSED" });
});

test("of two that use one link at the same time, one gets in", async () => {
  const { token } = await add();
  const outcomes = await Promise.allSettled([redeem(token), redeem(token)]);
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
});

test("a link ends after a day, and when a newer one is made", async () => {
  const { token, account } = await add();
  await expect(redeem(token, NOW_MS + INVITATION_LIFE_MS + 1)).rejects.toMatchObject({ code: "INVITE_REFUSED" });
  const newer = await invite(store.db, account, NOW_MS);
  await expect(redeem(token)).rejects.toMatchObject({ code: "INVITE_REFUSED" });
  await redeem(newer.token);
});

test("neither links nor cookies can be read from the database", async () => {
  const { token, account } = await add();
  const session = await openSession(store.db, account.id, NOW_MS);
  const rows = [
    await store.db.selectFrom("invites").selectAll().execute(),
    await store.db.selectFrom("sessions").selectAll().execute(),
  ];
  expect(JSON.stringify(rows)).not.toContain(token);
  expect(JSON.stringify(rows)).not.toContain(session.secret);
});

test("a wrong name and a wrong password are told alike", async () => {
  await redeem((await add()).token);
  const refusals = await Promise.allSettled([
    checkPassword(store.db, "lin", "wrong password"),
    checkPassword(store.db, "nobody", PASSWORD),
  ]);
  const told = refusals.map((refusal) => (refusal.status === "rejected" ? String(refusal.reason) : "let in"));
  expect(told[0]).toBe(told[1]);
});

test("a session ends when it is signed out, idle, old, or its account gets a new password", async () => {
  const { token, account } = await add();
  await redeem(token);
  const session = await openSession(store.db, account.id, NOW_MS);
  expect(await findSession(store.db, session.secret, NOW_MS)).toMatchObject({ account: { name: "lin" } });
  expect(await findSession(store.db, "other", NOW_MS)).toBeUndefined();
  expect(await findSession(store.db, session.secret, NOW_MS + SESSION_IDLE_MS + 1)).toBeUndefined();
  expect(await findSession(store.db, session.secret, NOW_MS + SESSION_LIFE_MS + 1)).toBeUndefined();
  await redeem((await invite(store.db, account, NOW_MS)).token);
  expect(await findSession(store.db, session.secret, NOW_MS)).toBeUndefined();
  const next = await openSession(store.db, account.id, NOW_MS);
  await endSession(store.db, next.secret);
  expect(await findSession(store.db, next.secret, NOW_MS)).toBeUndefined();
});

test("who is disabled gets in by no session, password or link, also none that was under way, until enabled", async () => {
  const { token, account } = await add();
  await redeem(token);
  const open = await invite(store.db, account, NOW_MS);
  const session = await openSession(store.db, account.id, NOW_MS);
  const ended = { account, sessionsEnded: 1, linksEnded: 1 };
  expect(await disableAccount(store.db, " lin", NOW_MS + 5)).toEqual(ended);
  const late = await openSession(store.db, account.id, NOW_MS);
  for (const { secret } of [session, late]) expect(await findSession(store.db, secret, NOW_MS)).toBeUndefined();
  await expect(checkPassword(store.db, "lin", PASSWORD)).rejects.toMatchObject({ code: "SIGN_IN_REFUSED" });
  await expect(redeem(open.token)).rejects.toMatchObject({ code: "INVITE_REFUSED" });
  await expect(invite(store.db, account, NOW_MS)).rejects.toMatchObject({ code: "ACCOUNT_DISABLED" });
  await disableAccount(store.db, "lin", NOW_MS + 9);
  expect(await listAccounts(store.db)).toEqual([{ ...account, hasPassword: true, disabledAtMs: NOW_MS + 5 }]);
  const between = await openSession(store.db, account.id, NOW_MS);
  expect(await enableAccount(store.db, "lin")).toEqual(account);
  expect(await findSession(store.db, between.secret, NOW_MS)).toBeUndefined();
  expect(await checkPassword(store.db, "lin", PASSWORD)).toMatchObject({ name: "lin" });
  expect(await listAccounts(store.db)).toEqual([{ ...account, hasPassword: true }]);
  await expect(disableAccount(store.db, "nobody", NOW_MS)).rejects.toMatchObject({ code: "ACCOUNT_UNKNOWN" });
});

test("the last administrator who can sign in and gets at everything is not disabled", async () => {
  const admin = (name: string, unitId?: string) =>
    addAccount(store.db, { name, role: "admin", ...(unitId !== undefined && { unitId }) }, NOW_MS);
  await putUnit(store.db, { id: "west", name: "west", level: "district" });
  await redeem((await admin("wang")).token);
  await redeem((await admin("of-west", "west")).token);
  const { token } = await admin("not-yet");
  const disable = (name: string) => disableAccount(store.db, name, NOW_MS);
  await expect(disable("wang")).rejects.toMatchObject({ code: "ACCOUNT_LAST_ADMIN" });
  await redeem(token);
  const outcomes = await Promise.allSettled([disable("wang"), disable("not-yet")]);
  expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  await disable("of-west");
});

test("a name is taken once, and a crew's account names its crew", async () => {
  await add();
  await expect(add(" lin ")).rejects.toMatchObject({ code: "ACCOUNT_NAME_TAKEN" });
  await expect(add("a\u0000b")).rejects.toMatchObject({ code: "ACCOUNT_INVALID" });
  const crew = addAccount(store.db, { name: "car 3", role: "crew" }, NOW_MS);
  await expect(crew).rejects.toMatchObject({ code: "ACCOUNT_INVALID" });
});
