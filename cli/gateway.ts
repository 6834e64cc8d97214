import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { Command, Option } from "commander";
import { pino } from "pino";
import { DRIVERS } from "../drivers/registry.ts";
import { ConfigTwin } from "../gateway/config/config-twin.ts";
import { loadGatewayConfig } from "../gateway/config/load-gateway-config.ts";
import {
  GATEWAY_NEGATIVE_CONTROLS,
  type GatewayNegativeControl,
  parseGatewayFaultPoint,
} from "../gateway/contracts/fault-points.ts";
import type { Logger } from "../gateway/contracts/logger.ts";
import type { Gateway, GatewayOptions } from "../gateway/gateway.ts";
import { keepRunning } from "../gateway/keep-running.ts";
import { Pin } from "../gateway/local/page/pin.ts";
import { GatewayWatch } from "./gateway-watch.ts";
import { logStream } from "./log-stream.ts";
import { ServiceManager } from "./service-manager.ts";
import { EXIT } from "./subcommand.ts";

interface GatewayFlags {
  readonly config: string;
  readonly logLevel: string;
  readonly newPin?: true;
  readonly faultPoint?: string;
  readonly negativeControl?: GatewayNegativeControl;
}

const SHUTDOWN_TIMEOUT_MS = 30_000;

/** `shao gateway --config F`: the edge half, in the foreground until SIGTERM or Ctrl-C. */
export function command(): Command {
  return new Command()
    .requiredOption("--config <file>", "the gateway's config (YAML); `shao check FILE` looks it over")
    .addOption(
      new Option("--log-level <level>", "what goes to stderr, as JSON lines")
        .choices(["debug", "info", "warn", "error"])
        .default("info"),
    )
    .option("--new-pin", "make another PIN for the local page, and print it")
    .option("--fault-point <name[:n]>", "for tests: kill this process the n-th time that it gets there")
    .addOption(
      new Option("--negative-control <name>", "for tests: break a promise, so that they must go red").choices(
        GATEWAY_NEGATIVE_CONTROLS,
      ),
    )
    .addHelpText(
      "after",
      "\nReads its devices, judges, keeps every record until the bridge has confirmed it, and sends.\n" +
        "Without enrolment (`shao enroll`) it measures and keeps, and sends nothing.\n" +
        "Example: shao gateway --config config/site.yaml",
    )
    .action(async (flags: GatewayFlags) => {
      const result = await loadGatewayConfig(flags.config, DRIVERS);
      if (!result.ok) {
        const { tellConfigFaults } = await import("./config-faults.ts");
        tellConfigFaults(flags.config, result.text, result.faults);
        process.exitCode = EXIT.config;
        return;
      }
      const { config } = result;
      if (flags.newPin === true) Pin.forget(config.state);
      const log = stderrLogger(config.node, flags.logLevel);
      const folder = join(config.state, "twin");
      await serve({
        config,
        twin: await ConfigTwin.open({ folder, site: result, drivers: DRIVERS, log }),
        version: version(),
        log,
        tell: (text) => void process.stderr.write(text),
        ...(flags.faultPoint === undefined ? {} : { faultPoint: parseGatewayFaultPoint(flags.faultPoint) }),
        ...(flags.negativeControl === undefined ? {} : { negativeControl: flags.negativeControl }),
      });
    });
}

/** Serves until a signal; starts again where the gateway itself asks for it. */
async function serve(options: GatewayOptions): Promise<void> {
  const { promise: asked, resolve: stop } = Promise.withResolvers<"signal">();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop("signal"));
  const manager = new ServiceManager(options.log);
  const watch = new GatewayWatch(() => performance.now());
  let isReady = false;
  const onStarted = (gateway: Gateway): void => {
    watch.started(gateway);
    if (!isReady) manager.ready("started", () => watch.check());
    isReady = true;
  };
  void asked.then(() => manager.stopping());
  const end = await keepRunning(options, asked, onStarted, (ms) => watch.rests(ms));
  manager.stopping();
  if (end === "parked") runShutdown(options.config.parking?.shutdownCommand, options.log);
}

/** The box may be switched off now; what the config names does it. */
function runShutdown(command: readonly string[] | undefined, log: Logger): void {
  const [program, ...args] = command ?? [];
  if (program === undefined) return;
  const { status, error } = spawnSync(program, args, { stdio: "ignore", timeout: SHUTDOWN_TIMEOUT_MS });
  if (status === 0) return;
  const hint = "Check parking.shutdownCommand, and that this account may run it.";
  log.error({ code: "SHUTDOWN_COMMAND", program, status, error: error?.message, hint }, "box was not switched off");
  process.exitCode = EXIT.fault;
}

/** Written at once, so that the last line before a kill is there. */
function stderrLogger(node: string, level: string): Logger {
  return pino({ level, base: { node } }, logStream());
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return typeof manifest === "object" && manifest !== null && "version" in manifest
    ? String(manifest.version)
    : "unknown";
}
