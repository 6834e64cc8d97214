import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { counted, filesUnder, ROOT } from "./source-tree.ts";

const ROOMS = [
  "store",
  "fleet",
  "roster",
  "alarms",
  "evidence",
  "cases",
  "dispatch",
  "analysis",
  "ingest",
  "broker",
  "api",
];

/** `importer → imported`, as a reader of DESIGN §2 would say it. */
const REFUSED: readonly (readonly [string, string])[] = [
  ["protocol/a.ts", "node:fs"],
  ["protocol/a.ts", "node:net"],
  ["protocol/a.ts", "pino"],
  ["protocol/a.ts", "../drivers/driver.ts"],
  ["protocol/a.ts", "../gateway/main.ts"],
  ["protocol/document/a.ts", "../../cloud-bridge/store/schema.ts"],
  ["protocol/document/a.ts", "node:fs/promises"],
  ["drivers/driver.ts", "../gateway/contracts/readings.ts"],
  ["drivers/registry.ts", "../cloud-bridge/main.ts"],
  ["drivers/gps-nmea/a.ts", "../modbus-noise/decode.ts"],
  ["drivers/gps-nmea/a.ts", "../registry.ts"],
  ["drivers/gps-nmea/a.ts", "../../gateway/contracts/readings.ts"],
  ["drivers/gps-nmea/profiles/a.ts", "../../modbus-noise/decode.ts"],
  ["drivers/bus/a.ts", "../modbus-noise/decode.ts"],
  ["drivers/bus/a.ts", "../../gateway/supervisor/supervisor.ts"],
  ["gateway/uplink/a.ts", "../journal/open-journal.ts"],
  ["gateway/uplink/a.ts", "../main.ts"],
  ["gateway/uplink/a.ts", "../../drivers/registry.ts"],
  ["gateway/uplink/a.ts", "../../cloud-bridge/store/schema.ts"],
  ["gateway/pipeline/deep/a.ts", "../../journal/open-journal.ts"],
  ["gateway/contracts/a.ts", "../uplink/uplink.ts"],
  ["gateway/main.ts", "../cloud-bridge/main.ts"],
  ["gateway/main.ts", "../cli/main.ts"],
  ["cloud-bridge/main.ts", "../gateway/main.ts"],
  ["cloud-bridge/main.ts", "../drivers/driver.ts"],
  ...ROOMS.flatMap((room, index): [string, string][] => {
    const right = ROOMS[index + 1];
    const inner: [string, string][] = [
      [`cloud-bridge/${room}/a.ts`, "../../gateway/main.ts"],
      [`cloud-bridge/${room}/a.ts`, "../../drivers/driver.ts"],
      [`cloud-bridge/${room}/a.ts`, "../main.ts"],
      [`cloud-bridge/${room}/a.ts`, "../console/src/app.ts"],
      [`cloud-bridge/${room}/deep/a.ts`, "../../../cli/main.ts"],
    ];
    if (right !== undefined) {
      inner.push([`cloud-bridge/${room}/a.ts`, `../${right}/b.ts`]);
      inner.push([`cloud-bridge/${room}/deep/a.ts`, `../../${right}/b.ts`]);
    }
    return inner;
  }),
  ["cloud-bridge/console/src/a.ts", "../../store/schema.ts"],
  ["cloud-bridge/console/src/a.ts", "../../api/server.ts"],
  ["cloud-bridge/console/src/a.ts", "node:fs"],
  ["cloud-bridge/console/src/pages/a.ts", "../../../cases/machine.ts"],
  ["cloud-bridge/console/src/pages/a.ts", "../../../../gateway/main.ts"],
  ["cli/a.ts", "../test/repo/source-tree.ts"],
  ["cli/a.ts", "../bench/latency.ts"],
  ["cli/sim/a.ts", "../../test/fakes/clock.ts"],
  ["bench/a.ts", "../test/fakes/clock.ts"],
];

const WELCOME: readonly (readonly [string, string])[] = [
  ["protocol/a.ts", "./ids.ts"],
  ["protocol/a.ts", "typebox"],
  ["protocol/a.ts", "typebox/value"],
  ["protocol/a.ts", "node:zlib"],
  ["protocol/document/a.ts", "../ids.ts"],
  ["drivers/gps-nmea/a.ts", "./decode.ts"],
  ["drivers/gps-nmea/a.ts", "../driver.ts"],
  ["drivers/gps-nmea/a.ts", "../serial/lines.ts"],
  ["drivers/gps-nmea/a.ts", "../../protocol/noise.ts"],
  ["drivers/gps-nmea/profiles/a.ts", "../decode.ts"],
  ["drivers/registry.ts", "./gps-nmea/driver.ts"],
  ["gateway/uplink/a.ts", "./sender.ts"],
  ["gateway/uplink/a.ts", "../contracts/journal.ts"],
  ["gateway/uplink/a.ts", "../../drivers/errors.ts"],
  ["gateway/uplink/a.ts", "../../protocol/envelope.ts"],
  ["gateway/pipeline/deep/a.ts", "../window.ts"],
  ["gateway/main.ts", "./journal/open-journal.ts"],
  ["gateway/main.ts", "../drivers/registry.ts"],
  ["cloud-bridge/api/a.ts", "../store/schema.ts"],
  ["cloud-bridge/cases/deep/a.ts", "../../alarms/reducer.ts"],
  ["cloud-bridge/main.ts", "./api/server.ts"],
  ["cloud-bridge/console/src/a.ts", "../../api/schema/desk.ts"],
  ["cloud-bridge/console/src/pages/a.ts", "../../../../protocol/noise.ts"],
  ["cli/a.ts", "../cloud-bridge/main.ts"],
  ["bench/a.ts", "../cli/sim/city.ts"],
];

let folder = "";
const verdicts = new Map<string, boolean>();

/** One file per pair, so that a verdict names exactly one import; the folder is the importer's, as the rules go by it. */
function place(importer: string, index: number): string {
  const name = importer.split("/").pop() ?? "";
  return name === "a.ts" ? join(dirname(importer), `case-${index}.ts`) : importer;
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "shao-imports-"));
  for (const file of ["biome.json", "biome.imports.json", ".gitignore"]) cpSync(join(ROOT, file), join(folder, file));
  const imports = new Map<string, string[]>();
  [...REFUSED, ...WELCOME].forEach(([importer, imported], index) => {
    const path = place(importer, index);
    imports.set(path, [...(imports.get(path) ?? []), imported]);
  });
  for (const [path, sources] of imports) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), sources.map((source) => `import type {} from "${source}";\n`).join(""));
  }
  const biome = join(ROOT, "node_modules/.bin/biome");
  const run = spawnSync(
    biome,
    ["lint", "--only=style/noRestrictedImports", "--reporter=json", "--max-diagnostics=none", "."],
    { cwd: folder, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 },
  );
  const output = JSON.parse(run.stdout) as { diagnostics: { location: { path: string; start: { line: number } } }[] };
  const flagged = new Set(output.diagnostics.map(({ location }) => `${location.path}:${location.start.line}`));
  for (const [path, sources] of imports) {
    sources.forEach((source, line) => {
      verdicts.set(`${path} → ${source}`, flagged.has(`${path}:${line + 1}`));
    });
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("each forbidden import turns the lint red", () => {
  const passed = REFUSED.filter(([importer, imported], index) => {
    return verdicts.get(`${place(importer, index)} → ${imported}`) !== true;
  });
  expect(passed.map((pair) => pair.join(" → "))).toEqual([]);
});

test("what the rooms may import stays green", () => {
  const refused = WELCOME.filter(([importer, imported], index) => {
    return verdicts.get(`${place(importer, REFUSED.length + index)} → ${imported}`) !== false;
  });
  expect(refused.map((pair) => pair.join(" → "))).toEqual([]);
});

test("every room of the bridge has its rule", () => {
  const folders = readdirSync(join(ROOT, "cloud-bridge"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== "console")
    .map((entry) => entry.name);
  expect(folders.filter((name) => !ROOMS.includes(name))).toEqual([]);
});

test("the console takes only types from outside of its folder", () => {
  const files = filesUnder(["cloud-bridge/console/src"], [".ts", ".tsx"]);
  if (existsSync(join(ROOT, "cloud-bridge/console/src"))) counted("imports of the console", files);
  const values = files.flatMap(({ path, text }) => {
    const depth = path.split("/").length - "cloud-bridge/console/x".split("/").length;
    const outside = `${"../".repeat(depth + 1)}`;
    return [...text.matchAll(/^(?:import|export)\s([^;]*?)from\s+"([^"]+)"/gms)]
      .filter(([, names = "", source = ""]) => source.startsWith(outside) && !names.startsWith("type "))
      .map(([, , source]) => `${path} → ${source}`);
  });
  expect(values).toEqual([]);
});
