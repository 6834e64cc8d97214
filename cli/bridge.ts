import process from "node:process";
import { Command, InvalidArgumentError, Option } from "commander";
import { reachableHost, urlOf, welcomeLink } from "../cloud-bridge/addresses.ts";
import { openConfiguredStore } from "../cloud-bridge/configured-store.ts";
import { initialise } from "../cloud-bridge/initialise.ts";
import { FAULT_POINTS, NEGATIVE_CONTROLS, type NegativeControl } from "../cloud-bridge/store/fault-points.ts";
import { forgetStart, START_OVER_MS } from "../gateway/contracts/start-memory.ts";
import { brokerConfigCommand } from "./bridge-broker-config.ts";
import { bridgeConfig, DEFAULT_BRIDGE_CONFIG } from "./bridge-config.ts";
import { BridgeWatch } from "./bridge-watch.ts";
import { type Locale, systemLocale } from "./locale.ts";
import { ServiceManager } from "./service-manager.ts";

interface RunOptions {
  readonly config: string;
  readonly timeScale: number;
  readonly faultPoint?: string;
  readonly negativeControl?: NegativeControl;
  readonly logLevel: string;
  readonly workersOnly?: boolean;
}

interface InitWords {
  readonly made: string;
  readonly kept: string;
  readonly hasAdministrator: string;
  readonly openOnce: string;
}

const INIT_WORDS: Readonly<Record<Locale, InitWords>> = {
  en: {
    made: "Made the bridge's CA, SHA-256 fingerprint:",
    kept: "Kept the bridge's CA, SHA-256 fingerprint:",
    hasAdministrator: "There is an administrator already; `shao user add NAME --role admin` makes another.",
    openOnce: "Start the bridge, then open this once, within a day, to set the administrator's password:",
  },
  "zh-CN": {
    made: "已生成云端桥的证书机构，SHA-256 指纹：",
    kept: "沿用云端桥的证书机构，SHA-256 指纹：",
    hasAdministrator: "已有管理员；`shao user add 名称 --role admin` 可再建一个。",
    openOnce: "启动云端桥，然后在一天内打开此链接（仅一次有效）设置管理员密码：",
  },
};

/** `shao bridge` runs the cloud half; `shao bridge init` makes its CA and the first administrator's link. */
export function command(): Command {
  const bridge = new Command()
    .option("--config <file>", "the bridge's config", DEFAULT_BRIDGE_CONFIG)
    .option("--time-scale <n>", "divide waiting times, for demonstrations; never rules or records", positive, 1)
    .addOption(
      new Option("--log-level <level>", "how much to say").choices(["debug", "info", "warn", "error"]).default("info"),
    )
    .option(
      "--workers-only",
      "take records and serve pages, and let the other processes of this bridge act (PostgreSQL)",
    )
    .option(
      "--fault-point <name[:n]>",
      `for fault tests: die when this point is reached (${FAULT_POINTS.join(", ")})`,
      knownFaultPoint,
    )
    .addOption(new Option("--negative-control <name>", "for tests of the tests").choices(NEGATIVE_CONTROLS))
    .addHelpText(
      "after",
      "\nFirst `shao bridge init`, once. stdout: one line {url, mqttUrl, fingerprint, bridge} when it listens; stderr: the log." +
        "\nCtrl-C ends it cleanly.",
    )
    .action((options: RunOptions) => run(options));
  bridge
    .command("init")
    .description("make CA and keys where there are none; prints the CA's fingerprint and a one-time administrator link")
    .option("--config <file>", `the bridge's config (default: "${DEFAULT_BRIDGE_CONFIG}")`)
    .action((options: { config?: string }) => init(options.config ?? bridge.opts<RunOptions>().config));
  bridge.addCommand(brokerConfigCommand(() => bridge.opts<RunOptions>().config));
  return bridge;
}

async function init(file: string): Promise<void> {
  const config = await bridgeConfig(file);
  if (config === undefined) return;
  const nowMs = Date.now();
  const store = await openConfiguredStore(config, { nowMs });
  try {
    const { made, fingerprint, invitation } = await initialise(config.state, store, nowMs);
    const scheme = config.insecureLoopback ? "http" : "https";
    const url = urlOf(scheme, reachableHost(config.listen), config.listen.http);
    const link = invitation === undefined ? undefined : welcomeLink(url, invitation.token);
    process.stdout.write(`${JSON.stringify({ bridge: store.bridge, fingerprint, made, adminLink: link })}\n`);
    const words = INIT_WORDS[systemLocale()];
    process.stderr.write(`${made ? words.made : words.kept}\n  ${inPairs(fingerprint)}\n`);
    process.stderr.write(link === undefined ? `${words.hasAdministrator}\n` : `${words.openOnce}\n  ${link}\n`);
  } finally {
    await store.close();
  }
}

async function run(options: RunOptions): Promise<void> {
  const config = await bridgeConfig(options.config);
  if (config === undefined) return;
  const [{ startBridge }, { default: pino }, { logStream }] = await Promise.all([
    import("../cloud-bridge/main.ts"),
    import("pino"),
    import("./log-stream.ts"),
  ]);
  const log = pino({ level: options.logLevel, base: null }, logStream());
  const { timeScale, faultPoint, negativeControl, workersOnly } = options;
  const running = await startBridge({
    config,
    log,
    timeScale,
    ...(workersOnly === undefined ? {} : { isWorkerOnly: workersOnly }),
    ...(faultPoint === undefined ? {} : { faultPoint }),
    ...(negativeControl === undefined ? {} : { negativeControl }),
  });
  const { url, mqttUrl, fingerprint, bridge } = running;
  process.stdout.write(`${JSON.stringify({ url, mqttUrl, fingerprint, bridge })}\n`);
  const manager = new ServiceManager(log);
  const watch = new BridgeWatch(running);
  manager.ready(`listens on ${url}`, () => watch.check());
  setTimeout(forgetStart, START_OVER_MS).unref();
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
  log.info({}, "bridge ends");
  manager.stopping();
  await running.close();
}

/** @throws InvalidArgumentError for a point that is not there */
function knownFaultPoint(text: string): string {
  const [name, count = "1"] = text.split(":");
  if (FAULT_POINTS.some((point) => point === name) && Number.isSafeInteger(Number(count)) && Number(count) > 0)
    return text;
  throw new InvalidArgumentError(`NAME or NAME:N is wanted; NAME is one of ${FAULT_POINTS.join(", ")}.`);
}

function positive(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= 1) return value;
  throw new InvalidArgumentError("A number from 1 on is wanted.");
}

function inPairs(hex: string): string {
  return (hex.match(/../gu) ?? []).join(":").toUpperCase();
}
