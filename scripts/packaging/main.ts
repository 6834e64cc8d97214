import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { binariesIn } from "./binaries.ts";
import { PackagingFault, run, say } from "./commands.ts";
import { buildDebian, DEBIAN_DEPENDENCIES, type PackageFacts } from "./debian-package.ts";
import { ARCHES, type Arch, NODE_ARCH } from "./fetched.ts";
import { layOut, normalise, writeUnits } from "./lay-out.ts";
import { packagesFor } from "./lock-file.ts";
import nodeBuilds from "./node-builds.json" with { type: "json" };
import { billOfMaterials } from "./sbom.ts";
import { partsOf, sizeTable } from "./sizes.ts";

const ROOT = resolve(import.meta.dirname, "..", "..");
const EXIT_USAGE = 64;

interface Wanted extends PackageFacts {
  readonly arch: Arch;
}

interface Made {
  readonly arch: Arch;
  readonly files: readonly string[];
}

try {
  main();
} catch (error) {
  const isUsage = error instanceof Error && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
  if (!isUsage && !(error instanceof PackagingFault)) throw error;
  const hint = error instanceof PackagingFault ? error.hint : "scripts/package --help explains it.";
  process.stderr.write(`package: ${error instanceof Error ? error.message : ""}\nHint: ${hint}\n`);
  process.exitCode = isUsage ? EXIT_USAGE : 1;
}

function main(): void {
  const { values } = parseArgs({
    options: {
      arch: { type: "string", default: process.arch === "arm64" ? "arm64" : "amd64" },
      out: { type: "string", default: "dist" },
      version: { type: "string", default: versionOf("package.json") },
      verify: { type: "boolean", default: false },
      level: { type: "string", default: "6" },
    },
  });
  const arches = values.arch === "all" ? ARCHES : ARCHES.filter((arch) => arch === values.arch);
  if (arches.length === 0) throw new PackagingFault(`no processor is called ${values.arch}`, "amd64, arm64 or all.");
  if (!/^\d[A-Za-z0-9.+~]*$/.test(values.version)) {
    throw new PackagingFault(`${values.version} is no version`, "Digits first, then letters, digits and . + ~");
  }
  const level = Number(values.level);
  if (!/^[0-9]$/.test(values.level)) throw new PackagingFault(`${values.level} is no level of xz`, "0 (quick) to 9.");
  const out = resolve(values.out);
  mkdirSync(out, { recursive: true });
  const epochS = Number(
    process.env["SOURCE_DATE_EPOCH"] ?? run(["git", "log", "-1", "--format=%ct"], { cwd: ROOT }).trim(),
  );
  const made = arches.map((arch) => make({ arch, version: values.version, epochS, level }, out));
  if (values.verify) {
    for (const { arch, files } of made) verify({ arch, version: values.version, epochS, level }, files, out);
  }
  const names = made.flatMap(({ files }) => files).sort();
  writeFileSync(join(out, "SHA256SUMS"), names.map((name) => `${sha256(join(out, name))}  ${name}\n`).join(""));
  say(`done: ${out}`);
}

function make(wanted: Wanted, out: string): Made {
  const { arch, version, epochS, level } = wanted;
  const name = `shao-${version}-linux-${arch}`;
  const work = mkdtempSync(join(out, ".making-"));
  try {
    const program = join(work, name);
    say(`${arch}: laying out`);
    layOut(ROOT, arch, program, (dist) => existsSync(join(dist, "index.html")));
    const { own, foreign } = binariesIn(program, arch);
    if (own === 0 || foreign.length > 0) {
      throw new PackagingFault(
        `${own} binaries are for ${arch}, and these are not: ${foreign.join(", ") || "none"}`,
        "scripts/prune-platform.ts and scripts/packaging/lock-file.ts say what belongs to a processor.",
      );
    }
    say(`${arch}: ${own} binaries, all for this processor`);
    writeUnits(ROOT, join(program, "systemd"), "/opt/shao/scripts/shao");
    const bom = `${JSON.stringify(bomOf(arch, version, epochS), undefined, 1)}\n`;
    writeFileSync(join(program, "sbom.cdx.json"), bom);
    const parts = partsOf(program);
    normalise(program, epochS);
    const archive = `${name}.tar.xz`;
    say(`${arch}: ${archive}`);
    run([
      "tar",
      "--create",
      `--file=${join(work, archive)}`,
      `--use-compress-program=xz -${level} -T2`,
      "--sort=name",
      "--format=gnu",
      `--mtime=@${epochS}`,
      "--owner=0",
      "--group=0",
      "--numeric-owner",
      `--directory=${work}`,
      name,
    ]);
    const deb = `shao_${version}_${arch}.deb`;
    say(`${arch}: ${deb}`);
    buildDebian(ROOT, program, { folder: join(work, "deb"), file: join(work, deb) }, wanted);
    const list = `${name}.cdx.json`;
    writeFileSync(join(work, list), bom);
    const files = [archive, deb, list];
    for (const file of files) renameSync(join(work, file), join(out, file));
    const packed = Object.fromEntries(files.map((file) => [file, statSync(join(out, file)).size]));
    const unpacked = parts.reduce((sum, { bytes }) => sum + bytes, 0);
    process.stderr.write(`${sizeTable(parts)}\n`);
    process.stdout.write(`${JSON.stringify({ arch, version, packedBytes: packed, unpackedBytes: unpacked, parts })}\n`);
    return { arch, files };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** @throws PackagingFault when the second making has other bytes */
function verify(wanted: Wanted, files: readonly string[], out: string): void {
  const { arch } = wanted;
  const again = mkdtempSync(join(out, ".again-"));
  try {
    say(`${arch}: once more, to compare`);
    make(wanted, again);
    const other = files.filter((name) => sha256(join(out, name)) !== sha256(join(again, name)));
    if (other.length > 0) {
      throw new PackagingFault(`${other.join(", ")}: two runs made other bytes`, "Compare both with diffoscope.");
    }
    say(`${arch}: ${files.length} files, the same bytes twice`);
  } finally {
    rmSync(again, { recursive: true, force: true });
  }
}

function bomOf(arch: Arch, version: string, epochS: number) {
  const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  const { package: name, integrity } = nodeBuilds[arch];
  return billOfMaterials({
    version,
    arch,
    epochS,
    packages: packagesFor(ROOT, NODE_ARCH[arch]),
    direct: Object.keys(manifest.dependencies).sort(),
    node: { version: nodeBuilds.version, name, integrity },
    debian: DEBIAN_DEPENDENCIES,
  });
}

function versionOf(file: string): string {
  return (JSON.parse(readFileSync(join(ROOT, file), "utf8")) as { readonly version: string }).version;
}

function sha256(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
