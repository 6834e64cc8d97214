import { expect, test } from "vitest";
import { checkBridgeConfig } from "../../cloud-bridge/config.ts";
import { deskSettings } from "../../cloud-bridge/desk-settings.ts";

const DESIGN_EXAMPLE = `listen: { host: 127.0.0.1, mqtt: 8883, http: 8443 }
state: ./state/bridge
store: sqlite
timeZone: Asia/Shanghai
dispatch: { policy: auto-after, afterSeconds: 60 }
`;

const check = (text: string) => checkBridgeConfig(new TextEncoder().encode(text));
const faultsOf = (text: string) => {
  const result = check(text);
  return result.ok ? [] : result.faults.map(({ at, code, path }) => `${at.line}:${at.column} ${code} ${path}`);
};

test("the example of the design is valid as it stands, and every default is filled in", () => {
  const result = check(DESIGN_EXAMPLE);
  expect(result.ok && result.config).toMatchObject({
    listen: { host: "127.0.0.1", mqtt: 8883, http: 8443 },
    dispatch: { policy: "auto-after", afterSeconds: 60, detourFactor: 1.4, geofenceM: 150 },
    verification: { quietMinutes: 10 },
    insecureLoopback: false,
  });
});

test("all faults of a bridge config are told at once", () => {
  expect(
    faultsOf(
      "listen: { host: 0.0.0.0, mqtt: 99999 }\nstate: ./x\nstore: oracle\ntimeZone: Peking\ndispach: {}\ninsecureLoopback: true\n",
    ),
  ).toEqual([
    "1:1 CONFIG_MISSING_KEY listen.http",
    "1:17 CONFIG_WRONG_VALUE listen.host",
    "1:32 CONFIG_WRONG_VALUE listen.mqtt",
    "3:8 CONFIG_WRONG_VALUE store",
    "4:11 CONFIG_WRONG_VALUE timeZone",
    "5:1 CONFIG_UNKNOWN_KEY dispach",
  ]);
});

test("who sends the crew may differ by rule, category and period; an exception that fits all is a fault", () => {
  const exceptions = (text: string) => DESIGN_EXAMPLE.replace("afterSeconds: 60 }", `afterSeconds: 60, ${text} }`);
  const good = check(
    exceptions(
      "exceptions: [{ rules: [gate], policy: propose }, { period: night, policy: auto-after, afterSeconds: 5 }]",
    ),
  );
  expect(good.ok && deskSettings(good.config, 1)).toMatchObject({
    exceptions: [
      { rules: ["gate"], policy: "propose", afterSeconds: 60 },
      { period: "night", policy: "auto-after", afterSeconds: 5 },
    ],
    night: { from: "22:00", to: "06:00" },
    candidates: { mutualAid: false, authority: "prefer" },
  });
  expect(
    faultsOf(
      exceptions(
        "night: { from: '06:00', to: '06:00' }, exceptions: [{ policy: auto }, { rule: gate, policy: never, period: noon }]",
      ),
    ),
  ).toEqual([
    "5:79 CONFIG_WRONG_VALUE dispatch.night.to",
    "5:103 CONFIG_WRONG_VALUE dispatch.exceptions.0",
    "5:123 CONFIG_UNKNOWN_KEY dispatch.exceptions.1.rule",
    "5:143 CONFIG_WRONG_VALUE dispatch.exceptions.1.policy",
    "5:158 CONFIG_WRONG_VALUE dispatch.exceptions.1.period",
  ]);
});
