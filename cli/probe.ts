import { Command } from "commander";
import { deviceLinks } from "../drivers/device-links.ts";
import { DRIVERS, loadDriver } from "../drivers/registry.ts";
import type { DeviceConfig, GatewayConfig } from "../gateway/config/gateway-config.ts";
import { loadGatewayConfig } from "../gateway/config/load-gateway-config.ts";
import type { CameraSettings } from "../gateway/contracts/cameras.ts";
import type { DeviceHealth } from "../gateway/contracts/readings.ts";
import { startSupervisor } from "../gateway/supervisor/supervisor.ts";
import { systemClock } from "../gateway/system-clock.ts";
import { tellConfigFaults } from "./config-faults.ts";
import { type Locale, systemLocale } from "./locale.ts";
import { answerOf, Heard } from "./probe/answer.ts";
import { findOwner, type Owner } from "./probe/owner.ts";
import { BAUD_RATES, PARITIES, scanBus } from "./probe/scan-bus.ts";
import { tellAnswer } from "./probe/told.ts";
import { unitRange } from "./probe/unit-range.ts";
import type { WiringFault } from "./probe/wiring.ts";
import { wiringWords } from "./probe/wiring-text.ts";
import { progressBar } from "./progress-bar.ts";
import { SILENT } from "./silent-log.ts";
import { EXIT } from "./subcommand.ts";
import { UsageError, usable } from "./usage-error.ts";

interface Options {
  readonly scan?: boolean;
  readonly units: string;
  readonly baud: string;
  readonly parity: string;
  readonly all?: boolean;
  readonly seconds: string;
  readonly pictures: string;
}

const OWNED: Readonly<Record<Locale, string>> = {
  en: "a gateway runs here: it is asked, and goes on",
  "zh-CN": "有网关在此运行：由它代为询问，测量不中断",
};

/** `shao probe F [device]`: talks to the devices and cameras of a config; where a gateway runs that owns them, through that gateway. */
export function command(): Command {
  return new Command()
    .argument("<file>", "config of a gateway")
    .argument("[device]", "only this one")
    .option("--scan", "look for meters on the config's buses: units, and on serial lines baud rates")
    .option("--units <from-to>", "units that --scan asks", "1-16")
    .option("--baud <list>", "baud rates that --scan tries on a serial line", BAUD_RATES.join(","))
    .option("--parity <list>", "parities that --scan tries on a serial line", PARITIES.join(","))
    .option("--all", "--scan goes on with other settings after it found a unit")
    .option("--seconds <n>", "how long each device may take (a camera: at least 15)", "6")
    .option("--pictures <folder>", "where a picture of each camera is written", ".")
    .addHelpText(
      "after",
      "\nOne JSON line a device on stdout. Exit code 0: all answered, 1: one did not, 78: the config is bad.\n" +
        "A camera's line says codec, size, pictures and kilobits a second, and where its picture was written.\n" +
        "--scan prints one line a unit: what answers, which profiles fit its register, and a guess; then what the line's\n" +
        "bytes tell of wrong wiring (A and B swapped, one address twice, no termination, another master).\n" +
        "Where a gateway runs on the config's state folder, it is asked, and goes on measuring meanwhile; --scan then\n" +
        "leaves the line at its settings. Any other program that holds a port is reported as PORT_BUSY.\n" +
        "Example: shao probe config/site.yaml noise-01",
    )
    .action((file: string, device: string | undefined, options: Options, self: Command) =>
      usable(self, () => probe(file, device, options)),
    );
}

async function probe(file: string, only: string | undefined, options: Options): Promise<void> {
  const loaded = await loadGatewayConfig(file, DRIVERS);
  if (!loaded.ok) {
    tellConfigFaults(file, loaded.text, loaded.faults);
    process.exitCode = EXIT.config;
    return;
  }
  using owner = await findOwner(loaded.config.state);
  if (owner !== undefined) process.stderr.write(`${OWNED[systemLocale()]}\n`);
  if (options.scan === true) {
    await scan(loaded.config, options, owner);
    return;
  }
  const seconds = Number(options.seconds);
  if (!(seconds > 0)) throw new UsageError(`"${options.seconds}" is no number of seconds`);
  const devices = loaded.config.devices.filter(({ id }) => only === undefined || id === only);
  const cameras = loaded.config.cameras.filter(({ id }) => only === undefined || id === only);
  if (devices.length + cameras.length === 0) {
    const known = [...loaded.config.devices, ...loaded.config.cameras].map(({ id }) => id).join(", ");
    throw new UsageError(`${file} has no device "${only ?? ""}"; it has ${known || "none"}`);
  }
  const haveAnswered =
    devices.length === 0 || (await (owner === undefined ? ask : askOwner(owner, only))(devices, seconds * 1000));
  const haveShown = cameras.length === 0 || (await look(cameras, loaded.config, seconds * 1000, options.pictures));
  process.exitCode = haveAnswered && haveShown ? EXIT.good : EXIT.fault;
}

function write(answer: object): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
  tellAnswer({ ...answer }, systemLocale());
}

function askOwner(owner: Owner, only: string | undefined) {
  return async (_: readonly DeviceConfig[], withinMs: number): Promise<boolean> => {
    const answers = await owner.devices(only, withinMs);
    for (const answer of answers) write(answer);
    return answers.every((answer) => "ok" in answer && answer.ok === true);
  };
}

/** One after the other: each is a connection of its own, beside that of a gateway that runs. @returns whether all show something */
async function look(
  cameras: readonly CameraSettings[],
  { vision }: GatewayConfig,
  withinMs: number,
  pictures: string,
): Promise<boolean> {
  const { probeCamera } = await import("./probe/camera.ts");
  const bar = progressBar("cameras", cameras.length);
  let shown = 0;
  for (const [index, camera] of cameras.entries()) {
    bar.draw(index, camera.id);
    const answer = await probeCamera(camera, { ffmpegPath: vision.ffmpeg, withinMs, pictures, log: SILENT });
    bar.clear();
    write({ camera: camera.id, ...answer });
    if (answer.ok) shown += 1;
  }
  return shown === cameras.length;
}

/** @returns whether all answered */
async function ask(devices: readonly DeviceConfig[], withinMs: number): Promise<boolean> {
  const clock = systemClock();
  const stop = new AbortController();
  const heard = new Map(devices.map(({ id }) => [id, new Heard()]));
  const stateOf = (id: string): DeviceHealth | undefined =>
    supervisor.health().find(({ device, subject }) => device === id && subject === undefined);
  const endWhenAllAnswered = (): void => {
    if (stop.signal.aborted) return;
    const done = devices.filter(({ id, driver }) => heard.get(id)?.isWhole(driver.kind, stateOf(id)) === true).length;
    bar.draw(done);
    if (done === devices.length) stop.abort();
  };
  const supervisor = startSupervisor({
    devices: devices.map(({ id, driver, config }) => ({ id, driver: driver.kind, config })),
    load: loadDriver,
    links: deviceLinks(clock),
    clock,
    signal: stop.signal,
    log: SILENT,
    onReading: ({ device, subject, reading }) => {
      heard.get(device)?.take(subject, reading, clock.upMs());
      endWhenAllAnswered();
    },
    // Asked a moment later: the first word on health comes before there is a supervisor.
    onHealth: () => queueMicrotask(endWhenAllAnswered),
  });
  const bar = progressBar("devices", devices.length);
  bar.draw(0);
  await clock.sleep(withinMs, stop.signal);
  const lines = devices.map(({ id, driver, config }) => ({
    device: id,
    driver: driver.kind,
    ...answerOf(driver.kind, config, heard.get(id) ?? new Heard(), stateOf(id)),
  }));
  stop.abort();
  await supervisor.done;
  bar.clear();
  for (const line of lines) write(line);
  return lines.every(({ ok }) => ok);
}

async function scan(config: GatewayConfig, options: Options, owner: Owner | undefined): Promise<void> {
  const { first, last } = unitRange(options.units);
  const baudRates = options.baud.split(",").map(Number);
  if (baudRates.some((rate) => !Number.isInteger(rate) || rate < 300 || rate > 1_000_000)) {
    throw new UsageError(`"${options.baud}" is no list of baud rates, such as ${BAUD_RATES.join(",")}`);
  }
  const parities = PARITIES.filter((parity) => options.parity.split(",").includes(parity));
  if (parities.length !== options.parity.split(",").length) {
    throw new UsageError(`"${options.parity}" is no list of parities, such as ${PARITIES.join(",")}`);
  }
  const buses = Object.entries(config.buses);
  if (buses.length === 0) throw new UsageError("the config has no buses to scan");
  let found = 0;
  for (const [name, bus] of buses) {
    const bar = progressBar(name, 1);
    const lease = owner?.bus(name);
    const isThorough = options.all === true;
    const how = { first, last, baudRates, parities, isThorough, ...(lease !== undefined && { lease }) };
    for await (const step of scanBus(bus, how)) {
      if ("share" in step) {
        const { baudRate, parity } = step.trying;
        bar.draw(step.share, baudRate === undefined ? "" : `${baudRate} ${parity}`);
        continue;
      }
      bar.clear();
      if ("unit" in step) found++;
      process.stdout.write(`${JSON.stringify({ bus: name, ...("wiring" in step ? told(step) : step) })}\n`);
    }
    bar.clear();
  }
  process.exitCode = found > 0 ? EXIT.good : EXIT.fault;
}

function told({ wiring, ...line }: { readonly wiring: WiringFault }): object {
  return { ...line, ...wiring, ...wiringWords(wiring, systemLocale()) };
}
