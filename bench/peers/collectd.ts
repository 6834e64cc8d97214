import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Spawned, start } from "../children.ts";
import type { PeerSettings } from "./peer-settings.ts";

/**
 * Debian's collectd: its modbus plugin into its mqtt plugin, QoS 1 and a session that the broker keeps. The mqtt plugin has no
 * offline buffer to switch on; a value that it cannot publish is an error in its log.
 */
export function startCollectd(
  peers: string,
  folder: string,
  { meterPort, unit, brokerPort, topic }: PeerSettings,
): Spawned {
  mkdirSync(folder, { recursive: true });
  const root = join(peers, "collectd");
  const file = join(folder, "collectd.conf");
  writeFileSync(
    file,
    `Hostname "site"
FQDNLookup false
Interval 1
BaseDir "${folder}"
PIDFile "${folder}/pid"
PluginDir "${root}/usr/lib/collectd"
TypesDB "${root}/usr/share/collectd/types.db"
LoadPlugin modbus
LoadPlugin mqtt
<Plugin modbus>
  <Data "level">
    RegisterBase 0
    RegisterType Uint16
    RegisterCmd ReadHolding
    Type gauge
    Instance "level"
  </Data>
  <Host "meter">
    Address "127.0.0.1"
    Port "${meterPort}"
    Interval 1
    <Slave ${unit}>
      Instance "unit"
      Collect "level"
    </Slave>
  </Host>
</Plugin>
<Plugin mqtt>
  <Publish "out">
    Host "127.0.0.1"
    Port ${brokerPort}
    ClientId "collectd"
    QoS 1
    Prefix "${topic}"
    Retain false
    StoreRates false
    CleanSession false
  </Publish>
</Plugin>
`,
  );
  const libraries = join(root, "usr", "lib", "x86_64-linux-gnu");
  return start(join(root, "usr", "sbin", "collectd"), ["-f", "-C", file], { LD_LIBRARY_PATH: libraries });
}
