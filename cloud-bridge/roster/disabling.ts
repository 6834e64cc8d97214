import type { Selectable } from "kysely";
import type { Db, Trx } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import type { AccountsTable } from "../store/fleet-tables.ts";
import { changing, lockDesk } from "../store/transactions.ts";
import { type AccountFacts, factsOf, findAccountRow } from "./accounts.ts";

/** What was taken from an account that was disabled. */
export interface Disabled {
  readonly account: AccountFacts;
  readonly sessionsEnded: number;
  readonly linksEnded: number;
}

/**
 * Nobody gets in by this account any more: its sessions and its open links end. What it did stays under its name.
 * @throws BridgeError ACCOUNT_UNKNOWN, ACCOUNT_LAST_ADMIN
 */
export async function disableAccount(db: Db, name: string, nowMs: number): Promise<Disabled> {
  return changing(db, async (trx) => {
    // Of two that disable the last two administrators at once, one is refused.
    await lockDesk(trx);
    const row = await findAccountRow(trx, name);
    await assertNotLastAdmin(trx, row);
    const of = trx.updateTable("accounts").where("id", "=", row.id).where("disabled_at_ms", "is", null);
    await of.set({ disabled_at_ms: nowMs }).execute();
    const sessions = await trx.deleteFrom("sessions").where("account_id", "=", row.id).executeTakeFirst();
    const links = trx.deleteFrom("invites").where("account_id", "=", row.id).where("used_at_ms", "is", null);
    const { numDeletedRows } = await links.executeTakeFirst();
    return {
      account: factsOf(row),
      sessionsEnded: Number(sessions.numDeletedRows),
      linksEnded: Number(numDeletedRows),
    };
  });
}

/**
 * The account works again, with the password that it had.
 * @throws BridgeError ACCOUNT_UNKNOWN
 */
export async function enableAccount(db: Db, name: string): Promise<AccountFacts> {
  return changing(db, async (trx) => {
    const row = await findAccountRow(trx, name);
    // Of a sign-in that was under way while it was disabled.
    if (row.disabled_at_ms !== null) await trx.deleteFrom("sessions").where("account_id", "=", row.id).execute();
    await trx.updateTable("accounts").set({ disabled_at_ms: null }).where("id", "=", row.id).execute();
    return factsOf(row);
  });
}

/** Somebody must be able to sign in who gets at everything. */
async function assertNotLastAdmin(trx: Trx, row: Selectable<AccountsTable>): Promise<void> {
  if (row.role !== "admin" || row.unit_id !== null || row.disabled_at_ms !== null) return;
  const other = await trx
    .selectFrom("accounts")
    .select("id")
    .where("id", "<>", row.id)
    .where("role", "=", "admin")
    .where("unit_id", "is", null)
    .where("password_hash", "is not", null)
    .where("disabled_at_ms", "is", null)
    .executeTakeFirst();
  if (other !== undefined) return;
  throw new BridgeError("ACCOUNT_LAST_ADMIN", `${row.name} is the last administrator of the whole bridge`, {
    status: 409,
    hint: "`shao user add NAME --role admin` first, and let its holder set a password.",
  });
}
