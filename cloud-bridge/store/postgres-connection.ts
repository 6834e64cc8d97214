import { readFileSync } from "node:fs";
import type { ClientConfig } from "pg";
import { BridgeError } from "./errors.ts";

/** Where the database is, as the config says. A password comes from a file or the environment, never from the config. */
export interface PostgresAddress {
  /** A host name, an address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly passwordFile?: string;
  readonly passwordEnv?: string;
  /** PEM of the authority that signed the server's certificate; the system's where left out. */
  readonly caFile?: string;
  readonly maxConnections: number;
}

/** A process that stands still within a transaction holds locks that others wait for: it loses the transaction after this. */
const IDLE_IN_TRANSACTION_MS = 5_000;
const STATEMENT_MS = 60_000;
const CONNECT_MS = 5_000;
/** How long the server waits for the other end of a cable that is gone. */
const DEAD_PEER_MS = 5_000;

const INT8 = 20;
const NUMERIC = 1700;

/**
 * @param settings server settings of this connection, on top of those that every connection has
 * @throws BridgeError STORE_UNREADABLE when the password or the CA cannot be read
 */
export function clientConfig(
  address: PostgresAddress,
  name: string,
  settings: Readonly<Record<string, string | number>> = {},
): ClientConfig {
  const all = {
    // A receipt is the word that the records are on the server's disk.
    synchronous_commit: "on",
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    statement_timeout: STATEMENT_MS,
    tcp_keepalives_idle: 5,
    tcp_keepalives_interval: 2,
    tcp_keepalives_count: 3,
    tcp_user_timeout: DEAD_PEER_MS,
    ...settings,
  };
  const { host, port, database, user, passwordFile, passwordEnv, caFile } = address;
  const password = passwordFile !== undefined ? readSecret(passwordFile).trim() : process.env[passwordEnv ?? ""];
  const isNear = host.startsWith("/") || host === "localhost" || host === "::1" || /^127\./u.test(host);
  return {
    host,
    port,
    database,
    user,
    ...(password === undefined ? {} : { password }),
    ...(isNear && caFile === undefined
      ? {}
      : { ssl: { rejectUnauthorized: true, ...(caFile === undefined ? {} : { ca: readSecret(caFile) }) } }),
    application_name: name,
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
    options: Object.entries(all)
      .map(([key, value]) => `-c ${key}=${value}`)
      .join(" "),
    types: {
      // Every count and time of ours fits a double's 53 bits.
      getTypeParser: (oid: number, format?: string) =>
        format !== "binary" && (oid === INT8 || oid === NUMERIC) ? Number : defaultParser(oid, format),
    },
  } as ClientConfig;
}

let defaultParser: (oid: number, format?: string) => unknown = () => String;

/** Given by whoever loads the driver, which is not loaded where SQLite is the store. */
export function useParsersOf(types: { readonly getTypeParser: (oid: number, format?: string) => unknown }): void {
  defaultParser = (oid, format) => types.getTypeParser(oid, format);
}

function readSecret(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new BridgeError("STORE_UNREADABLE", `cannot read ${path}, which the store's settings name`, {
      status: 500,
      hint: "It must be a file that the bridge's user can read.",
      cause,
    });
  }
}
