import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { gzipSync } from "node:zlib";
import { run } from "./commands.ts";
import { filesOf, normalise, writeUnits } from "./lay-out.ts";

/** All that a fresh Debian may lack. Perl, bash and util-linux are essential there. */
export const DEBIAN_DEPENDENCIES = [
  "libc6 (>= 2.28)",
  "libgcc-s1 (>= 4.2)",
  "libstdc++6 (>= 9)",
  "passwd",
  "init-system-helpers (>= 1.54)",
] as const;

export interface PackageFacts {
  readonly version: string;
  readonly arch: string;
  /** The date of every file. */
  readonly epochS: number;
  /** Of xz, 0 to 9. */
  readonly level: number;
}

const SCRIPTS = ["postinst", "prerm", "postrm"] as const;

/** Turns a laid-out program into a .deb; `program` is moved. */
export function buildDebian(
  root: string,
  program: string,
  into: { readonly folder: string; readonly file: string },
  facts: PackageFacts,
): void {
  const from = join(root, "scripts", "packaging", "debian");
  const { folder, file } = into;
  const lib = join(folder, "usr", "lib", "shao");
  const doc = join(folder, "usr", "share", "doc", "shao");
  for (const path of ["usr/lib", "usr/bin", "usr/share/lintian/overrides", "etc/default", "DEBIAN"]) {
    mkdirSync(join(folder, path), { recursive: true });
  }
  mkdirSync(doc, { recursive: true });
  renameSync(program, lib);
  renameSync(join(lib, "docs"), join(doc, "docs"));
  for (const name of ["README.md", "README.zh-CN.md"]) renameSync(join(lib, name), join(doc, name));
  rmSync(join(lib, "systemd"), { recursive: true, force: true });
  rmSync(join(lib, "LICENSE"));
  symlinkSync("../lib/shao/scripts/shao", join(folder, "usr", "bin", "shao"));
  symlinkSync("../../../lib/shao/config", join(doc, "examples"));
  writeFileSync(join(doc, "changelog.gz"), gzipped(join(lib, "CHANGELOG.md")));
  rmSync(join(lib, "CHANGELOG.md"));
  cpSync(join(from, "copyright"), join(doc, "copyright"));
  cpSync(join(from, "lintian-overrides"), join(folder, "usr/share/lintian/overrides/shao"));
  writeUnits(root, join(folder, "lib", "systemd", "system"), "/usr/lib/shao/scripts/shao");
  for (const half of ["gateway", "bridge"]) {
    cpSync(join(from, `default-${half}`), join(folder, "etc", "default", `shao-${half}`));
  }
  for (const name of [...SCRIPTS, "conffiles", "templates"]) cpSync(join(from, name), join(folder, "DEBIAN", name));
  const files = filesOf(folder).filter((path) => !path.startsWith("DEBIAN/"));
  const kilobytes = files.reduce((sum, path) => sum + Math.ceil(readFileSync(join(folder, path)).length / 1024), 0);
  const control = readFileSync(join(from, "control"), "utf8")
    .replace("@VERSION@", facts.version)
    .replace("@ARCH@", facts.arch)
    .replace("@INSTALLED_KB@", String(kilobytes))
    .replace("@DEPENDS@", DEBIAN_DEPENDENCIES.join(", "));
  writeFileSync(join(folder, "DEBIAN", "control"), control);
  normalise(folder, facts.epochS);
  writeFileSync(join(folder, "DEBIAN", "md5sums"), md5sums(folder, files));
  normalise(folder, facts.epochS);
  run(["dpkg-deb", "--root-owner-group", "--threads-max=2", "-Zxz", `-z${facts.level}`, "--build", folder, file], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(facts.epochS) },
  });
}

function md5sums(folder: string, files: readonly string[]): string {
  const listed = files.filter((path) => !path.startsWith("etc/"));
  return run(["md5sum", "--", ...listed], { cwd: folder });
}

/** Node writes no date and no name into it. */
function gzipped(path: string): Uint8Array {
  return gzipSync(readFileSync(path), { level: 9 });
}
