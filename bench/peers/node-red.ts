import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { type Spawned, start } from "../children.ts";
import type { PeerSettings } from "./peer-settings.ts";

/**
 * Node-RED as its editor would save the flow: `modbus-read` once a second into `mqtt out`, QoS 1. Its MQTT node has no
 * offline buffer to switch on; what is published while the broker is away is dropped.
 */
export function startNodeRed(
  peers: string,
  folder: string,
  { meterPort, unit, brokerPort, topic }: PeerSettings,
): Spawned {
  mkdirSync(folder, { recursive: true });
  const modules = join(peers, "node-red", "node_modules");
  if (!existsSync(join(folder, "node_modules"))) symlinkSync(modules, join(folder, "node_modules"));
  writeFileSync(
    join(folder, "settings.js"),
    `module.exports = { uiHost: "127.0.0.1", uiPort: 0, httpAdminRoot: false, httpNodeRoot: false,
      flowFile: "flow.json", credentialSecret: false, telemetry: { enabled: false, updateNotification: false },
      logging: { console: { level: "warn", metrics: false, audit: false } } };\n`,
  );
  const flow = [
    { id: "tab", type: "tab", label: "meter" },
    {
      ...{ id: "client", type: "modbus-client", name: "", clienttype: "tcp", bufferCommands: true },
      ...{ stateLogEnabled: false, queueLogEnabled: false, failureLogEnabled: true, tcpHost: "127.0.0.1" },
      ...{ tcpPort: String(meterPort), tcpType: "DEFAULT", unit_id: String(unit), commandDelay: "1" },
      ...{ clientTimeout: "1000", reconnectOnTimeout: true, reconnectTimeout: "2000", parallelUnitIdsAllowed: true },
    },
    {
      ...{ id: "read", type: "modbus-read", z: "tab", name: "", topic: "", unitid: String(unit) },
      ...{ dataType: "HoldingRegister", adr: "0", quantity: "1", rate: "1", rateUnit: "s", server: "client" },
      ...{ delayOnStart: false, startDelayTime: "", useIOFile: false, ioFile: "", useIOForPayload: false },
      ...{ emptyMsgOnFail: false, showErrors: true, x: 1, y: 1, wires: [["out"], []] },
    },
    {
      ...{ id: "broker", type: "mqtt-broker", name: "", broker: "127.0.0.1", port: String(brokerPort) },
      ...{ clientid: "node-red", autoConnect: true, usetls: false, protocolVersion: "4", keepalive: "60" },
      ...{ cleansession: false },
    },
    {
      ...{ id: "out", type: "mqtt out", z: "tab", name: "", topic, qos: "1", retain: "false", broker: "broker" },
      ...{ x: 2, y: 1, wires: [] },
    },
  ];
  writeFileSync(join(folder, "flow.json"), JSON.stringify(flow));
  const args = [join(modules, "node-red", "red.js"), "--userDir", folder, "--settings", join(folder, "settings.js")];
  return start(process.execPath, args, { NODE_RED_ENABLE_TELEMETRY: "false" });
}
