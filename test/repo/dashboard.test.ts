import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { DRIVERS } from "../../drivers/registry.ts";
import { checkGatewayConfig } from "../../gateway/config/load-gateway-config.ts";
import { startGateway } from "../../gateway/main.ts";
import { startTestApi } from "../fakes/api-server.ts";
import { makeTestAuthority } from "../fakes/node-identity.ts";
import { QuietLog } from "../fakes/quiet-log.ts";
import { scratchFolder } from "../fakes/rigs.ts";
import { counted, ROOT } from "./source-tree.ts";

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[];
}

const dashboard = JSON.parse(readFileSync(join(ROOT, "docs/grafana/shao.json"), "utf8")) as Dashboard;
const asked = new Set(
  dashboard.panels.flatMap(({ targets = [] }) =>
    targets.flatMap(({ expr }) => expr.match(/\b(?:shao|process|nodejs)_[a-z0-9_]+/g) ?? []),
  ),
);
counted("metrics of the dashboard", [...asked]);

/** Name and type of each metric. */
function exported(text: string): Map<string, string> {
  return new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = "", type = ""]) => [name, type]));
}

async function ofBridge(): Promise<Map<string, string>> {
  const api = await startTestApi(await makeTestAuthority());
  onTestFinished(() => api.close());
  return exported((await (await api.as("viewer")).ask("/metrics")).text);
}

async function ofGateway(): Promise<Map<string, string>> {
  const folder = scratchFolder();
  onTestFinished(folder.remove);
  const text = `node: site-042
site: { name: Guanghua Road block 7, timeZone: Asia/Shanghai }
bridge: { url: "mqtts://127.0.0.1:1" }
state: ${folder.path}
health: { port: 0 }
buses: { rs485: { tcp: "127.0.0.1:1", framing: tcp } }
devices:
  noise-01: { driver: modbus-noise, bus: rs485, unit: 1, profile: sonbest-sm7901b, periodMs: 1000 }
`;
  const checked = await checkGatewayConfig(Buffer.from(text), DRIVERS);
  if (!checked.ok) throw new Error(JSON.stringify(checked.faults));
  const gateway = await startGateway({ config: checked.config, version: "test", log: new QuietLog() });
  onTestFinished(() => gateway.stop());
  return exported(await (await fetch(`http://127.0.0.1:${gateway.localPort}/metrics`)).text());
}

test("the dashboard asks only for metrics that a half exports, and leaves out none of ours", async () => {
  const metrics = new Map([...(await ofBridge()), ...(await ofGateway())]);
  expect([...asked].filter((name) => !metrics.has(name))).toEqual([]);
  const ours = [...metrics.keys()].filter((name) => name.startsWith("shao_"));
  expect(ours.length).toBeGreaterThan(25);
  expect(ours.filter((name) => !asked.has(name))).toEqual([]);
  expect(
    [...metrics].filter(([name, type]) => name.startsWith("shao_") && name.endsWith("_total") !== (type === "counter")),
  ).toEqual([]);
  expect(
    ours.filter(
      (name) => !/^shao_(gateway|bridge|fleet|node|records)_/.test(name) || /_(ms|kb|mb|percent)(_|$)/.test(name),
    ),
  ).toEqual([]);
});
