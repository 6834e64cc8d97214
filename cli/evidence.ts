import { closeSync, createWriteStream, existsSync, fstatSync, openSync, readSync } from "node:fs";
import process from "node:process";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Command } from "commander";
import { caseDetail } from "../cloud-bridge/dispatch/desk-views.ts";
import { BlobFiles } from "../cloud-bridge/evidence/blob-files.ts";
import type { ByteSource } from "../cloud-bridge/evidence/bundle-faults.ts";
import { verifyBundle } from "../cloud-bridge/evidence/bundle-verify.ts";
import { prepareBundle } from "../cloud-bridge/evidence/bundle-write.ts";
import { openAuthority } from "../cloud-bridge/fleet/authority.ts";
import { EXIT } from "./subcommand.ts";
import { UsageError, usable } from "./usage-error.ts";
import { withBridgeStore } from "./with-bridge-store.ts";

const AFTERWORD = `
A bundle is a tar archive: the record, the node's signed manifest and every stored file of a case or of one evidence, and the
certificates that vouch for the keys. It needs nothing else to be checked: no network, no bridge.

  shao evidence export 5c1f… --config bridge.yaml --out case.tar
  shao evidence verify case.tar --ca 3f9a0c…        the fingerprint that \`shao bridge init\` printed

verify prints one JSON object. "faults" name what is wrong: entry, bytes of the file, field. Exit 0: every bit is as it was
exported, signed by the node, and vouched for; 1: something is not.`;

/** `shao evidence export|verify`: proof for those who were not there. */
export function command(): Command {
  const evidence = new Command().addHelpText("after", AFTERWORD);
  evidence
    .command("export")
    .description("writes a bundle beside a bridge that may be running; says what is in it")
    .argument("<ID>", "id of a case, or of one evidence")
    .requiredOption("--config <F>", "the bridge's config")
    .requiredOption("--out <F>", "the bundle, which must not be there yet")
    .action((id: string, { config, out }: { config: string; out: string }, command: Command) =>
      usable(command, () => exportBundle(id, config, out)),
    );
  evidence
    .command("verify")
    .description("looks at every bit of a bundle, offline; exit 1 when anything is wrong")
    .argument("<BUNDLE>", "a bundle")
    .option("--ca <FINGERPRINT>", "of the bridge's CA (at least 16 hex): else compare the one that is printed by hand")
    .action((path: string, { ca }: { ca?: string }, command: Command) =>
      usable(command, async () => verifyFile(path, ca)),
    );
  return evidence;
}

async function exportBundle(id: string, config: string, out: string): Promise<void> {
  if (existsSync(out)) throw new UsageError(`${out} is there already, and an export overwrites nothing`);
  await withBridgeStore(config, async ({ config: { state }, store, nowMs }) => {
    const authority = openAuthority(state);
    const files = new BlobFiles(state);
    const { db, bridge } = store;
    const options = { db, bridge, files, authority, nowMs };
    const isCase = await db.selectFrom("cases").select("id").where("id", "=", id).executeTakeFirst();
    const prepared = await prepareBundle(
      id,
      isCase === undefined ? options : { ...options, caseFile: await caseDetail(db, id) },
    );
    await pipeline(Readable.from(prepared.bytes()), createWriteStream(out, { flags: "wx", mode: 0o600 }));
    const { evidence: contents } = prepared.bundle;
    print({ bundle: out, sizeBytes: prepared.sizeBytes, caFingerprint: authority.fingerprint, evidence: contents });
  });
}

function verifyFile(path: string, ca: string | undefined): void {
  if (ca !== undefined && !/^[0-9a-fA-F]{16,64}$/.test(ca)) {
    throw new UsageError("--ca wants 16 to 64 hexadecimal digits");
  }
  using source = fileSource(path);
  const verdict = verifyBundle(source, ca);
  print(verdict);
  for (const { code, message, region } of verdict.faults) {
    const where = region === undefined ? "" : ` (bytes ${region.from}–${region.to - 1} of the file)`;
    process.stderr.write(`${path}: ${message}${where} (${code})\n`);
  }
  if (verdict.ok) process.stderr.write(`${path}: whole, as exported\n`);
  else process.exitCode = EXIT.fault;
}

function fileSource(path: string): ByteSource & Disposable {
  const file = openToRead(path);
  const found = fstatSync(file);
  if (!found.isFile()) {
    closeSync(file);
    throw new UsageError(`${path} is not a file`);
  }
  return {
    sizeBytes: found.size,
    read(offset, length) {
      const bytes = Buffer.alloc(Math.max(0, length));
      return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, offset));
    },
    [Symbol.dispose]: () => closeSync(file),
  };
}

/** That there is no bundle to look at must not read as a bundle that is wrong. */
function openToRead(path: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : `${path} cannot be read`);
  }
}

function print(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
