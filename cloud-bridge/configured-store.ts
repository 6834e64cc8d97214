import type { BridgeDocument } from "./config-schema.ts";
import { type Db, type OpenStore, openReader, openStore, type Store } from "./store/database.ts";
import type { PostgresAddress } from "./store/postgres-connection.ts";

const DEFAULT_PORT = 5432;
const DEFAULT_CONNECTIONS = 8;

/** Where the config's PostgreSQL is; undefined for SQLite. */
export function postgresOf({ store }: Pick<BridgeDocument, "store">): PostgresAddress | undefined {
  if (store === "sqlite") return undefined;
  const { postgres } = store;
  if (typeof postgres !== "string") return postgres;
  const { hostname, port, username, pathname } = new URL(postgres);
  return {
    host: hostname.replace(/^\[(.*)\]$/u, "$1"),
    port: port === "" ? DEFAULT_PORT : Number(port),
    database: decodeURIComponent(pathname.slice(1)),
    user: username === "" ? "shao" : decodeURIComponent(username),
    maxConnections: DEFAULT_CONNECTIONS,
  };
}

/** Opens (or makes) the database that the config names; the bridge and its command line share it. */
export async function openConfiguredStore(
  config: Pick<BridgeDocument, "store" | "state">,
  options: Omit<OpenStore, "state">,
): Promise<Store> {
  const address = postgresOf(config);
  if (address === undefined) return openStore({ state: config.state, ...options });
  const { openPostgresStore } = await import("./store/postgres-store.ts");
  return openPostgresStore({ address, ...options });
}

/** Opens the database that the config names for questions only; it must be there. */
export async function openConfiguredReader(
  config: Pick<BridgeDocument, "store" | "state">,
): Promise<{ readonly db: Db }> {
  const address = postgresOf(config);
  if (address === undefined) return { db: openReader(config.state) };
  const { openPostgresReader } = await import("./store/postgres-store.ts");
  return { db: await openPostgresReader(address) };
}
