import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Db } from "../store/database.ts";
import { type AccountFacts, factsOf } from "./accounts.ts";

/** A session ends a week after it began, and after half a day without a request. */
export const SESSION_LIFE_MS = 7 * 24 * 3600_000;
export const SESSION_IDLE_MS = 12 * 3600_000;
const TOUCH_EVERY_MS = 60_000;

/** What the browser gets: the cookie's value, and the token that a client which sends no Origin must show. */
export interface NewSession {
  readonly secret: string;
  readonly csrf: string;
  readonly expiresAtMs: number;
}

export interface OpenSession {
  readonly account: AccountFacts;
  readonly csrf: string;
}

export async function openSession(db: Db, accountId: string, nowMs: number): Promise<NewSession> {
  const secret = randomBytes(32).toString("base64url");
  const csrf = randomBytes(24).toString("base64url");
  const expiresAtMs = nowMs + SESSION_LIFE_MS;
  await db.deleteFrom("sessions").where("expires_at_ms", "<", nowMs).execute();
  await db
    .insertInto("sessions")
    .values({
      sha256: hashed(secret),
      account_id: accountId,
      csrf,
      created_at_ms: nowMs,
      expires_at_ms: expiresAtMs,
      last_seen_at_ms: nowMs,
    })
    .execute();
  return { secret, csrf, expiresAtMs };
}

/** @returns undefined for a session that is unknown or over, or whose account is disabled */
export async function findSession(db: Db, secret: string, nowMs: number): Promise<OpenSession | undefined> {
  const sha256 = hashed(secret);
  const session = await db.selectFrom("sessions").selectAll().where("sha256", "=", sha256).executeTakeFirst();
  if (session === undefined || session.expires_at_ms < nowMs || session.last_seen_at_ms < nowMs - SESSION_IDLE_MS) {
    return undefined;
  }
  const account = await db
    .selectFrom("accounts")
    .selectAll()
    .where("id", "=", session.account_id)
    .where("disabled_at_ms", "is", null)
    .executeTakeFirst();
  if (account === undefined) return undefined;
  if (session.last_seen_at_ms < nowMs - TOUCH_EVERY_MS) {
    await db.updateTable("sessions").set({ last_seen_at_ms: nowMs }).where("sha256", "=", sha256).execute();
  }
  return { account: factsOf(account), csrf: session.csrf };
}

export async function endSession(db: Db, secret: string): Promise<void> {
  await db.deleteFrom("sessions").where("sha256", "=", hashed(secret)).execute();
}

export function isSameToken(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function hashed(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}
