import { createHash, randomBytes, randomUUID } from "node:crypto";
import type { Selectable } from "kysely";
import type { Db, Trx } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import type { AccountsTable } from "../store/fleet-tables.ts";
import { hashPassword, isPassword } from "./passwords.ts";
import { findUnit } from "./units.ts";

export const ROLES = ["admin", "operator", "dispatcher", "supervisor", "crew", "viewer"] as const;
export type AccountRole = (typeof ROLES)[number];

export interface AccountFacts {
  readonly id: string;
  readonly name: string;
  readonly role: AccountRole;
  readonly crewId?: string;
  readonly unitId?: string;
}

export interface NewAccount {
  readonly name: string;
  readonly role: AccountRole;
  readonly crewId?: string;
  readonly unitId?: string;
}

/** What the holder of a one-time link gets: `/welcome#<token>`. Only the token's hash is kept. */
export interface Invitation {
  readonly account: AccountFacts;
  readonly token: string;
  readonly expiresAtMs: number;
}

export const INVITATION_LIFE_MS = 24 * 3600_000;
const MAX_NAME_CHARACTERS = 64;

/**
 * Makes an account that has no password yet, and the link that sets one.
 * @throws BridgeError ACCOUNT_NAME_TAKEN, ACCOUNT_INVALID, UNIT_UNKNOWN
 */
export async function addAccount(db: Db, account: NewAccount, nowMs: number): Promise<Invitation> {
  const name = account.name.trim().normalize("NFC");
  if (name === "" || name.length > MAX_NAME_CHARACTERS || /\p{Cc}/u.test(name)) {
    throw invalid(`a name has 1 to ${MAX_NAME_CHARACTERS} printable characters`);
  }
  if (account.role === "crew" && account.crewId === undefined) throw invalid("an account of role crew needs its crew");
  // Of a unit that is not there nobody would see anything.
  if (account.unitId !== undefined) await findUnit(db, account.unitId);
  const row = {
    id: randomUUID(),
    name,
    role: account.role,
    crew_id: account.crewId ?? null,
    unit_id: account.unitId ?? null,
    password_hash: null,
    created_at_ms: nowMs,
    disabled_at_ms: null,
  };
  const added = await db
    .insertInto("accounts")
    .values(row)
    .onConflict((conflict) => conflict.column("name").doNothing())
    .executeTakeFirst();
  if (added.numInsertedOrUpdatedRows !== 1n) {
    throw new BridgeError("ACCOUNT_NAME_TAKEN", `there is an account ${name} already`, {
      status: 409,
      hint: "Choose another name, or make a new link for this account with `shao user link NAME`.",
    });
  }
  return invite(db, factsOf(row), nowMs);
}

/**
 * A new one-time link; older ones of the account end. Whoever redeems it sets a new password.
 * @throws BridgeError ACCOUNT_DISABLED
 */
export async function invite(db: Db, account: AccountFacts, nowMs: number): Promise<Invitation> {
  const token = randomBytes(24).toString("base64url");
  const expiresAtMs = nowMs + INVITATION_LIFE_MS;
  await db.transaction().execute(async (trx) => {
    if ((await findAccountRow(trx, account.name)).disabled_at_ms !== null) {
      throw new BridgeError("ACCOUNT_DISABLED", `the account ${account.name} is disabled`, {
        status: 409,
        hint: "`shao user enable NAME` first, where it is to work again.",
      });
    }
    await trx.deleteFrom("invites").where("account_id", "=", account.id).where("used_at_ms", "is", null).execute();
    await trx
      .insertInto("invites")
      .values({
        sha256: hashed(token),
        account_id: account.id,
        created_at_ms: nowMs,
        expires_at_ms: expiresAtMs,
        used_at_ms: null,
      })
      .execute();
  });
  return { account, token, expiresAtMs };
}

/**
 * Sets the password; sessions that the account had end.
 * @throws BridgeError INVITE_REFUSED for a link that is unknown, used or expired
 */
export async function redeemInvitation(
  db: Db,
  { token, password, nowMs }: { token: string; password: string; nowMs: number },
): Promise<AccountFacts> {
  const sha256 = hashed(token);
  const known = await db.selectFrom("invites").selectAll().where("sha256", "=", sha256).executeTakeFirst();
  // The costly hash only for a link that exists; the link's own 192 bits are what guards it.
  if (known === undefined || known.used_at_ms !== null || known.expires_at_ms < nowMs) throw refusedInvitation();
  const passwordHash = await hashPassword(password);
  return db.transaction().execute(async (trx) => {
    const taken = await trx
      .updateTable("invites")
      .set({ used_at_ms: nowMs })
      .where("sha256", "=", sha256)
      .where("used_at_ms", "is", null)
      .executeTakeFirst();
    if (taken.numUpdatedRows !== 1n) throw refusedInvitation();
    const row = await trx
      .updateTable("accounts")
      .set({ password_hash: passwordHash })
      .where("id", "=", known.account_id)
      .where("disabled_at_ms", "is", null)
      .returningAll()
      .executeTakeFirst();
    if (row === undefined) throw refusedInvitation();
    await trx.deleteFrom("sessions").where("account_id", "=", row.id).execute();
    return factsOf(row);
  });
}

/** @throws BridgeError SIGN_IN_REFUSED, the same for a wrong name and a wrong password */
export async function checkPassword(db: Db, name: string, password: string): Promise<AccountFacts> {
  const row = await db
    .selectFrom("accounts")
    .selectAll()
    .where("name", "=", name.trim().normalize("NFC"))
    .where("disabled_at_ms", "is", null)
    .executeTakeFirst();
  const isRight = await isPassword(password, row?.password_hash ?? null);
  if (row !== undefined && isRight) return factsOf(row);
  throw new BridgeError("SIGN_IN_REFUSED", "name and password do not fit", {
    status: 401,
    hint: "Check both; an administrator can make a new one-time link with `shao user link NAME`.",
  });
}

/** @throws BridgeError ACCOUNT_UNKNOWN */
export async function findAccountRow(db: Db | Trx, name: string): Promise<Selectable<AccountsTable>> {
  const known = name.trim().normalize("NFC");
  const row = await db.selectFrom("accounts").selectAll().where("name", "=", known).executeTakeFirst();
  if (row !== undefined) return row;
  throw new BridgeError("ACCOUNT_UNKNOWN", `there is no account ${known}`, {
    status: 404,
    hint: "`shao user ls` lists the accounts.",
  });
}

/** `hasPassword` is false until the link was used. */
export interface ListedAccount extends AccountFacts {
  readonly hasPassword: boolean;
  readonly disabledAtMs?: number;
}

/** In order of name. */
export async function listAccounts(db: Db): Promise<readonly ListedAccount[]> {
  const rows = await db.selectFrom("accounts").selectAll().orderBy("name").execute();
  return rows.map((row) => ({
    ...factsOf(row),
    hasPassword: row.password_hash !== null,
    ...(row.disabled_at_ms === null ? {} : { disabledAtMs: row.disabled_at_ms }),
  }));
}

export function factsOf(row: Selectable<AccountsTable>): AccountFacts {
  return {
    id: row.id,
    name: row.name,
    // Only addAccount writes this column.
    role: row.role as AccountRole,
    ...(row.crew_id === null ? {} : { crewId: row.crew_id }),
    ...(row.unit_id === null ? {} : { unitId: row.unit_id }),
  };
}

function hashed(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

function invalid(message: string): BridgeError {
  return new BridgeError("ACCOUNT_INVALID", message, { status: 400, hint: "`shao user add --help` shows an example." });
}

function refusedInvitation(): BridgeError {
  return new BridgeError("INVITE_REFUSED", "this link is unknown, used or expired", {
    status: 403,
    hint: "A link works once and for one day; an administrator makes a new one with `shao user link NAME`.",
  });
}
