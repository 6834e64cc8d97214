import { createHash } from "node:crypto";
import process from "node:process";
import { Command } from "commander";
import { journalFacts, journalFaults, openForReading, runFacts, storedRows } from "../gateway/journal/inspect.ts";
import { EXIT } from "./subcommand.ts";

/** `shao journal stats|ls|verify|export F`: looks into a node's journal, also while a gateway writes it. */
export function command(): Command {
  const journal = new Command().addHelpText(
    "after",
    "\nF is a `state` folder or a journal file, also one that was set aside. Nothing is ever changed.",
  );
  journal
    .command("stats")
    .description("how much is in it, by kind, and what waits for a receipt; one JSON object")
    .argument("<F>", "state folder or journal file")
    .action((path: string) => {
      using opened = openForReading(path);
      print(journalFacts(opened));
    });
  journal
    .command("ls")
    .description("its runs, newest first; one JSON object a line")
    .argument("<F>", "state folder or journal file")
    .action((path: string) => {
      using opened = openForReading(path);
      for (const facts of runFacts(opened)) print(facts);
    });
  journal
    .command("verify")
    .description("checks file and rows; a line per fault, exit 1 when there is one")
    .argument("<F>", "state folder or journal file")
    .action((path: string) => {
      using opened = openForReading(path);
      let faults = 0;
      for (const fault of journalFaults(opened)) {
        faults += 1;
        print(fault);
      }
      process.stderr.write(faults === 0 ? `${opened.file}: whole\n` : `${opened.file}: ${faults} faults\n`);
      if (faults > 0) process.exitCode = EXIT.fault;
    });
  journal
    .command("export")
    .description("every record, oldest run first: {run, sha256, record} a line")
    .argument("<F>", "state folder or journal file")
    .action((path: string) => {
      using opened = openForReading(path);
      for (const { run, bytes } of storedRows(opened)) {
        const text = Buffer.from(bytes).toString("utf8");
        const sha256 = createHash("sha256").update(bytes).digest("hex");
        process.stdout.write(`{"run":${JSON.stringify(run)},"sha256":"${sha256}","record":${text}}\n`);
      }
    });
  return journal;
}

function print(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
