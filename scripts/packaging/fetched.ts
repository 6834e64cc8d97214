import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { PackagingFault, run, say } from "./commands.ts";
import { packagesFor, productionPackages } from "./lock-file.ts";
import nodeBuilds from "./node-builds.json" with { type: "json" };

export type Arch = "amd64" | "arm64";
export const ARCHES: readonly Arch[] = ["amd64", "arm64"];
/** Node's names of Debian's processors. */
export const NODE_ARCH = { amd64: "x64", arm64: "arm64" } as const;

const OFFLINE_HINT =
  "The first run needs npm's registry; what was fetched is kept in .cache/package for the next ones.";

/** The folder with Node's build for a processor, `bin/node` and `LICENSE` in it, checked against the pinned hash. */
export function fetchNode(root: string, arch: Arch): string {
  const { package: name, integrity } = nodeBuilds[arch];
  return fetchPackage(root, name, nodeBuilds.version, integrity);
}

/** The content of one package, unpacked; from the cache when it was fetched before. */
function fetchPackage(root: string, name: string, version: string, integrity: string): string {
  const cache = join(root, ".cache", "package");
  const folder = join(cache, `${name.replace("/", "+")}-${version}`);
  if (existsSync(folder)) return folder;
  say(`${name} ${version} from npm's registry`);
  mkdirSync(cache, { recursive: true });
  const packed = run(["npm", "pack", `${name}@${version}`, "--json", "--pack-destination", cache], {
    hint: OFFLINE_HINT,
  });
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
  const file = join(cache, filename.replace("/", "-").replace("@", ""));
  const found = `sha512-${createHash("sha512").update(readFileSync(file)).digest("base64")}`;
  if (found !== integrity) {
    rmSync(file);
    throw new PackagingFault(
      `${name} ${version} has the hash ${found}, pinned is ${integrity}`,
      "Do not ship it. If the version was changed on purpose, change scripts/packaging/node-builds.json with it.",
    );
  }
  const partial = `${folder}.${process.pid}`;
  mkdirSync(partial);
  run(["tar", "-xzf", file, "-C", partial, "--strip-components=1", "--no-same-owner"]);
  rmSync(file);
  renameSync(partial, folder);
  return folder;
}

/** `node_modules` with what runs on that processor and nothing else; npm checks each package against the lock file. */
export function fetchModules(root: string, arch: Arch): string {
  const wanted = new Set(packagesFor(root, NODE_ARCH[arch]).map(({ path }) => path));
  const joiner = join(root, "scripts", "join-typebox.ts");
  const content = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .update(readFileSync(joiner))
    .update([...wanted].join("\n"))
    .digest("hex");
  const folder = join(root, ".cache", "package", `modules-${arch}-${content.slice(0, 16)}`);
  if (existsSync(folder)) return join(folder, "node_modules");
  say("production packages by npm ci");
  const partial = `${folder}.${process.pid}`;
  mkdirSync(partial, { recursive: true });
  for (const name of ["package.json", "package-lock.json", ".npmrc"]) cpSync(join(root, name), join(partial, name));
  run(
    [
      "npm",
      "ci",
      "--omit=dev",
      "--ignore-scripts",
      "--prefer-offline",
      "--os=linux",
      `--cpu=${NODE_ARCH[arch]}`,
      "--libc=glibc",
      "--loglevel=error",
    ],
    { cwd: partial, env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip" }, hint: OFFLINE_HINT },
  );
  // An older npm does not know these options and installs for itself.
  for (const { path, name, version, integrity } of productionPackages(root)) {
    const place = join(partial, path);
    if (!wanted.has(path)) rmSync(place, { recursive: true, force: true });
    else if (!existsSync(place) && integrity !== undefined) {
      cpSync(fetchPackage(root, name, version, integrity), place, { recursive: true });
    }
  }
  run([process.execPath, joiner, join(partial, "node_modules"), "--alone"]);
  renameSync(partial, folder);
  return join(folder, "node_modules");
}
