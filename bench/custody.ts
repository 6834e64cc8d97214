import process from "node:process";
import { parseArgs } from "node:util";
import { alarmPart } from "./custody-alarm.ts";
import { drainPart } from "./custody-drain.ts";
import { flashPart } from "./custody-flash.ts";
import { journalPart } from "./custody-journal.ts";
import { type CustodyPart, say } from "./custody-part.ts";
import { peersPart } from "./custody-peers.ts";
import { startPart } from "./custody-start.ts";
import { type BenchRow, report } from "./report.ts";

const PARTS: Readonly<Record<string, CustodyPart>> = {
  journal: journalPart,
  drain: drainPart,
  alarm: alarmPart,
  flash: flashPart,
  start: startPart,
  peers: peersPart,
};
const USAGE = 64;

const { values } = parseArgs({ options: { only: { type: "string" }, help: { type: "boolean" } } });
const names = values.only?.split(",") ?? Object.keys(PARTS);
const unknown = names.filter((name) => !Object.hasOwn(PARTS, name));
if (values.help === true || unknown.length > 0) {
  const list = Object.entries(PARTS).map(([name, { what }]) => `  ${name.padEnd(10)}${what}`);
  process.stderr.write(`shao bench custody [--only PART,PART]\n\nParts:\n${list.join("\n")}\n`);
  if (unknown.length > 0) process.stderr.write(`\nno part is called ${unknown.join(", ")}\n`);
  process.exit(unknown.length > 0 ? USAGE : 0);
}
const rows: BenchRow[] = [];
const missing: string[] = [];
for (const name of names) {
  const startedMs = performance.now();
  try {
    rows.push(...((await PARTS[name]?.run()) ?? []));
    say(`${name} took ${Math.round((performance.now() - startedMs) / 1000)} s`);
  } catch (error) {
    // One part that this machine cannot run (no root, no peers) does not cost the others.
    missing.push(name);
    say(`${name} gave nothing: ${error instanceof Error ? error.message : String(error)}`);
  }
}
if (rows.length > 0) report(rows, missing);
process.exit(rows.length > 0 ? 0 : 1);
