import { resolve } from "node:path";
import process from "node:process";
import { Command, InvalidArgumentError } from "commander";
import { brokerFileNames } from "../cloud-bridge/broker/mosquitto-config.ts";
import { writeBrokerFiles } from "../cloud-bridge/broker-files.ts";
import { openConfiguredStore } from "../cloud-bridge/configured-store.ts";
import { openAuthority } from "../cloud-bridge/fleet/authority.ts";
import { brokerFolder, nodesUrl } from "../cloud-bridge/open-link.ts";
import { bridgeConfig } from "./bridge-config.ts";
import { EXIT } from "./subcommand.ts";

interface BrokerConfigOptions {
  readonly config?: string;
  readonly nodesHost: string;
  readonly bridgeHost: string;
  readonly user?: string;
}

const DEFAULT_PORT = 8883;

/** `shao bridge broker-config`: what Mosquitto needs to stand between the nodes and this bridge. */
export function brokerConfigCommand(configOf: () => string): Command {
  return new Command("broker-config")
    .description("write config, ACL and certificates for Mosquitto 2, where `broker.external` names one")
    .option("--config <file>", "the bridge's config")
    .option("--nodes-host <address>", "address on which it listens for nodes", address, "0.0.0.0")
    .option("--bridge-host <address>", "and for the bridge's processes", address, "127.0.0.1")
    .option("--user <name>", "whom Mosquitto becomes when root starts it")
    .addHelpText(
      "after",
      `
Two listeners, on the ports of \`nodesUrl\` and \`url\`: nodes come with a certificate of the bridge's CA, the bridge with
one of its own. Run it again after a change of \`broker.external\` or \`topicPrefix\`; the running bridge keeps the
server's certificate and the list of revoked ones up to date.
stdout: one line {"config", "files"}. On Debian: \`include_dir\` of /etc/mosquitto/mosquitto.conf is the place for a line
\`include_dir FOLDER\`, or start \`mosquitto -c FOLDER/${brokerFileNames.config}\`.`,
    )
    .action((options: BrokerConfigOptions) => write(options, options.config ?? configOf()));
}

async function write(options: BrokerConfigOptions, file: string): Promise<void> {
  const config = await bridgeConfig(file);
  if (config === undefined) return;
  if (config.broker === "embedded") {
    process.stderr.write(
      `${file}: the broker is embedded.\nhint: Name the one outside first: \`broker: { external: { url: "mqtts://127.0.0.1:8884" } }\`.\n`,
    );
    process.exitCode = EXIT.config;
    return;
  }
  const { external } = config.broker;
  const forNodes = new URL(nodesUrl(config, external));
  const forBridge = new URL(external.url);
  const folder = resolve(brokerFolder(config));
  const nowMs = Date.now();
  const authority = openAuthority(config.state);
  const store = await openConfiguredStore(config, { nowMs });
  try {
    const written = await writeBrokerFiles({
      authority,
      db: store.db,
      settings: {
        folder,
        prefix: config.topicPrefix,
        nodes: { host: options.nodesHost, port: portOf(forNodes) },
        bridge: { host: options.bridgeHost, port: portOf(forBridge) },
        ...(options.user === undefined ? {} : { user: options.user }),
        ...(external.pidFile === undefined ? {} : { pidFile: external.pidFile }),
      },
      hosts: [forNodes.hostname, forBridge.hostname],
      nowMs,
    });
    process.stdout.write(`${JSON.stringify(written)}\n`);
    process.stderr.write(
      `Wrote ${written.files.length} files to ${folder}.\nThe broker must be able to read ${brokerFileNames.key}: \`chown mosquitto ${folder}/${brokerFileNames.key}\`.\nThen \`mosquitto -c ${written.config}\`.\n`,
    );
  } finally {
    await store.close();
  }
}

function portOf({ port }: URL): number {
  return port === "" ? DEFAULT_PORT : Number(port);
}

function address(text: string): string {
  if (/^[0-9A-Za-z.:-]{1,253}$/u.test(text)) return text;
  throw new InvalidArgumentError("An address or a host name is wanted.");
}
