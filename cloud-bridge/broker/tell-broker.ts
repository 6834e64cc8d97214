import { readFileSync } from "node:fs";
import process from "node:process";
import type { Logger } from "../store/logger.ts";

const HINT = "Send the broker SIGHUP (`systemctl reload mosquitto`): it must read its certificates and the list anew.";

/** The broker must read its files anew: it is sent SIGHUP, or a person is told. */
export function tellBroker(
  pidFile: string | undefined,
  log: Logger,
  kill: (pid: number, signal: "SIGHUP") => unknown = process.kill,
): void {
  const code = "BROKER_FILES_CHANGED";
  if (pidFile === undefined) {
    log.warn({ code, hint: HINT }, "files of the broker have changed");
    return;
  }
  try {
    kill(pidIn(readFileSync(pidFile, "utf8")), "SIGHUP");
  } catch (error) {
    log.error({ code, pidFile, error: String(error), hint: HINT }, "the broker could not be told");
  }
}

/** A broker that is just starting leaves its file empty; 0 and what is below it would signal whole groups of processes. */
function pidIn(text: string): number {
  const pid = /^[1-9]\d*$/.test(text.trim()) ? Number(text) : 0;
  if (pid > 1) return pid;
  throw new Error("the file holds no process id");
}
