import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { availableParallelism, cpus, loadavg, tmpdir, totalmem } from "node:os";
import { basename, join, resolve } from "node:path";
import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import { BootedDebian, whyNoDebian } from "./booted-debian.ts";
import { converse } from "./converse.ts";

const ROOT = resolve(import.meta.dirname, "..", "..");
const CONFIG = "/etc/shao/gateway.yaml";
const METER_PORT = "15020";
const PAGE_PORT = "8090";
const METER_WITHIN_MS = 30_000;
const SUITE = "bookworm";

/** What an installer types, by the question in either language; Enter for every other one. */
const ANSWERS: readonly (readonly [question: RegExp, answer: string])[] = [
  [/^(Id of this box|本机编号)/u, "site-042"],
  [/^(Name of the place|地点名称)/u, "Guanghua Road block 7"],
  [/^(Time zone|时区)/u, "Asia/Shanghai"],
  [/^(Serial server|网络中的串口服务器)/u, `127.0.0.1:${METER_PORT}`],
];

interface Step {
  readonly step: string;
  readonly seconds: number;
}

interface Options {
  readonly deb: string;
  readonly lang: string;
}

const { values } = parseArgs({
  options: {
    deb: { type: "string" },
    zh: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const lacking =
  whyNoDebian() ??
  (spawnSync("/usr/bin/python3", ["-c", "import pymodbus"]).status === 0 ? undefined : "python3-pymodbus is missing");
if (lacking === undefined) await main();
else {
  process.stderr.write(`newcomer: ${lacking}\nHint: apt install mmdebstrap systemd-container python3-pymodbus\n`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "shao-newcomer-"));
  try {
    const deb = resolve(values.deb ?? made(folder));
    const load = Math.round(loadavg()[0] ?? 0);
    const result = await walk({ deb, lang: values.zh ? "zh_CN.UTF-8" : "C.UTF-8" });
    const machine = `${availableParallelism()} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, load ${load}`;
    const { steps } = result;
    const totalS = seconds(steps.reduce((sum, step) => sum + step.seconds, 0));
    for (const { step, seconds: took } of [...steps, { step: "together", seconds: totalS }]) {
      process.stderr.write(`${took.toFixed(1).padStart(7)} s  ${step}\n`);
    }
    const facts = { machine, debian: SUITE, deb: basename(deb), debBytes: statSync(deb).size };
    if (values.json) process.stdout.write(`${JSON.stringify({ ...facts, ...result, totalS })}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The package of this tree for this processor. */
function made(folder: string): string {
  const { status } = spawnSync("scripts/package", ["--level", "0", "--out", folder], {
    cwd: ROOT,
    stdio: ["ignore", "ignore", "inherit"],
  });
  const deb = readdirSync(folder).find((name) => name.endsWith(".deb"));
  if (status !== 0 || deb === undefined) throw new Error("scripts/package made no .deb");
  return join(folder, deb);
}

/** The whole path in a Debian that is thrown away afterwards. @throws Error naming the step that was not as it must be */
async function walk({ deb, lang }: Options) {
  const debian = await BootedDebian.boot(ROOT, SUITE);
  let meter: ChildProcess | undefined;
  try {
    debian.give(deb, basename(deb));
    const [program = "", ...words] = [
      ...debian.onItsNetwork,
      "/usr/bin/python3",
      join(import.meta.dirname, "meter.py"),
      METER_PORT,
    ];
    meter = spawn(program, words, { stdio: "ignore" });
    await answers(debian);
    return await stepByStep(debian, basename(deb), lang);
  } finally {
    meter?.kill("SIGKILL");
    await debian.stop();
  }
}

async function stepByStep(debian: BootedDebian, deb: string, lang: string) {
  const steps: Step[] = [];
  const timed = async <T>(step: string, act: () => Promise<T>): Promise<T> => {
    const startMs = performance.now();
    const result = await act();
    steps.push({ step, seconds: seconds((performance.now() - startMs) / 1000) });
    return result;
  };
  const well = async (line: string, answer?: (question: string) => string) => {
    const said = await converse(debian.shell(line, lang), answer);
    if (said.code !== 0) throw new Error(`${line} ended with ${said.code}:\n${said.stdout}${said.stderr}`);
    return said;
  };
  await timed("dpkg --install", () => well(`dpkg --install /root/${deb}`));
  const asked: string[] = [];
  const answer = (question: string): string => {
    asked.push(question);
    const known = ANSWERS.find(([pattern]) => pattern.test(question));
    // Asked for a second device in the network, there is none.
    const isAgain = asked.filter((earlier) => known?.[0].test(earlier)).length > 1;
    return known === undefined || isAgain ? "" : known[1];
  };
  const { stdout } = await timed("shao init", () => well(`shao init ${CONFIG}`, answer));
  const wrote: unknown = JSON.parse(stdout);
  await timed("shao check", () => well(`shao check ${CONFIG}`));
  await timed("systemctl start", () => well("systemctl start shao-gateway"));
  const { pin, fingerprint } = await timed("the PIN out of the service's journal", async () => {
    const journal = (await well("journalctl --unit shao-gateway --no-pager --output cat")).stdout;
    const [, first = "", last = ""] = /PIN (\d{4}) (\d{4})/.exec(journal) ?? [];
    const [, shown = ""] = /SHA-256 ([0-9a-f]{64})/.exec(journal) ?? [];
    if (first === "" || shown === "") throw new Error(`no PIN and fingerprint are told:\n${journal.slice(-3000)}`);
    return { pin: `${first}${last}`, fingerprint: shown };
  });
  const level: unknown = await timed("the page: PIN to the first level", async () => {
    const phone = [...debian.onItsNetwork, process.execPath, join(import.meta.dirname, "box-page.ts")];
    const [program = "", ...words] = [...phone, PAGE_PORT, pin, fingerprint, "noise-01"];
    const said = await converse([program, words, { env: process.env }]);
    if (said.code !== 0) throw new Error(`the page showed no level: ${said.stderr}`);
    return JSON.parse(said.stdout);
  });
  return { steps, asked, wrote, level };
}

/** Until the meter takes connections, on the network of that Debian. */
async function answers(debian: BootedDebian): Promise<void> {
  const startMs = performance.now();
  const look = `exec 3<>/dev/tcp/127.0.0.1/${METER_PORT}`;
  while (debian.run(`bash -c '${look}'`).status !== 0) {
    if (performance.now() - startMs > METER_WITHIN_MS) throw new Error("the meter does not answer");
    await wait(100);
  }
}

function seconds(value: number): number {
  return Math.round(value * 100) / 100;
}
