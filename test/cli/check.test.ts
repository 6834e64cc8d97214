import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

const root = new URL("../../", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "shao-check-"));
afterAll(() => rmSync(folder, { recursive: true }));

function check(...args: string[]) {
  return spawnSync(process.execPath, ["cli/shao.js", "check", ...args], { cwd: root, encoding: "utf8" });
}

test("the shipped configs are good, and the exit code says so", () => {
  expect(check("config/site.yaml", "config/vehicle.yaml", "config/centre.yaml", "config/bridge.yaml").status).toBe(0);
});

test("a fault is shown with its line and a caret, and the exit code is 78", () => {
  const file = join(folder, "site.yaml");
  writeFileSync(file, 'node: site-1\nbridge: { url: "mqtts://b:8883" }\nstate: ./s\ndevises: {}\n');
  const { status, stderr, stdout } = check(file);
  expect(status).toBe(78);
  expect(stdout).toBe("");
  expect(stderr).toContain(`${file}:4:1: unknown key "devises" [CONFIG_UNKNOWN_KEY]\n 4 | devises: {}\n   | ^\n`);
  expect(stderr).toContain("did you mean devices?");
});

test("a class that the model of this machine never sees is a fault of its rule; without the model nobody can tell", () => {
  const file = join(folder, "camera.yaml");
  const text = (model: string): string => `node: site-1
bridge: { url: "mqtts://b:8883" }
state: ./s
timeZone: Asia/Shanghai
cameras: { gate: { url: "rtsp://192.168.1.64/" } }
vision: { judge: { model: ${model} } }
rules:
  bed: { kind: violation, cameras: [gate], classes: [truck, truck/uncoverd] }
`;
  writeFileSync(file, text("site-watch"));
  const { status, stderr } = check(file);
  expect(status).toBe(78);
  expect(stderr).toContain(
    `${file}:8:61: rules.bed: the model site-watch never sees "truck/uncoverd" [CONFIG_REFERENCE]`,
  );
  expect(stderr).toContain("did you mean truck/uncovered?");
  writeFileSync(file, text("./no-such-model"));
  expect(check(file).status).toBe(0);
});

test("a password in the line that is shown is not, in words or in JSON", () => {
  const file = join(folder, "secret.yaml");
  const url = "postgres://shao:hunter2@db/x@127.0.0.1:5432/shao";
  const store = `store: { postgres: "${url}", passwd: hunter3 }`;
  writeFileSync(file, `listen: { host: 127.0.0.1, mqtt: 1, http: 2 }\nstate: ./s\ntimeZone: UTC\n${store}\n`);
  const { status, stderr } = check(file);
  expect(status).toBe(78);
  expect(stderr).toContain("postgres://shao:");
  const json = check(file, "--json").stdout;
  expect(json).toContain("CONFIG_");
  for (const said of [stderr, json]) for (const secret of ["hunter2", "hunter3"]) expect(said).not.toContain(secret);
});

test("--json gives one object a fault", () => {
  const file = join(folder, "bridge.yaml");
  writeFileSync(file, "listen: { host: 127.0.0.1, mqtt: a, http: 1 }\nstore: mysql\n");
  const lines = check(file, "--json").stdout.trim().split("\n");
  const faults = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(faults.map(({ half, line, code }) => `${half} ${line} ${code}`)).toEqual([
    "bridge 1 CONFIG_MISSING_KEY",
    "bridge 1 CONFIG_MISSING_KEY",
    "bridge 1 CONFIG_WRONG_TYPE",
    "bridge 2 CONFIG_WRONG_VALUE",
  ]);
});

test("a file that is not there is told, not thrown", () => {
  const { status, stderr } = check(join(folder, "absent.yaml"));
  expect(status).toBe(78);
  expect(stderr).toContain("ENOENT");
});
