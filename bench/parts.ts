import process from "node:process";
import { parseArgs } from "node:util";
import type { CustodyPart } from "./custody-part.ts";
import { type BenchRow, report } from "./report.ts";

const USAGE = 64;

/** A benchmark of parts: all of them, or those that `--only` names. Ends the process. */
export async function runParts(bench: string, parts: Readonly<Record<string, CustodyPart>>): Promise<never> {
  const { values } = parseArgs({ options: { only: { type: "string" }, help: { type: "boolean" } } });
  const names = values.only?.split(",") ?? Object.keys(parts);
  const unknown = names.filter((name) => !Object.hasOwn(parts, name));
  if (values.help === true || unknown.length > 0) {
    const list = Object.entries(parts).map(([name, { what }]) => `  ${name.padEnd(12)}${what}`);
    process.stderr.write(`shao bench ${bench} [--only PART,PART]\n\nParts:\n${list.join("\n")}\n`);
    if (unknown.length > 0) process.stderr.write(`\nno part is called ${unknown.join(", ")}\n`);
    process.exit(unknown.length > 0 ? USAGE : 0);
  }
  const rows: BenchRow[] = [];
  const missing: string[] = [];
  const say = (text: string) => void process.stderr.write(`${bench}: ${text}\n`);
  for (const name of names) {
    const startedMs = performance.now();
    try {
      rows.push(...((await parts[name]?.run()) ?? []));
      say(`${name} took ${Math.round((performance.now() - startedMs) / 1000)} s`);
    } catch (error) {
      // One part that this machine cannot run (no root, no peers) does not cost the others.
      missing.push(name);
      say(`${name} gave nothing: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (rows.length > 0) report(rows, missing);
  process.exit(rows.length > 0 ? 0 : 1);
}
