import process from "node:process";
import { parseArgs } from "node:util";
import { journalPart } from "./custody-journal.ts";
import { type CustodyPart, say } from "./custody-part.ts";
import { type BenchRow, report } from "./report.ts";

const PARTS: Readonly<Record<string, CustodyPart>> = {
  journal: journalPart,
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
for (const name of names) {
  const startedMs = performance.now();
  rows.push(...((await PARTS[name]?.run()) ?? []));
  say(`${name} took ${Math.round((performance.now() - startedMs) / 1000)} s`);
}
report(rows);
