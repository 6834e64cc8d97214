import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Command, InvalidArgumentError } from "commander";
import type { Child } from "./sim/child.ts";
import { VEHICLES } from "./sim/city.ts";
import { runCrewActor } from "./sim/crew-actor.ts";
import { openDemoCamera } from "./sim/demo-camera.ts";
import { DemoFailure, type DemoReport, watchOnce } from "./sim/demo-once.ts";
import { keepLiving } from "./sim/demo-story.ts";
import { buildCity, enterRoster } from "./sim/living-city.ts";
import { LocalSystem } from "./sim/local-system.ts";
import { EXIT } from "./subcommand.ts";

interface Options {
  readonly once?: true;
  readonly port?: number;
  readonly timeScale: number;
}

const ONCE_LIMIT_MS = 120_000;

/** `shao demo`: the whole system on simulated devices that speak the real protocols. */
export function command(): Command {
  return new Command()
    .option("--once", "one violation, from sensor to verified case, then end: exit 0 and one JSON line, else exit 1")
    .option("--port <n>", "port of the pages (default: any)", port)
    .option(
      "--time-scale <n>",
      "divide the bridge's waiting times; rules, records and latencies are never scaled",
      scale,
      60,
    )
    .addHelpText(
      "after",
      "\nTwo sites and three vehicles as processes of their own, with mTLS, on loopback. All state is in a temporary folder" +
        "\nthat goes when the demo ends. Ctrl-C ends it.",
    )
    .action(run);
}

async function run(options: Options): Promise<void> {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort(new Error("stopped")));
  if (options.once) setTimeout(() => stop.abort(new DemoFailure("the end within 120 s")), ONCE_LIMIT_MS).unref();
  const directory = mkdtempSync(join(tmpdir(), "shao-demo-"));
  const children: Child[] = [];
  let report: DemoReport | undefined;
  try {
    report = await play(options, directory, children, stop.signal);
  } catch (error) {
    const asked = stop.signal.aborted && !(stop.signal.reason instanceof DemoFailure);
    if (!asked || options.once) {
      say(`The demo did not succeed: ${error instanceof Error ? error.message : String(error)}`);
      for (const child of children) for (const line of child.tail(6)) say(`  ${child.name}: ${line}`);
      process.exitCode = EXIT.fault;
    }
  } finally {
    stop.abort(new Error("stopped"));
    say("Ending: stopping every process …");
    await Promise.all(children.map((child) => child.stop()));
    rmSync(directory, { recursive: true, force: true });
  }
  if (report !== undefined) {
    process.stdout.write(`${JSON.stringify(report)}\n`);
    process.exitCode = report.lost + report.duplicated === 0 ? EXIT.good : EXIT.fault;
  }
}

async function play(
  options: Options,
  directory: string,
  children: Child[],
  signal: AbortSignal,
): Promise<DemoReport | undefined> {
  say("1/4 bridge: CA, keys, database, first account");
  // Its scene is drawn while processes start.
  const opening = openDemoCamera(directory);
  opening.catch(() => undefined);
  const { system, adminToken } = await LocalSystem.create({
    directory,
    ...(options.port === undefined ? {} : { httpPort: options.port }),
    bridgeConfig: { dispatch: options.once ? { policy: "auto" } : { policy: "auto-after", afterSeconds: 600 } },
  });
  const bridge = await system.startBridge(["--time-scale", String(options.timeScale)]);
  children.push(bridge);
  const admin = await system.signIn(adminToken);

  say("2/4 two sites, three vehicles: simulated meters and receivers, keys and certificates");
  await enterRoster(admin, Date.now());
  await using camera = await opening;
  if (camera === undefined) say("    no ffmpeg here, so no camera: sudo apt-get install ffmpeg");
  const paired = (done: number, of: number): void =>
    say(`    ${"■".repeat(done)}${"□".repeat(of - done)} ${done} of ${of} nodes paired`);
  await using living = await buildCity(system, admin, paired, camera === undefined ? {} : { gate: camera.config });
  const { city, link } = living;
  children.push(...living.startNodes());

  say("3/4 crews on duty");
  const notified: { crewId: string; caseId: string; atMs: number }[] = [];
  for (const vehicle of VEHICLES) {
    const client = await system.signIn(await system.addAccount(vehicle.crewName, "crew", vehicle.crewId));
    void runCrewActor({
      client,
      vehicle,
      city,
      signal,
      say,
      onWordGiven: (node) => city.endNoise(node, Date.now()),
      onNotified: ({ crewId, caseId }, atMs) => notified.push({ crewId, caseId, atMs }),
    });
  }

  // Awaited here: the city's devices must outlive the watching.
  if (options.once) {
    const { timeScale } = options;
    return await watchOnce({ admin, city, link, camera, notified, signal, say, timeScale });
  }

  const token = await system.addAccount("you", "admin");
  say("4/4 it lives. The certificate is the demo's own: your browser asks once whether to trust it.");
  process.stdout.write(`Console: ${system.url}\nOne-time link: ${system.welcomeLink(token)}\n`);
  void camera?.live(signal, say).catch((error: unknown) => {
    if (!signal.aborted) say(`the simulated camera broke: ${String(error)}`);
  });
  await keepLiving({ admin, city, link, signal, say });
  return undefined;
}

function say(sentence: string): void {
  process.stderr.write(`${sentence}\n`);
}

function port(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0 && value < 65_536) return value;
  throw new InvalidArgumentError("A port is a number from 1 to 65535.");
}

function scale(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= 1) return value;
  throw new InvalidArgumentError("A number from 1 on is wanted.");
}
