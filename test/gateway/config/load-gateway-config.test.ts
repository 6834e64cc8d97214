import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { DRIVERS } from "../../../drivers/registry.ts";
import { checkGatewayConfig, loadGatewayConfig } from "../../../gateway/config/load-gateway-config.ts";
import { renderFault } from "../../../protocol/document/fault.ts";

const DESIGN_EXAMPLE = `node: site-042
site: { name: Guanghua Road block 7, timeZone: Asia/Shanghai, latitudeDeg: 39.912, longitudeDeg: 116.456 }
bridge: { url: "mqtts://127.0.0.1:8883" }
state: ./state/site-042
buses:
  rs485: { serial: /dev/serial/by-id/usb-FTDI_FT232R-if00-port0, baudRate: 9600, parity: none, stopBits: 1 }
devices:
  noise-01: { driver: modbus-noise, bus: rs485, unit: 1, profile: sonbest-sm7901b, periodMs: 1000 }
  gps: { driver: gps-nmea, serial: /dev/serial/by-id/usb-u-blox_7-if00, baudRate: 9600 }
rules:
  night-noise: { kind: trigger, device: noise-01, limitDb: 70.0 }
`;

const check = (text: string) => checkGatewayConfig(new TextEncoder().encode(text), DRIVERS);

async function faultsOf(text: string): Promise<string[]> {
  const result = await check(text);
  if (result.ok) return [];
  return result.faults.map(({ at, code, path, suggestion }) =>
    [`${at.line}:${at.column}`, code, path, ...(suggestion === undefined ? [] : [`-> ${suggestion}`])].join(" "),
  );
}

test("the example of the design is valid as it stands, and its bus arrives resolved", async () => {
  const result = await check(DESIGN_EXAMPLE);
  expect(result.ok ? [] : result.faults).toEqual([]);
  if (!result.ok) return;
  const { config } = result;
  expect(config.node).toBe("site-042");
  expect(config.timeZone).toBe("Asia/Shanghai");
  expect(config.devices.map(({ id, driver }) => [id, driver.kind])).toEqual([
    ["noise-01", "modbus-noise"],
    ["gps", "gps-nmea"],
  ]);
  expect(config.devices[0]?.config).toMatchObject({
    bus: {
      port: { serial: "/dev/serial/by-id/usb-FTDI_FT232R-if00-port0" },
      settings: { baudRate: 9600, parity: "none", stopBits: 1 },
    },
    unit: 1,
    periodMs: 1000,
    timeoutMs: 300,
  });
  expect(config.rules).toMatchObject([
    {
      name: "night-noise",
      limitDb: 70,
      clearDb: 67,
      raiseWindowS: 10,
      raiseMinValidS: 8,
      clearWindowS: 60,
      armedFrom: "22:00",
    },
  ]);
  expect(config.retention.keepReceiptedDays).toBe(30);
  expect(config.time.source).toBe("auto");
  expect(config.sha256).toMatch(/^[0-9a-f]{64}$/);
});

test("a wrong config gets all its faults at once, each at its line and column, with the word that was meant", async () => {
  const faults = await faultsOf(`node: Site_042
site: { name: x, timeZone: Asia/Shangai, latitudDeg: 39.912 }
bridge: { url: "http://127.0.0.1:8883" }
buses:
  rs485: { serail: /dev/ttyUSB0, baudRate: 9600.5, parity: nono }
  b2: { tcp: "10.0.0.1:502" }
devices:
  noise-01: { driver: modbus-nois, bus: rs485 }
  noise-02: { driver: modbus-noise, bus: rs484, unit: 0, profile: sonbest-sm7901 }
  noise-03: { driver: modbus-noise, unit: one, periodMS: 1000 }
  gps: { driver: gps-nmea }
rules:
  night-noise: { kind: triger, device: noise-1, limitDb: "70" }
  two: { device: noise-02, clearDb: 80, raiseMinValidS: 11 }
permits:
  - { id: a, from: 2026-13-01T10:00, to: 2026-01-01T10:00 }
`);
  expect(faults).toEqual([
    "1:1 CONFIG_MISSING_KEY state",
    "1:7 CONFIG_WRONG_VALUE node",
    "2:28 CONFIG_WRONG_VALUE site.timeZone -> Asia/Shanghai",
    "2:42 CONFIG_UNKNOWN_KEY site.latitudDeg -> latitudeDeg",
    "3:16 CONFIG_WRONG_VALUE bridge.url",
    "5:3 CONFIG_MISSING_KEY buses.rs485.serial",
    "5:12 CONFIG_UNKNOWN_KEY buses.rs485.serail -> serial",
    "5:44 CONFIG_WRONG_VALUE buses.rs485.baudRate",
    "5:60 CONFIG_WRONG_VALUE buses.rs485.parity -> none",
    "6:3 CONFIG_MISSING_KEY buses.b2.framing",
    "8:23 CONFIG_WRONG_VALUE devices.noise-01.driver -> modbus-noise",
    "9:42 CONFIG_REFERENCE devices.noise-02.bus -> rs485",
    "9:55 CONFIG_WRONG_VALUE devices.noise-02.unit",
    "9:67 CONFIG_WRONG_VALUE devices.noise-02.profile -> sonbest-sm7901b",
    "10:3 CONFIG_MISSING_KEY devices.noise-03.bus",
    "10:43 CONFIG_WRONG_TYPE devices.noise-03.unit",
    "10:48 CONFIG_UNKNOWN_KEY devices.noise-03.periodMS -> periodMs",
    "11:3 CONFIG_WRONG_VALUE devices.gps",
    "13:24 CONFIG_WRONG_VALUE rules.night-noise.kind -> trigger",
    "13:40 CONFIG_REFERENCE rules.night-noise.device -> noise-01",
    "13:58 CONFIG_WRONG_TYPE rules.night-noise.limitDb",
    "14:3 CONFIG_MISSING_KEY rules.two.kind",
    "14:37 CONFIG_WRONG_VALUE rules.two.clearDb",
    "14:57 CONFIG_WRONG_VALUE rules.two.raiseMinValidS",
    "16:20 CONFIG_WRONG_VALUE permits.0.from",
  ]);
});

test("broken YAML is told by line and column, two keys of one name too", async () => {
  expect(await faultsOf("node: a\n bridge: {\n")).toEqual(expect.arrayContaining([expect.stringMatching(/^2:|^3:/)]));
  const twice = await faultsOf(`${DESIGN_EXAMPLE}node: other\n`);
  expect(twice).toEqual(["12:1 CONFIG_SYNTAX "]);
});

test("anchors, aliases and tags are refused by name", async () => {
  const result = await check("node: &a site-1\nstate: *a\nsite: !!binary aGk=\n");
  expect(result.ok ? [] : result.faults.map(({ at }) => at.line)).toEqual(expect.arrayContaining([2]));
});

test("a serial port has one owner", async () => {
  const text = DESIGN_EXAMPLE.replace("usb-u-blox_7-if00", "usb-FTDI_FT232R-if00-port0");
  expect(await faultsOf(text)).toEqual(["9:36 CONFIG_WRONG_VALUE devices.gps.serial"]);
});

test("a rule that could never be raised is a fault, not a surprise at night", async () => {
  expect(await faultsOf(DESIGN_EXAMPLE.replace("periodMs: 1000", "periodMs: 5000"))).toEqual([
    "11:41 CONFIG_WRONG_VALUE rules.night-noise.device",
  ]);
});

test("rules without a time zone are a fault: nobody would know when it is night", async () => {
  const text = DESIGN_EXAMPLE.split("\n")
    .filter((line) => !line.startsWith("site:"))
    .join("\n");
  expect(await faultsOf(text)).toEqual(["10:3 CONFIG_MISSING_KEY rules"]);
  expect(await faultsOf(`${text}timeZone: Asia/Shanghai\n`)).toEqual([]);
});

test("without TLS only loopback, and only when it says so", async () => {
  const plain = (bridge: string) => faultsOf(DESIGN_EXAMPLE.replace(/bridge: .*/, `bridge: ${bridge}`));
  expect(await plain('{ url: "mqtt://127.0.0.1:1883" }')).toEqual(["3:16 CONFIG_WRONG_VALUE bridge.url"]);
  expect(await plain('{ url: "mqtt://10.0.0.1:1883", insecureLoopback: true }')).toHaveLength(1);
  expect(await plain('{ url: "mqtt://127.0.0.1:1883", insecureLoopback: true }')).toEqual([]);
});

test("a permit's local times are those of the site", async () => {
  const result = await check(
    `${DESIGN_EXAMPLE}permits:\n  - { id: P-1, from: 2026-11-21T22:00, to: "2026-11-22T06:00:00+08:00", rules: [night-noise] }\n`,
  );
  expect(result.ok && result.config.permits).toEqual([
    { id: "P-1", fromMs: Date.UTC(2026, 10, 21, 14), toMs: Date.UTC(2026, 10, 21, 22), rules: ["night-noise"] },
  ]);
});

test("a file that is not there is one fault with a reason", async () => {
  const folder = await mkdtemp(join(tmpdir(), "shao-config-"));
  const result = await loadGatewayConfig(join(folder, "absent.yaml"), DRIVERS);
  await rm(folder, { recursive: true });
  expect(result.ok ? [] : result.faults.map(({ code, message }) => [code, message])).toEqual([
    ["CONFIG_UNREADABLE", "the file cannot be read (ENOENT)"],
  ]);
});

test("the caret stands under the fault, and control characters do not reach the terminal", async () => {
  const text = DESIGN_EXAMPLE.replace("limitDb: 70.0", 'limitDb: "\u001b[31m70"');
  const result = await check(text);
  const [fault] = result.ok ? [] : result.faults;
  if (fault === undefined) throw new Error("no fault");
  const shown = renderFault("config/site.yaml", text, fault).split("\n");
  expect(shown[0]).toMatch(/^config\/site\.yaml:11:\d+: /);
  expect(shown.join("")).not.toContain("\u001b");
});

test("deep, huge and hostile documents end in faults, never in a throw", async () => {
  const hostile = [
    "[".repeat(200_000),
    "{a: ".repeat(100_000),
    "- ".repeat(100_000),
    "x".repeat(2_000_000),
    `${"a: &a [b]\nc: [*a,*a]\n"}__proto__: { node: x }\n`,
    "\u0000\ufffe",
    "? [a, b]\n: c\n",
    "--- 1\n--- 2\n",
    "",
    "- a\n- b\n",
    "just text",
    "node: .nan\nstate: .inf\n",
    ...Array.from({ length: 1200 }, (_, depth) => depth).reduce<string[]>(
      (texts, depth) => [`${texts[0] ?? ""}${" ".repeat(depth)}a:\n`],
      [],
    ),
  ];
  for (const text of hostile) {
    const result = await check(text);
    expect(result.ok, text.slice(0, 40)).toBe(false);
    expect(!result.ok && result.faults.length > 0).toBe(true);
  }
  expect(Object.hasOwn(Object.prototype, "node")).toBe(false);
});

test("whatever bytes a config holds, the loader answers, and each fault has a place within the file", async () => {
  const mutated = fc
    .tuple(fc.nat(DESIGN_EXAMPLE.length), fc.nat(12), fc.string({ unit: "binary", maxLength: 12 }))
    .map(([at, cut, put]) => DESIGN_EXAMPLE.slice(0, at) + put + DESIGN_EXAMPLE.slice(at + cut));
  await fc.assert(
    fc.asyncProperty(fc.oneof(mutated, fc.string({ unit: "binary", maxLength: 200 })), async (text) => {
      const result = await check(text);
      if (result.ok) return;
      const lines = new TextDecoder().decode(new TextEncoder().encode(text)).split("\n").length;
      expect(result.faults.length).toBeGreaterThan(0);
      for (const { at } of result.faults) {
        expect(at.line).toBeGreaterThanOrEqual(1);
        expect(at.line).toBeLessThanOrEqual(lines);
        expect(at.column).toBeGreaterThanOrEqual(1);
      }
    }),
    { numRuns: 300 },
  );
});

test("no rule of a config may take the built-in rule's name", async () => {
  expect(await faultsOf(DESIGN_EXAMPLE.replace("night-noise:", "emergency:"))).toEqual([
    "11:14 CONFIG_WRONG_VALUE rules.emergency",
  ]);
});

const withRule = (rule: string, device = "periodMs: 1000") =>
  DESIGN_EXAMPLE.replace(
    "night-noise: { kind: trigger, device: noise-01, limitDb: 70.0 }",
    `limits: { ${rule} }`,
  ).replace("periodMs: 1000", device);

test("a violation rule has its defaults, its zone, and cameras that there are", async () => {
  const rule = "kind: violation, cameras: [gate], classes: [truck/uncovered], zone: [[0, 0.5], [1, 0.5], [1, 1]]";
  const text = `${withRule(rule)}\ncameras: { gate: { url: "rtsp://192.168.1.64/", masks: [[[0, 0], [1, 0], [1, 0.1]]] } }\n`;
  const result = await check(text);
  expect(result.ok ? [] : result.faults).toEqual([]);
  if (!result.ok) return;
  expect(result.config.rules).toEqual([]);
  expect(result.config.violations).toMatchObject([
    {
      name: "limits",
      cameras: ["gate"],
      dwellS: 3,
      count: 1,
      zone: [
        [0, 0.5],
        [1, 0.5],
        [1, 1],
      ],
    },
  ]);
  expect(result.config.cameras[0]?.masks).toHaveLength(1);
  expect(result.config.vision.judge).toMatchObject({ model: "site-watch", heartbeatS: 10 });
  const faults = await faultsOf(text.replace("[gate]", "[gaet]").replace("[1, 0.5], [1, 1]", "[1.5, 0.5]"));
  expect(faults.join("\n")).toMatch(/CONFIG_REFERENCE rules.limits.cameras/);
  expect(faults.join("\n")).toMatch(/rules.limits.zone/);
});

test("an exceedance rule and the facts of its meter and site arrive as the pipeline asks for them", async () => {
  const text = withRule(
    "kind: exceedance, device: noise-01",
    "meter: { model: AWA6228, class: 2, calibration: { beforeDb: 93.8, beforeOn: 2026-11-01 } }",
  ).replace("timeZone: Asia", "address: 7 Guanghua Road, unit: Third Construction, timeZone: Asia");
  const result = await check(text);
  expect(result.ok ? [] : result.faults).toEqual([]);
  if (!result.ok) return;
  expect(result.config.rules).toEqual([
    {
      name: "limits",
      kind: "exceedance",
      device: "noise-01",
      standard: "GB12523",
      zone: "boundary",
      indoor: false,
      minValidPct: 75,
      updateEveryS: 300,
      sameAlarmS: 600,
    },
  ]);
  expect(result.config.site).toMatchObject({ address: "7 Guanghua Road", unit: "Third Construction" });
  const [meter] = result.config.devices;
  expect(meter?.meter).toEqual({ model: "AWA6228", class: 2, calibration: { beforeDb: 93.8, beforeOn: "2026-11-01" } });
  expect(meter?.config).not.toHaveProperty("meter");
});

test("where a meter's weather comes from has its defaults, and must be a device that there is", async () => {
  const rule = "kind: exceedance, device: noise-01";
  const result = await check(withRule(rule, "weather: { device: noise-01 }"));
  expect(result.ok ? [] : result.faults).toEqual([]);
  if (!result.ok) return;
  expect(result.config.devices[0]?.weather).toEqual({ device: "noise-01", holdS: 120, rain: "auto" });
  expect(result.config.devices[0]?.config).not.toHaveProperty("weather");
  const told = await check(withRule(rule, "weather: { device: noise-1, hold: 3 }"));
  expect(told.ok ? [] : told.faults.map(({ path, suggestion }) => [path, suggestion])).toEqual([
    ["devices.noise-01.weather.device", "noise-01"],
    ["devices.noise-01.weather.hold", "holdS"],
  ]);
  const withStations = (weather: string) =>
    withRule(rule, `weather: ${weather}`).replace(
      "devices:\n",
      'devices:\n  stations: { driver: hj212, listen: "127.0.0.1:7212", acceptUnknown: true }\n',
    );
  expect(await faultsOf(withStations("{ device: stations, station: LD130133000015 }"))).toEqual([]);
  const unnamed = await check(withStations("{ device: stations }"));
  expect(unnamed.ok ? [] : unnamed.faults).toMatchObject([
    { code: "CONFIG_MISSING_KEY", path: "devices.noise-01.weather.device" },
  ]);
});

test("a rule of no kind that there is is told by its kind alone, with all kinds", async () => {
  const result = await check(withRule("kind: loud, device: noise-01, standard: GB12523"));
  const [fault, ...others] = result.ok ? [] : result.faults;
  expect(others).toEqual([]);
  expect(fault).toMatchObject({ path: "rules.limits.kind", expected: "one of trigger, exceedance, violation" });
});

test.each([
  ["kind: excedance, device: noise-01, limitDb: 70", ["kind -> exceedance", "limitDb -> "]],
  ["kind: exceedance, device: noise-01, limitDb: 70", ["limitDb -> "]],
  ["kind: exceedance, device: noise-01, standard: GB3096", ["standard -> "]],
  ["kind: exceedance, device: noise-01, standard: GB3096, zone: boundary", ["zone -> "]],
  ['kind: exceedance, device: noise-01, ruleSet: GB3096-2008, zone: "4a"', []],
  ["kind: exceedance, device: noise-01, ruleSet: GB12523-2024", ["ruleSet -> GB12523-2025"]],
  ["kind: exceedance, device: noise-01, windowS: 90", ["windowS -> "]],
  ["kind: exceedance, device: noise-02", ["device -> noise-01"]],
])("in a rule { %s } it is these keys that are wrong: %j", async (rule, expected) => {
  const result = await check(withRule(rule));
  const told = (result.ok ? [] : result.faults).map(
    ({ path, suggestion = "" }) => `${path.replace("rules.limits.", "")} -> ${suggestion}`,
  );
  expect(told).toEqual(expected);
});

test("a meter that is read too seldom for the valid part of a window is refused", async () => {
  const faults = await faultsOf(withRule("kind: exceedance, device: noise-01", "periodMs: 2000"));
  expect(faults).toEqual(["11:39 CONFIG_WRONG_VALUE rules.limits.device"]);
});
