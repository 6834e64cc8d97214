import { createHash } from "node:crypto";
import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import process from "node:process";
import Database from "better-sqlite3";
import { Command } from "commander";
import { GatewayError } from "../gateway/contracts/gateway-error.ts";
import { bridgeConfig, DEFAULT_BRIDGE_CONFIG } from "./bridge-config.ts";
import { EXIT } from "./subcommand.ts";

const MANIFEST = "backup.json";
/** Of a bridge, beside its database: evidence, and what it is trusted by. */
const EVIDENCE_FOLDER = "blobs";
const TRUST_FOLDER = "trust";

interface Manifest {
  readonly of: "bridge" | "gateway";
  readonly madeAt: string;
  readonly hasKeys: boolean;
  readonly files: readonly { readonly path: string; readonly sizeBytes: number; readonly sha256: string }[];
}

/** `shao backup bridge|gateway|verify`: a copy of one moment, taken beside a running half, and proof that it is whole. */
export function command(): Command {
  const backup = new Command().addHelpText(
    "after",
    "\nTaken while the half runs. How to restore: docs/operations.md, Back up and restore.",
  );
  backup
    .command("bridge")
    .description("database and evidence of a bridge, of one moment; --with-keys adds its CA and keys")
    .requiredOption("--out <folder>", "a folder that is empty or not there yet")
    .option("--config <file>", "the bridge's config", DEFAULT_BRIDGE_CONFIG)
    .option("--with-keys", "also the CA and all private keys: whoever has them can pass for the bridge")
    .option("--verify", "read the copy back and prove it")
    .action(async (options: { out: string; config: string; withKeys?: true; verify?: true }) => {
      const config = await bridgeConfig(options.config);
      if (config === undefined) return;
      make("bridge", config.state, "bridge.sqlite", options.out, options.withKeys === true);
      if (options.verify === true) verify(options.out);
    });
  backup
    .command("gateway")
    .description("the journal of a gateway's `state` folder, of one moment")
    .argument("<state>", "the gateway's state folder")
    .requiredOption("--out <folder>", "a folder that is empty or not there yet")
    .option("--verify", "read the copy back and prove it")
    .action((state: string, options: { out: string; verify?: true }) => {
      make("gateway", state, "journal.sqlite", options.out, false);
      if (options.verify === true) verify(options.out);
    });
  backup
    .command("verify")
    .description("whether a backup is whole: every file's hash, and the database; exit 1 when it is not")
    .argument("<folder>", "the backup")
    .action((folder: string) => verify(folder));
  return backup;
}

function make(of: Manifest["of"], state: string, name: string, out: string, withKeys: boolean): void {
  const file = join(state, name);
  if (!existsSync(file)) throw nothingThere(`${name} in ${state}`, "Give the state folder of that half.");
  if (existsSync(out) && readdirSync(out).length > 0) {
    throw new GatewayError("BACKUP_TARGET", `${out} is not empty`, {
      hint: "Give a folder of its own to each backup.",
    });
  }
  mkdirSync(out, { recursive: true, mode: 0o700 });
  const source = new Database(file, { readonly: true, timeout: 10_000 });
  try {
    // One read transaction: the copy is of one moment, however much is written meanwhile.
    source.prepare("VACUUM INTO ?").run(join(out, name));
  } finally {
    source.close();
  }
  // After the database: every file that it names was there before it.
  if (of === "bridge") copyFolder(join(state, EVIDENCE_FOLDER), join(out, EVIDENCE_FOLDER));
  if (withKeys) {
    copyFolder(join(state, TRUST_FOLDER), join(out, TRUST_FOLDER));
    process.stderr.write(
      "This backup holds the bridge's private keys: whoever reads it can pass for the bridge. Keep it locked away.\n",
    );
  } else if (of === "bridge") {
    process.stderr.write(
      `Without CA and keys: keep ${join(state, TRUST_FOLDER)} elsewhere, or every node must be paired anew (--with-keys).\n`,
    );
  }
  const files = filesUnder(out).map((path) => ({ path, ...factsOf(join(out, path)) }));
  const manifest: Manifest = { of, madeAt: new Date().toISOString(), hasKeys: withKeys, files };
  writeFileSync(join(out, MANIFEST), `${JSON.stringify(manifest, undefined, 2)}\n`, { mode: 0o600 });
  for (const path of [...files.map((one) => one.path), MANIFEST]) sync(join(out, path));
  sync(out);
  process.stdout.write(
    `${JSON.stringify({ of, out, files: files.length, sizeBytes: sum(files), hasKeys: withKeys })}\n`,
  );
}

function verify(folder: string): void {
  const file = join(folder, MANIFEST);
  if (!existsSync(file)) throw nothingThere(`${MANIFEST} in ${folder}`, "Give the folder of a backup.");
  // Written by `make`; a damaged one fails at the first missing member.
  const manifest = JSON.parse(readFileSync(file, "utf8")) as Manifest;
  const faults: string[] = [];
  for (const { path, sizeBytes, sha256 } of manifest.files) {
    const whole = join(folder, path);
    if (!existsSync(whole)) faults.push(`${path} is missing`);
    else {
      const found = factsOf(whole);
      if (found.sizeBytes !== sizeBytes || found.sha256 !== sha256) faults.push(`${path} is not what was backed up`);
    }
  }
  const database = manifest.files.find(({ path }) => path.endsWith(".sqlite"))?.path;
  if (database === undefined) faults.push("there is no database in it");
  else if (existsSync(join(folder, database))) faults.push(...databaseFaults(join(folder, database)));
  for (const fault of faults) process.stdout.write(`${JSON.stringify({ code: "BACKUP_BROKEN", message: fault })}\n`);
  process.stderr.write(faults.length === 0 ? `${folder}: whole\n` : `${folder}: ${faults.length} faults\n`);
  if (faults.length > 0) process.exitCode = EXIT.fault;
}

function databaseFaults(file: string): string[] {
  try {
    const db = new Database(file, { readonly: true });
    try {
      const lines = db.pragma("integrity_check") as { integrity_check: string }[];
      return lines.map(({ integrity_check }) => integrity_check).filter((line) => line !== "ok");
    } finally {
      db.close();
    }
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

function copyFolder(from: string, to: string): void {
  if (!existsSync(from)) return;
  for (const path of filesUnder(from)) {
    const target = join(to, path);
    mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
    // A part file of an upload, or evidence past its term, may go meanwhile.
    if (existsSync(join(from, path))) copyFileSync(join(from, path), target);
  }
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .sort();
}

function factsOf(file: string) {
  return {
    sizeBytes: statSync(file).size,
    sha256: createHash("sha256").update(readFileSync(file)).digest("hex"),
  };
}

function sum(files: readonly { readonly sizeBytes: number }[]): number {
  return files.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
}

function sync(path: string): void {
  const handle = openSync(path, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function nothingThere(what: string, hint: string): GatewayError {
  return new GatewayError("BACKUP_SOURCE", `there is no ${what}`, { hint });
}
