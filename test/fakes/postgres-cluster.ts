import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import pg from "pg";
import { freePorts } from "../../cli/sim/free-port.ts";
import type { PostgresAddress } from "../../cloud-bridge/store/postgres-connection.ts";
import { openPostgresStore } from "../../cloud-bridge/store/postgres-store.ts";

const VERSIONS = "/usr/lib/postgresql";
const START_MS = 60_000;
const TEMPLATE = "shao_template";

function programs(): string | undefined {
  if (!existsSync(VERSIONS)) return undefined;
  const newest = readdirSync(VERSIONS).sort((a, b) => Number(b) - Number(a))[0];
  const folder = join(VERSIONS, newest ?? "", "bin");
  return newest !== undefined && existsSync(join(folder, "initdb")) ? folder : undefined;
}

/** What is missing, if anything: a loud skip here, a failure in CI. */
export function postgresMissing(): string | undefined {
  if (programs() !== undefined) return undefined;
  const reason = "PostgreSQL is missing: scripts/setup --test installs it";
  if (process.env["CI"] !== undefined) throw new Error(reason);
  return reason;
}

/** initdb and the server refuse to run as root. */
function asPostgres(program: string, ...args: readonly string[]): void {
  const path = join(programs() ?? "", program);
  const [command, all] = process.getuid?.() === 0 ? ["runuser", ["-u", "postgres", "--", path, ...args]] : [path, args];
  const { status, stderr } = spawnSync(command, all, { stdio: ["ignore", "ignore", "pipe"], cwd: "/" });
  if (status !== 0) throw new Error(`${program}: ${stderr?.toString() ?? "not started"}`);
}

/** Makes a cluster and starts it. */
export async function startCluster(folder: string): Promise<number> {
  if (process.getuid?.() === 0) {
    const [uid, gid] = ["-u", "-g"].map((which) => Number(execFileSync("id", [which, "postgres"])));
    chownSync(folder, uid ?? 0, gid ?? 0);
  }
  const [port = 0] = await freePorts(1);
  asPostgres("initdb", "-D", join(folder, "data"), "-A", "trust", "-U", "shao", "--no-sync");
  const options = `-p ${port} -k ${folder} -c listen_addresses=127.0.0.1 -c max_connections=200`;
  asPostgres("pg_ctl", "-D", join(folder, "data"), "-l", join(folder, "log"), "-o", options, "-w", "start");
  return port;
}

/** Ends the server by its process id, if one was started there. */
export async function stopCluster(folder: string): Promise<void> {
  const file = join(folder, "data", "postmaster.pid");
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, "utf8").split("\n")[0]);
  process.kill(pid, "SIGINT");
  for (let tries = 0; tries < 200 && existsSync(file); tries += 1) await wait(50);
}

/** Port of the cluster of this run of tests; whoever asks first starts it. */
async function sharedPort(): Promise<number> {
  const folder = process.env["SHAO_TEST_POSTGRES"];
  if (folder === undefined) throw new Error("no folder for PostgreSQL: vitest.config.ts names postgres-global.ts");
  const ready = join(folder, "port");
  try {
    mkdirSync(join(folder, "starting"));
  } catch {
    const untilMs = Date.now() + START_MS;
    while (!existsSync(ready)) {
      if (Date.now() > untilMs) throw new Error("another test did not get PostgreSQL started");
      await wait(50);
    }
    return Number(readFileSync(ready, "utf8"));
  }
  const port = await startCluster(folder);
  await makeTemplate({ host: "127.0.0.1", port, user: "shao", maxConnections: 2 });
  writeFileSync(ready, String(port));
  return port;
}

/** A database of this program's version, of which tests get copies. It has no id: each copy draws its own. */
async function makeTemplate(server: Omit<PostgresAddress, "database">): Promise<void> {
  const client = new pg.Client({ ...server, database: "postgres" });
  await client.connect();
  await client.query(`CREATE DATABASE ${TEMPLATE}`);
  await client.end();
  const store = await openPostgresStore({ address: { ...server, database: TEMPLATE }, nowMs: 0 });
  await store.db.deleteFrom("meta").execute();
  await store.close();
}

export interface TestDatabase {
  readonly address: PostgresAddress;
  /** Runs one statement beside everybody else. */
  query(text: string): Promise<readonly Record<string, unknown>[]>;
  drop(): Promise<void>;
}

/**
 * A database of its own in the shared cluster, with its tables unless it is to be empty.
 * @param port of another cluster, where there are no tables to copy
 */
export async function testDatabase({
  port,
  isEmpty = port !== undefined,
}: {
  port?: number;
  isEmpty?: boolean;
} = {}): Promise<TestDatabase> {
  const common = { host: "127.0.0.1", port: port ?? (await sharedPort()), user: "shao" };
  const database = `t_${randomBytes(6).toString("hex")}`;
  const run = async (where: string, text: string) => {
    const client = new pg.Client({ ...common, database: where });
    await client.connect();
    try {
      return (await client.query(text)).rows as Record<string, unknown>[];
    } finally {
      await client.end();
    }
  };
  await run("postgres", `CREATE DATABASE ${database}${isEmpty ? "" : ` TEMPLATE ${TEMPLATE}`}`);
  return {
    address: { ...common, database, maxConnections: 4 },
    query: (text) => run(database, text),
    drop: async () => void (await run("postgres", `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`)),
  };
}
