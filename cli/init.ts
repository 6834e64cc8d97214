import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import process from "node:process";
import { Command, Option } from "commander";
import { Value } from "typebox/value";
import { DRIVERS } from "../drivers/registry.ts";
import { checkGatewayConfig } from "../gateway/config/load-gateway-config.ts";
import { NodeId } from "../protocol/ids.ts";
import { isTimeZone } from "../protocol/local-time.ts";
import { tellConfigFaults } from "./config-faults.ts";
import { Asker } from "./init/asker.ts";
import { findCameras } from "./init/cameras.ts";
import { findDevices } from "./init/devices.ts";
import type { SiteFindings } from "./init/findings.ts";
import { siteFile } from "./init/site-file.ts";
import { type InitWords, initWords } from "./init/text.ts";
import { type Locale, systemLocale } from "./locale.ts";
import { EXIT } from "./subcommand.ts";
import { UsageError, usable } from "./usage-error.ts";

interface Options {
  readonly node?: string;
  readonly site?: string;
  readonly timeZone?: string;
  readonly bridge?: string;
  readonly state?: string;
  readonly port?: readonly string[];
  readonly address?: readonly string[];
  readonly camera?: readonly string[];
  readonly units: string;
  readonly scan: boolean;
  readonly yes?: boolean;
  readonly force?: boolean;
  readonly lang?: Locale;
}

/** `shao init [FILE]`: a first config from a scan and a few questions. */
export function command(): Command {
  return new Command()
    .argument("[file]", "the config to write", "site.yaml")
    .option("--node <id>", "id of this box")
    .option("--site <name>", "name of the place")
    .option("--time-zone <name>", "IANA time zone")
    .option("--bridge <url>", "mqtts://HOST:PORT of the bridge")
    .option("--state <dir>", "state folder (default: ./state/<node>)")
    .option("--port <path...>", "serial ports to look at (default: all that are here)")
    .option("--address <host:port...>", "serial servers, Modbus TCP devices and receivers in the network")
    .option("--camera <url...>", "cameras, without account: it is asked for")
    .option("--units <from-to>", "Modbus units to ask", "1-16")
    .option("--no-scan", "look at no port, write only what is answered")
    .option("--yes", "ask nothing: take what was found, and the defaults")
    .option("--force", "write over a file that is there")
    .addOption(new Option("--lang <code>", "language (default: the system's)").choices(["en", "zh-CN"]))
    .addHelpText(
      "after",
      "\nLooks at each serial port: listens for receivers and meters that talk, then asks Modbus units at the usual speeds\n" +
        "and parities, and tells from the line's bytes what is wired wrongly. Ends with a config that `shao check` passes\n" +
        "and the line that pairs this box.\n" +
        "stdout: one line {file, node, devices, cameras, missing}. Exit code 0: all that was looked at was found, 1: the\n" +
        "file is written and something is missing.\n" +
        "Example: shao init /etc/shao/site.yaml --bridge mqtts://shao.example.com:8883",
    )
    .action((file: string, options: Options, self: Command) => usable(self, () => init(file, options)));
}

async function init(file: string, options: Options): Promise<void> {
  if (existsSync(file) && options.force !== true) {
    throw new UsageError(`${file} is there already; name another file, or write over it with --force`);
  }
  const locale = options.lang ?? systemLocale();
  const words = initWords(locale);
  using asker = new Asker(options.yes === true);
  const missing: string[] = [];
  const told = await aboutTheBox(options, asker, words);
  const devices = await findDevices(options, { asker, words, locale, missing });
  const cameras = await findCameras(options.camera ?? [], { asker, words, locale, missing, folder: dirname(file) });
  const { place } = devices;
  const found: SiteFindings = {
    ...told,
    site: { ...told.site, ...place },
    buses: devices.buses,
    devices: devices.devices,
    cameras,
  };
  const text = siteFile(found, words);
  await write(file, text, words);
  for (const [at, sentence] of missing.entries()) {
    process.stderr.write(`${at === 0 ? `\n${words.missing}\n` : ""}  - ${sentence}\n`);
  }
  process.stderr.write(`\n${words.next(found.node, new URL(found.bridgeUrl).hostname, found.state, file)}\n`);
  const ids = { devices: found.devices.map(({ id }) => id), cameras: cameras.map(({ id }) => id) };
  process.stdout.write(`${JSON.stringify({ file, node: found.node, ...ids, missing })}\n`);
  process.exitCode = missing.length === 0 ? EXIT.good : EXIT.fault;
}

async function aboutTheBox(options: Options, asker: Asker, words: InitWords) {
  const given = (name: string, value: string, check: (text: string) => string | undefined): string => {
    const wrong = check(value);
    if (wrong !== undefined) throw new UsageError(`--${name} "${value}": ${wrong}`);
    return value;
  };
  const isNode = (text: string) => (Value.Check(NodeId, text) ? undefined : words.nodeForm);
  const isZone = (text: string) => (isTimeZone(text) ? undefined : words.timeZoneForm);
  const isBridge = (text: string) => (/^mqtts?:\/\/[^/\s]+$/.test(text) ? undefined : words.bridgeForm);
  const own =
    hostname()
      .toLowerCase()
      .replaceAll(/[^a-z0-9-]/g, "-")
      .replace(/^-+/, "")
      .slice(0, 63) || "site-001";
  const node =
    options.node === undefined ? await asker.ask(words.node, own, isNode) : given("node", options.node, isNode);
  const name = options.site ?? (await asker.ask(words.site, node));
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const timeZone =
    options.timeZone === undefined
      ? await asker.ask(words.timeZone, zone, isZone)
      : given("time-zone", options.timeZone, isZone);
  const bridgeUrl =
    options.bridge === undefined
      ? await asker.ask(words.bridge, "mqtts://127.0.0.1:8883", isBridge)
      : given("bridge", options.bridge, isBridge);
  return { node, site: { name, timeZone }, bridgeUrl, state: options.state ?? `./state/${node}` };
}

/** What we wrote must pass what everybody's config must pass: a fault here is ours. */
async function write(file: string, text: string, words: InitWords): Promise<void> {
  const bytes = Buffer.from(text);
  const checked = await checkGatewayConfig(bytes, DRIVERS);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bytes);
  process.stderr.write(`\n${words.written(file)}\n`);
  if (checked.ok) {
    process.stderr.write(`${words.checked}\n`);
    return;
  }
  tellConfigFaults(file, text, checked.faults);
  throw new Error(`init wrote a config that does not pass: ${checked.faults.map(({ message }) => message).join("; ")}`);
}
