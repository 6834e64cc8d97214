import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { CAMERA_FAULT_RULES, FAULT_RULES, LEVEL_FAULT_RULES } from "../../cloud-bridge/alarms/faults.ts";
import { UNNAMED_LICENSES } from "../../scripts/packaging/lock-file.ts";
import { counted, filesUnder, ROOT } from "./source-tree.ts";

const pages = counted("documents", filesUnder(["."], [".md"]));
const decisions = counted(
  "decision records",
  pages.filter(({ path }) => path.startsWith("docs/adr/")),
);

const PERMISSIVE = new Set([
  "MIT",
  "ISC",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "0BSD",
  "BlueOak-1.0.0",
  "CC0-1.0",
  "(MIT OR CC0-1.0)",
]);
/** Sharp's libvips: a shared library in a file of its own, which anyone may replace (docs/dependencies.md). */
const LIBVIPS = /^node_modules\/@img\/sharp-/;
/** A build tool may also have a licence that binds its own files only: nothing of it is in what we ship. */
const FOR_BUILDING = new Set([...PERMISSIVE, "MIT OR Apache-2.0", "MPL-2.0"]);

test("a link in a document leads to a file that is there, and to a heading in it", () => {
  const broken = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"/g)]
      .map(([, link, source]) => link ?? source ?? "")
      .filter((link) => !/^(https?:|mailto:)/.test(link))
      .filter((link) => {
        const [file = "", anchor] = link.split("#");
        const target = file === "" ? join(ROOT, path) : join(ROOT, dirname(path), file);
        if (!existsSync(target)) return true;
        return (
          anchor !== undefined && target.endsWith(".md") && !anchorsOf(readFileSync(target, "utf8")).includes(anchor)
        );
      })
      .map((link) => `${path} → ${link}`),
  );
  expect(broken).toEqual([]);
});

test("a test or a source file that a document names is there", () => {
  const named = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/`((?:test|protocol|drivers|gateway|cloud-bridge|cli|config|scripts)\/[\w./-]+\.\w+)`/g)].map(
      ([, file = ""]) => ({ path, file }),
    ),
  );
  const gone = named.filter(
    ({ path, file }) => !existsSync(join(ROOT, file)) && !existsSync(join(ROOT, dirname(path), file)),
  );
  expect(gone).toEqual([]);
});

test("docs/operations.md explains every fault that the bridge or a node raises", () => {
  const page = readFileSync(join(ROOT, "docs/operations.md"), "utf8");
  const rows = [...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, rule]) => rule);
  expect([...rows].sort()).toEqual([...FAULT_RULES, ...LEVEL_FAULT_RULES, ...CAMERA_FAULT_RULES].sort());
});

test("the first config of each README is config/site.yaml", () => {
  const shipped: unknown = parse(readFileSync(join(ROOT, "config/site.yaml"), "utf8"));
  for (const readme of ["README.md", "README.zh-CN.md"]) {
    const [, block = ""] = /^```yaml\n(.*?)^```/ms.exec(readFileSync(join(ROOT, readme), "utf8")) ?? [];
    expect(parse(block), readme).toEqual(shipped);
  }
});

test("decision records are numbered without a gap and say objective, decision, is / is not, consequences", () => {
  const numbers = decisions.map(({ path }) => Number(basename(path).slice(0, 3)));
  expect(numbers).toEqual(numbers.map((_, index) => index));
  expect(
    decisions.filter(({ path }) => !/^\d{3}-[a-z0-9-]+\.md$/.test(basename(path))).map(({ path }) => path),
  ).toEqual([]);
  const marks = ["**Objective.**", "**Decision.**", "**Is.**", "**Is not.**", "**Consequences.**"];
  const hollow = decisions.filter(({ text }) => !marks.every((mark) => text.includes(mark)));
  expect(hollow.map(({ path }) => path)).toEqual([]);
});

test("every dependency is pinned and has its row in docs/dependencies.md, and no row outlives it", () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
    devDependencies: Record<string, string>;
  };
  const wanted = { ...manifest.dependencies, ...manifest.devDependencies };
  expect(Object.entries(wanted).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  const page = readFileSync(join(ROOT, "docs/dependencies.md"), "utf8");
  const rows = [...page.matchAll(/^\| `([^`]+)` \| ([\d.]+) \|/gm)].map(([, name, version]) => `${name} ${version}`);
  expect(rows.sort()).toEqual(
    Object.entries(wanted)
      .map(([name, version]) => `${name} ${version}`)
      .sort(),
  );
});

test("every package that the lock file names has a permissive licence", () => {
  const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as {
    packages: Record<string, { license?: string; dev?: boolean }>;
  };
  const packages = Object.entries(lock.packages).filter(([path]) => path !== "");
  counted("packages in the lock file", packages);
  const others = packages
    .filter(([path, { license }]) => !(LIBVIPS.test(path) && /\bLGPL-3\.0-or-later\b/.test(license ?? "")))
    .filter(
      ([path, { license, dev }]) => !(dev ? FOR_BUILDING : PERMISSIVE).has(license ?? UNNAMED_LICENSES.get(path) ?? ""),
    )
    .map(([path, { license }]) => `${path}: ${license ?? "none named"}`);
  expect(others).toEqual([]);
});

/** Headings as the forges turn them into anchors. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .trim()
      .replaceAll(" ", "-"),
  );
}
