import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import Database from "better-sqlite3";
import { GatewayError } from "../contracts/gateway-error.ts";

/**
 * One gateway per state directory. A tiny SQLite file held in an exclusive transaction: the kernel frees it with the
 * process, however that ends, so that no stale lock ever needs a hand.
 */
export function lockState(directory: string): Disposable {
  const db = new Database(join(directory, "gateway.lock"), { timeout: 0 });
  try {
    db.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!code.startsWith("SQLITE_BUSY")) throw error;
    throw new GatewayError("STATE_BUSY", `another gateway${holder(directory)} works in ${directory}`, {
      hint: "Stop the other gateway, or give each its own `state` directory: two on one would mix their records.",
      cause: error,
    });
  }
  try {
    writeFileSync(join(directory, "gateway.pid"), `${process.pid}\n`);
  } catch {
    // Only a help for the reader of STATE_BUSY; a full disk must not stop the start.
  }
  return { [Symbol.dispose]: () => db.close() };
}

function holder(directory: string): string {
  try {
    return ` (process ${readFileSync(join(directory, "gateway.pid"), "utf8").trim()})`;
  } catch {
    return "";
  }
}
