import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { initAuthority, openAuthority } from "./fleet/authority.ts";
import { readIfThere, writePrivateFile } from "./fleet/private-files.ts";
import { addAccount, type Invitation, invite, listAccounts } from "./roster/accounts.ts";
import { audit } from "./roster/audit.ts";
import type { Store } from "./store/database.ts";

const FIRST_ADMINISTRATOR = "admin";

export interface Initialised {
  /** Whether CA and keys were made now; false: they were there. */
  readonly made: boolean;
  /** Lower-case hex SHA-256 of the CA certificate's DER. */
  readonly fingerprint: string;
  /** For the first administrator; absent once an administrator has a password. */
  readonly invitation?: Invitation;
}

/** CA, keys, and the first administrator's one-time link. Harmless to repeat: what is there stays. */
export async function initialise(state: string, store: Store, nowMs: number): Promise<Initialised> {
  const { made } = await initAuthority(state, nowMs);
  const tokenFile = metricsTokenFile(state);
  if (readIfThere(tokenFile) === undefined) writePrivateFile(tokenFile, `${randomBytes(24).toString("base64url")}\n`);
  const { fingerprint } = openAuthority(state);
  const accounts = await listAccounts(store.db);
  if (accounts.some(({ role, hasPassword }) => role === "admin" && hasPassword)) return { made, fingerprint };
  const known = accounts.find(({ name }) => name === FIRST_ADMINISTRATOR);
  const invitation =
    known === undefined
      ? await addAccount(store.db, { name: FIRST_ADMINISTRATOR, role: "admin" }, nowMs)
      : await invite(store.db, known, nowMs);
  await audit(store.db, { actor: "cli", action: "bridge.init", target: FIRST_ADMINISTRATOR }, nowMs);
  return { made, fingerprint, invitation };
}

export function metricsTokenFile(state: string): string {
  return join(state, "trust", "metrics.token");
}
