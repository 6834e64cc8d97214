import { readFileSync, statSync } from "node:fs";
import { request as requestPlain } from "node:http";
import { request } from "node:https";
import { join } from "node:path";
import process from "node:process";
import { parse } from "yaml";

/**
 * The image's health check: `node scripts/health-check.ts [bridge|gateway --config F]`, by default what process 1 runs.
 * A bridge answers `/health`; a gateway, which need not listen anywhere, has written its journal within three minutes (it
 * notes its own health every minute). Exit 0 healthy, 1 not, with one sentence.
 */
const STALE_MS = 180_000;
const ANSWER_WITHIN_MS = 4_000;

const argv = process.argv.length > 2 ? process.argv.slice(2) : readFileSync("/proc/1/cmdline", "utf8").split("\0");
const half = argv.find((word) => word === "bridge" || word === "gateway");
const file = argv[argv.indexOf("--config") + 1];
if (half === undefined || file === undefined || !argv.includes("--config")) {
  verdict(true, "neither half runs here, nothing to check");
} else {
  const config = parse(readFileSync(file, "utf8")) as {
    state: string;
    insecureLoopback?: boolean;
    listen?: { host?: string; http?: number };
  };
  if (half === "gateway") checkJournal(config.state);
  else checkBridge(config.listen ?? {}, config.insecureLoopback === true);
}

function checkJournal(state: string): void {
  const writtenMs = Math.max(...["journal.sqlite", "journal.sqlite-wal"].map((name) => changedMs(join(state, name))));
  const ageMs = Date.now() - writtenMs;
  if (!Number.isFinite(ageMs)) verdict(false, `there is no journal in ${state}`);
  else verdict(ageMs < STALE_MS, `journal written ${Math.round(ageMs / 1000)} s ago`);
}

function changedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.NEGATIVE_INFINITY;
}

function checkBridge(listen: { host?: string; http?: number }, isPlain: boolean): void {
  const host = listen.host === undefined || ["0.0.0.0", "::"].includes(listen.host) ? "127.0.0.1" : listen.host;
  const options = { host, port: listen.http ?? 8443, path: "/health", timeout: ANSWER_WITHIN_MS };
  // The certificate is not looked at: this asks the process beside us whether it answers, and tells it nothing.
  const asked = isPlain ? requestPlain(options) : request({ ...options, rejectUnauthorized: false });
  asked.on("response", ({ statusCode = 0 }) => verdict(statusCode === 200, `/health answered ${statusCode}`));
  asked.on("timeout", () => asked.destroy(new Error(`no answer within ${ANSWER_WITHIN_MS} ms`)));
  asked.on("error", (error) => verdict(false, `/health: ${error.message}`));
  asked.end();
}

function verdict(isHealthy: boolean, sentence: string): never {
  process.stdout.write(`${sentence}\n`);
  process.exit(isHealthy ? 0 : 1);
}
