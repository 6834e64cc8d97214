import { readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { readText, withValue } from "../../../cloud-bridge/console/src/config-form/document-text.ts";
import {
  type FormField,
  formOf,
  type SchemaNode,
  titlesOf,
  writtenValue,
} from "../../../cloud-bridge/console/src/config-form/form-fields.ts";
import { checkConfig } from "../../../cloud-bridge/fleet/config-document.ts";

const SCHEMA = JSON.parse(
  readFileSync(new URL("../../../config/schema/gateway.schema.json", import.meta.url), "utf8"),
) as SchemaNode;

const TEXT = `# By the installer.
node: site-042
site: { name: Block 7, timeZone: Asia/Shanghai } # the fence, north side
bridge: { url: "mqtts://bridge.example:8883" }
state: ./state
buses:
  rs485: { serial: /dev/ttyS1, baudRate: 9600 }
  far: { tcp: "10.0.0.7:502", framing: tcp }
devices:
  noise-01:
    driver: modbus-noise # replaced in May
    bus: rs485
    unit: 1
  gate: { driver: hj212, listen: "127.0.0.1:9000", stations: { "010000A8900016F000169DC0": { name: gate, password: "***" } } }
rules:
  night: { kind: trigger, device: noise-01, limitDb: 70 }
`;

const fieldAt = (text: string, path: string): FormField | undefined =>
  formOf(SCHEMA, readText(text))
    .flatMap(({ fields }) => fields)
    .find((field) => field.path.join(".") === path);

test("each bus, device and rule has the fields of its own kind, with what is written and what holds else", () => {
  const parts = formOf(SCHEMA, readText(TEXT));
  expect(parts.map(({ path, title }) => `${path.join(".")}: ${title}`)).toEqual([
    "site: Site",
    "buses.rs485: Bus on a serial port",
    "buses.far: Bus over TCP",
    "devices.noise-01: Noise meter on Modbus",
    "devices.gate: HJ 212 stations",
    "rules.night: Trigger",
    "levelWatch: Watch over levels",
    "position: Positions",
    "time: Time",
    "retention: Retention",
  ]);
  expect(fieldAt(TEXT, "devices.noise-01.unit")).toMatchObject({ kind: "number", value: 1, fallback: 1 });
  expect(fieldAt(TEXT, "devices.noise-01.bus")).toMatchObject({ kind: "choice", options: ["rs485", "far"] });
  expect(fieldAt(TEXT, "devices.noise-01.profile")).toMatchObject({ kind: "choice", fallback: "sonbest-sm7901b" });
  expect(fieldAt(TEXT, "rules.night.device")).toMatchObject({ options: ["noise-01", "gate"], isRequired: true });
  expect(fieldAt(TEXT, "site.name")).toMatchObject({ isRequired: true });
  expect(fieldAt(TEXT.replace(/site: \{.*\n/u, ""), "site.name")).toMatchObject({ isRequired: false });
  expect(fieldAt(TEXT, "buses.rs485.stopBits")).toMatchObject({ options: [1, 2] });
  expect(fieldAt(TEXT, "devices.noise-01.enabled")).toMatchObject({ kind: "switch", fallback: true });
  // Which driver and which kind of rule it is, is no value of it; who the box is, only somebody there may change.
  for (const path of ["devices.noise-01.driver", "rules.night.kind", "node", "state", "bridge.url"])
    expect(fieldAt(TEXT, path), path).toBeUndefined();
  expect(formOf(SCHEMA, "no document at all")).not.toBeUndefined();
});

test("a value is changed, added and taken out, and everything else stays as it was written", () => {
  const lower = withValue(TEXT, ["rules", "night", "limitDb"], 66);
  expect(lower).toBe(TEXT.replace("limitDb: 70", "limitDb: 66"));
  const faster = withValue(lower, ["devices", "noise-01", "periodMs"], 500);
  expect(faster).toContain("    unit: 1\n    periodMs: 500\n");
  expect(faster).toContain("driver: modbus-noise # replaced in May");
  expect(faster).toContain("# the fence, north side");
  expect(withValue(faster, ["devices", "noise-01", "periodMs"], undefined)).toBe(lower);
  expect(withValue(TEXT, ["rules", "night", "limitDb"], 70)).toBe(TEXT);
  expect(readText(withValue(TEXT, ["levelWatch", "stuckAfterS"], 240))).toMatchObject({
    levelWatch: { stuckAfterS: 240 },
  });
});

test("what is written becomes what the schema means; what is no number is left for the check", () => {
  expect(writtenValue("number", " 66.5 ")).toBe(66.5);
  expect(writtenValue("number", "loud")).toBe("loud");
  expect(writtenValue("switch", "false")).toBe(false);
  expect(writtenValue("choice", "2", [1, 2])).toBe(2);
  expect(writtenValue("text", "")).toBeUndefined();
});

test("faults of the bridge's checker name their field", () => {
  const wrong = withValue(withValue(TEXT, ["rules", "night", "limitDb"], "loud"), ["devices", "noise-01", "unit"], 300);
  const { faults } = checkConfig(wrong, "site-042");
  const paths = faults.map(({ path }) => path);
  expect(paths).toEqual(["devices.noise-01.unit", "rules.night.limitDb"]);
  for (const path of paths) expect(fieldAt(wrong, path), path).toBeDefined();
});

test("every title that a form can show has its Chinese", async () => {
  vi.stubGlobal("localStorage", { getItem: () => null });
  const { zhCn } = await import("../../../cloud-bridge/console/src/text/packs/config-fields.ts");
  const shown = [...titlesOf(SCHEMA)];
  expect(shown.length).toBeGreaterThan(100);
  expect(shown.filter((title) => zhCn[title] === undefined)).toEqual([]);
  expect(Object.keys(zhCn).filter((title) => !shown.includes(title))).toEqual([]);
});
