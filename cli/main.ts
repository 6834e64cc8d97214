import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { EXIT, type Subcommand } from "./subcommand.ts";

/** The whole command line. A line here and a file beside this one make a subcommand. */
export const SUBCOMMANDS: readonly Subcommand[] = [
  {
    name: "check",
    summary: "every fault of a config, with file:line:column, what was expected and an example",
    load: () => import("./check.ts"),
  },
  {
    name: "gateway",
    summary: "the edge half: reads devices, judges, keeps and sends",
    load: () => import("./gateway.ts"),
  },
  {
    name: "journal",
    summary: "looks into a node's journal: stats, ls, verify, export",
    load: () => import("./journal.ts"),
  },
  {
    name: "evidence",
    summary: "a bundle that proves a case to others: export, verify (offline)",
    load: () => import("./evidence.ts"),
  },
  {
    name: "backup",
    summary: "a copy of a running bridge or of a gateway's journal, and proof that it is whole",
    load: () => import("./backup.ts"),
  },
  {
    name: "init",
    summary: "a first config for a gateway, from a scan of its ports and a few questions",
    load: () => import("./init.ts"),
  },
  { name: "enroll", summary: "pairs this box with a bridge", load: () => import("./enroll.ts") },
  {
    name: "levels",
    summary: "statistics of 1-s levels: LAeq, maximum, minimum, percentiles, standard deviation, SEL",
    load: () => import("./levels.ts"),
  },
  {
    name: "bench",
    summary: "measures this machine and says beside what: latency, gateway-memory, ingest, start",
    load: () => import("./bench.ts"),
  },
  {
    name: "demo",
    summary: "the whole system on simulated devices; --once: one violation from sensor to closed case",
    load: () => import("./demo.ts"),
  },
  {
    name: "detect",
    summary: "what a detector sees in pictures",
    load: () => import("./detect.ts"),
  },
  {
    name: "models",
    summary: "detectors of this box with licence and hash: add, ls",
    load: () => import("./models.ts"),
  },
  { name: "decode", summary: "captured bytes or text to readings", load: () => import("./decode.ts") },
  { name: "sim", summary: "one simulated device, alone", load: () => import("./sim.ts") },
  {
    name: "bridge",
    summary: "the cloud half; `bridge init` makes its CA and the first administrator",
    load: () => import("./bridge.ts"),
  },
  { name: "node", summary: "which boxes may connect: add, ls, revoke", load: () => import("./node.ts") },
  { name: "user", summary: "accounts of the bridge: add, link, disable, enable, ls", load: () => import("./user.ts") },
  {
    name: "source",
    summary: "tokens with which other systems report to the bridge: add, ls, revoke",
    load: () => import("./source.ts"),
  },
  {
    name: "catalogue",
    summary: "a city's categories, times, legal grounds and whistles by version: show, load, ls",
    load: () => import("./catalogue.ts"),
  },
  {
    name: "probe",
    summary: "talks to the devices and cameras of a config; --scan looks for meters",
    load: () => import("./probe.ts"),
  },
];

const AFTERWORD = `
shao <command> --help explains each with examples.

stdout is data (one JSON object a line where there are many), stderr is talk.
Exit codes: ${EXIT.good} good, ${EXIT.fault} fault found, ${EXIT.usage} wrong usage, ${EXIT.config} bad config.`;

/** Runs one command line; never returns an exit code but sets `process.exitCode`, so that output drains. */
export async function main(argv: readonly string[], subcommands: readonly Subcommand[] = SUBCOMMANDS): Promise<void> {
  // A test that tries another table runs in a worker whose channel is not ours.
  if (subcommands === SUBCOMMANDS) endWithParent();
  const program = new Command("shao")
    .description("Edge gateway and dispatch bridge: from a noise meter on a site to a crew's sensor-verified case.")
    .version(version(), "-V, --version", "print the version")
    .usage("<command> [options]")
    .helpCommand(false)
    // Else the options after `bridge init` would be taken by `bridge`, which has some of the same names.
    .enablePositionalOptions()
    .configureHelp({ sortSubcommands: true, subcommandTerm: (command) => command.name() })
    .addHelpText("after", AFTERWORD)
    .showHelpAfterError("Hint: shao --help lists the commands.");
  const wanted = subcommands.find((subcommand) => subcommand.name === argv[0]);
  for (const { name, summary } of subcommands) {
    if (name !== wanted?.name) program.command(name).description(summary);
  }
  if (wanted !== undefined) {
    const { command } = await wanted.load();
    program.addCommand(command().name(wanted.name).description(wanted.summary));
  }
  throwInsteadOfExit(program, "");
  try {
    await program.parseAsync([...argv], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? EXIT.good : EXIT.usage;
      return;
    }
    if (!isExplained(error)) throw error;
    // Nothing that is only said of an error is loaded by a half that runs for months.
    const [{ explanation }, { systemLocale }] = await Promise.all([
      import("./fault-words/fault-words.ts"),
      import("./locale.ts"),
    ]);
    process.stderr.write(explanation(wanted?.name ?? "", error, systemLocale()));
    process.exitCode = EXIT.fault;
  }
}

/** Wrong usage anywhere in the tree ends with our exit code, and its hint names the command that was meant. */
function throwInsteadOfExit(command: Command, parents: string): void {
  const path = `${parents}${command.name()}`;
  command.exitOverride();
  if (parents !== "") command.showHelpAfterError(`Hint: ${path} --help explains it.`);
  for (const child of command.commands) throwInsteadOfExit(child, `${path} `);
}

/** An error of ours: it says what was seen, and what to do. */
function isExplained(error: unknown): error is Error & { readonly code: string; readonly hint: string } {
  return (
    error instanceof Error &&
    "code" in error &&
    typeof error.code === "string" &&
    "hint" in error &&
    typeof error.hint === "string"
  );
}

/** A half that the demo or a test started ends with it, however that ended: no process is left behind. */
function endWithParent(): void {
  if (process.channel === undefined || process.channel === null) return;
  process.channel.unref();
  process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  if (typeof manifest !== "object" || manifest === null || !("version" in manifest)) return "unknown";
  return String(manifest.version);
}
