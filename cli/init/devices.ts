import process from "node:process";
import type { BusPort } from "../../drivers/driver.ts";
import { faultWords } from "../fault-words/fault-words.ts";
import type { Locale } from "../locale.ts";
import { type UnitRange, unitRange } from "../probe/unit-range.ts";
import { wiringWords } from "../probe/wiring-text.ts";
import { progressBar } from "../progress-bar.ts";
import { UsageError } from "../usage-error.ts";
import type { Asker } from "./asker.ts";
import type { FoundDevice } from "./findings.ts";
import { serialPorts } from "./serial-ports.ts";
import { type FoundUnit, type PortFindings, surveyPort } from "./survey.ts";
import type { InitWords } from "./text.ts";

export interface Talk {
  readonly asker: Asker;
  readonly words: InitWords;
  readonly locale: Locale;
  /** Sentences of what is still to be done. */
  readonly missing: string[];
}

export interface DeviceOptions {
  readonly port?: readonly string[];
  readonly address?: readonly string[];
  readonly units: string;
  readonly scan: boolean;
}

export interface DeviceFindings {
  readonly buses: { readonly name: string; readonly keys: Readonly<Record<string, string | number>> }[];
  readonly devices: FoundDevice[];
  place: { readonly latitudeDeg?: number; readonly longitudeDeg?: number };
}

const HOST_PORT = /^(?:\[[0-9A-Fa-f:.]+\]|[^:[\]/\s]+):\d{1,5}$/;

/** Looks at each port, and at what the one at the keyboard names, and tells what it is. */
export async function findDevices(options: DeviceOptions, talk: Talk): Promise<DeviceFindings> {
  const { asker, words, missing } = talk;
  const found: DeviceFindings = { buses: [], devices: [], place: {} };
  if (!options.scan) return found;
  const range = unitRange(options.units);
  const ports = options.port?.map((path) => ({ path, isUnstable: false })) ?? serialPorts();
  say(ports.length === 0 ? words.noPorts : words.ports(ports.map(({ path }) => path)));
  for (const { path, isUnstable } of ports) {
    if (isUnstable) say(words.unstable(path));
    await look({ serial: path }, range, found, talk);
  }
  const isAddress = (text: string) => (HOST_PORT.test(text) ? undefined : words.addressForm);
  for (const address of options.address ?? []) {
    const wrong = isAddress(address);
    if (wrong !== undefined) throw new UsageError(`--address "${address}": ${wrong}`);
    await look({ tcp: address }, range, found, talk);
  }
  if (options.address === undefined) {
    for (;;) {
      const address = await asker.ask(words.address, "", isAddress);
      if (address === "") break;
      await look({ tcp: address }, range, found, talk);
    }
  }
  if (found.devices.length === 0 && missing.length === 0) missing.push(words.noPorts);
  return found;
}

async function look(port: BusPort, range: UnitRange, found: DeviceFindings, talk: Talk) {
  const { words, missing, locale } = talk;
  const path = "serial" in port ? port.serial : port.tcp;
  const bar = progressBar(path, 1);
  const survey = await surveyPort(port, { ...range, onProgress: (share, what) => bar.draw(share, what) });
  bar.clear();
  if (survey.kind === "closed") {
    const { message, hint } = faultWords(survey, locale);
    say(words.closed(path, message, hint));
    missing.push(words.closed(path, message, hint));
    return;
  }
  if (survey.kind === "talker") takeTalker(port, survey.talker, found, talk);
  else if (survey.kind === "bus") await takeBus(port, survey, found, talk);
  else {
    say(words.nobody(path));
    if (survey.wiring.length === 0) missing.push(words.nobody(path));
  }
  if (survey.kind === "talker") return;
  for (const fault of survey.wiring) {
    const { message, hint } = wiringWords(fault, locale);
    say(`  ${message}\n  ${hint}`);
    missing.push(`${path}: ${message}. ${hint}`);
  }
}

type Talker = Extract<PortFindings, { kind: "talker" }>["talker"];

function takeTalker(port: BusPort, talker: Talker, found: DeviceFindings, { words, missing }: Talk): void {
  const path = "serial" in port ? port.serial : port.tcp;
  const { driver, baudRate } = talker;
  say(words.talks(path, driver, baudRate));
  const line = baudRate === undefined ? port : { ...port, baudRate };
  if (talker.driver === "cem-noise") {
    found.devices.push({ id: nextNoise(found), keys: { driver, ...line, model: talker.model } });
    return;
  }
  const receivers = found.devices.filter(({ keys }) => keys["driver"] === driver).length;
  found.devices.push({ id: receivers === 0 ? "gps" : `gps-${receivers + 1}`, keys: { driver, ...line } });
  const { latitudeDeg, longitudeDeg } = talker;
  if (latitudeDeg !== undefined && longitudeDeg !== undefined) found.place = { latitudeDeg, longitudeDeg };
  else {
    say(`  ${words.noFix}`);
    missing.push(`${path}: ${words.noFix}`);
  }
}

async function takeBus(
  port: BusPort,
  { units, framing }: Extract<PortFindings, { kind: "bus" }>,
  found: DeviceFindings,
  talk: Talk,
): Promise<void> {
  const path = "serial" in port ? port.serial : port.tcp;
  const name = found.buses.length === 0 ? "rs485" : `rs485-${found.buses.length + 1}`;
  const [line] = units;
  const settings =
    "serial" in port
      ? { baudRate: line?.baudRate ?? 9600, parity: line?.parity ?? "none" }
      : { framing: framing ?? "tcp" };
  found.buses.push({ name, keys: { ...port, ...settings } });
  for (const unit of units) {
    const at = unit.baudRate === undefined ? "" : ` (${unit.baudRate} ${unit.parity ?? "none"})`;
    say(talk.words.found(path, unit.unit, at, unit.fits[0]?.levelDb));
    await takeUnit(name, unit, found, talk);
  }
}

/** A unit without a level is no meter of ours, and is left out of the config: a rule on it would judge nothing. */
async function takeUnit(
  bus: string,
  { unit, fits }: FoundUnit,
  found: DeviceFindings,
  { asker, words, missing }: Talk,
) {
  if (fits.length === 0) {
    say(`  ${words.noProfile(unit)}`);
    missing.push(words.noProfile(unit));
    return;
  }
  const names = fits.map(({ profile, because }) =>
    because.length === 0 ? profile : `${profile} (${because.join(", ")})`,
  );
  const chosen = fits.length === 1 ? 0 : await asker.choose(words.whichProfile(unit), names);
  const profile = fits[chosen]?.profile ?? "";
  const others = fits.flatMap((fit) => (fit.profile === profile ? [] : [fit.profile]));
  found.devices.push({
    id: nextNoise(found),
    keys: { driver: "modbus-noise", bus, unit, profile, periodMs: 1000 },
    ...(others.length > 0 && { note: words.fileGuess(others.join(", ")) }),
  });
}

function nextNoise({ devices }: DeviceFindings): string {
  const meters = devices.filter(({ id }) => id.startsWith("noise-")).length;
  return `noise-${String(meters + 1).padStart(2, "0")}`;
}

function say(sentence: string): void {
  process.stderr.write(`${sentence}\n`);
}
