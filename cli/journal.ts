import { createHash } from "node:crypto";
import process from "node:process";
import { Command, InvalidArgumentError } from "commander";
import {
  journalFacts,
  openForReading,
  type RowFilter,
  runFacts,
  storedRows,
  type Unreadable,
} from "../gateway/journal/inspect.ts";
import { recordOf } from "../gateway/journal/stored-record.ts";
import { journalFaults } from "../gateway/journal/verify.ts";
import { EXIT } from "./subcommand.ts";

interface ListOptions extends RowFilter {
  readonly seq?: { readonly from: number; readonly to: number };
  readonly since?: number;
  readonly limit?: number;
}

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
    .description("its runs, newest first; with a filter its rows instead; one JSON object a line")
    .argument("<F>", "state folder or journal file")
    .option("--kind <kind>", "only records of this kind")
    .option("--lane <n>", "only rows of this lane, 0 to 4", natural)
    .option("--run <run>", "only of this run; its first letters suffice")
    .option("--seq <from-to>", "only these seqs: 17 or 17-40", seqRange)
    .option("--since <time>", "only records from this time on: 2026-06-01T12:00:00Z, or milliseconds", time)
    .option("--limit <n>", "at most so many rows", natural)
    .action((path: string, options: ListOptions) => list(path, options));
  journal
    .command("verify")
    .description("checks file, log, rows and seqs; a line per fault, exit 1 when there is one")
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
    .description(
      "every record, oldest run first: {run, sha256, record} a line; of a damaged file what can be read, exit 1",
    )
    .argument("<F>", "state folder or journal file")
    .action((path: string) => exportAll(path));
  return journal;
}

function list(path: string, { seq, since, limit, ...filter }: ListOptions): void {
  using opened = openForReading(path);
  const isAsked = Object.keys(filter).length > 0 || (seq ?? since ?? limit) !== undefined;
  if (!isAsked) {
    for (const facts of runFacts(opened)) print(facts);
    return;
  }
  const rows = storedRows(
    opened,
    {
      ...filter,
      ...(seq === undefined ? {} : { fromSeq: seq.from, toSeq: seq.to }),
      ...(since === undefined ? {} : { sinceMs: since }),
    },
    cannotRead,
  );
  let left = limit ?? Number.POSITIVE_INFINITY;
  for (const { run, seq: at, lane, kind, atMs, bytes } of rows) {
    if (left <= 0) break;
    left -= 1;
    const record = recordOf(bytes);
    print({ run, seq: at, lane, kind, at: new Date(atMs).toISOString(), device: record?.device, body: record?.body });
  }
}

function exportAll(path: string): void {
  using opened = openForReading(path);
  for (const { run, seq, bytes } of storedRows(opened, {}, cannotRead)) {
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    if (recordOf(bytes) === undefined) {
      process.stderr.write(`run ${run} seq ${seq}: its bytes are no record, given as base64\n`);
      process.exitCode = EXIT.fault;
      print({ run, seq, sha256, base64: Buffer.from(bytes).toString("base64") });
      continue;
    }
    const text = Buffer.from(bytes).toString("utf8");
    process.stdout.write(`{"run":${JSON.stringify(run)},"sha256":"${sha256}","record":${text}}\n`);
  }
}

function cannotRead({ run, table, afterSeq, beforeSeq, reason }: Unreadable): void {
  const until = beforeSeq === undefined ? "" : ` and before seq ${beforeSeq}`;
  process.stderr.write(`run ${run}, ${table}: cannot be read after seq ${afterSeq}${until}: ${reason}\n`);
  process.exitCode = EXIT.fault;
}

function natural(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("A whole number is wanted.");
}

function seqRange(text: string): { from: number; to: number } {
  const [, from, to = from] = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(text) ?? [];
  if (from === undefined) throw new InvalidArgumentError("One seq or FROM-TO is wanted.");
  return { from: Number(from), to: Number(to) };
}

function time(text: string): number {
  const atMs = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isFinite(atMs)) return atMs;
  throw new InvalidArgumentError("A time like 2026-06-01T12:00:00Z is wanted.");
}

function print(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
