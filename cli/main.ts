import { Command, CommanderError } from "commander";
import { EXIT, type Subcommand } from "./subcommand.ts";

/** The whole command line. A line here and a file beside this one make a subcommand. */
export const SUBCOMMANDS: readonly Subcommand[] = [
  {
    name: "check",
    summary: "every fault of a config, with file:line:column, what was expected and an example",
    load: () => import("./check.ts"),
  },
  { name: "enroll", summary: "pairs this box with a bridge", load: () => import("./enroll.ts") },
];

/** Runs one command line; never returns an exit code but sets `process.exitCode`, so that output drains. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command("shao")
    .description("Edge gateway and dispatch bridge: from a noise meter on a site to a crew's sensor-verified case.")
    .exitOverride()
    .showHelpAfterError("(shao --help lists the commands)");
  const wanted = SUBCOMMANDS.find((subcommand) => subcommand.name === argv[0]);
  for (const { name, summary } of SUBCOMMANDS) {
    if (name !== wanted?.name) program.command(name).description(summary);
  }
  if (wanted !== undefined) {
    const { command } = await wanted.load();
    program.addCommand(command().name(wanted.name).description(wanted.summary).exitOverride());
  }
  try {
    await program.parseAsync([...argv], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? EXIT.good : EXIT.usage;
  }
}
