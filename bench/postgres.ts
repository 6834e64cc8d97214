import { execFileSync, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";
import { freePorts } from "../cli/sim/free-port.ts";
import type { PostgresAddress } from "../cloud-bridge/store/postgres-connection.ts";

const VERSIONS = "/usr/lib/postgresql";

export interface BenchPostgres extends AsyncDisposable {
  readonly address: PostgresAddress;
}

/** Debian's PostgreSQL with its own defaults, durable, on a port and in a folder of its own; undefined where there is none. */
export async function startPostgres(): Promise<BenchPostgres | undefined> {
  const newest = existsSync(VERSIONS) ? readdirSync(VERSIONS).sort((a, b) => Number(b) - Number(a))[0] : undefined;
  const programs = join(VERSIONS, newest ?? "", "bin");
  if (newest === undefined || !existsSync(join(programs, "initdb"))) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "shao-bench-pg-"));
  const isRoot = process.getuid?.() === 0;
  if (isRoot) {
    const [uid = 0, gid = 0] = ["-u", "-g"].map((which) => Number(execFileSync("id", [which, "postgres"])));
    chownSync(folder, uid, gid);
  }
  const run = (program: string, ...args: readonly string[]): void => {
    const path = join(programs, program);
    const [command, all] = isRoot ? ["runuser", ["-u", "postgres", "--", path, ...args]] : [path, args];
    const { status, stderr } = spawnSync(command, all, { stdio: ["ignore", "ignore", "pipe"], cwd: "/" });
    if (status !== 0) throw new Error(`${program}: ${stderr?.toString() ?? "not started"}`);
  };
  const [port = 0] = await freePorts(1);
  run("initdb", "-D", join(folder, "data"), "-A", "trust", "-U", "shao");
  const options = `-p ${port} -k ${folder} -c listen_addresses=127.0.0.1`;
  run("pg_ctl", "-D", join(folder, "data"), "-l", join(folder, "log"), "-o", options, "-w", "start");
  return {
    address: { host: "127.0.0.1", port, database: "postgres", user: "shao", maxConnections: 8 },
    async [Symbol.asyncDispose]() {
      const file = join(folder, "data", "postmaster.pid");
      process.kill(Number(readFileSync(file, "utf8").split("\n")[0]), "SIGINT");
      for (let tries = 0; tries < 200 && existsSync(file); tries += 1) await wait(50);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
